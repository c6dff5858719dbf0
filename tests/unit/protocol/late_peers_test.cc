// One figure that two programs must read alike, and that never grows out of its place in a status.
#include "injectors/protocol/late_peers.h"

#include <gtest/gtest.h>

namespace chaos::protocol {
namespace {

TEST(LatePeers, RoundTrip) {
  const std::vector<LatePeer> peers = {{"10.1.0.9", milliseconds(4200)}, {"fd00::9", seconds(75)}};
  EXPECT_EQ(PrintLatePeers(peers), "10.1.0.9 after 4s200ms, fd00::9 after 1m15s");
  EXPECT_EQ(ParseLatePeers(PrintLatePeers(peers)), peers);
  EXPECT_EQ(PrintLatePeers({}), "");
  EXPECT_TRUE(ParseLatePeers("").empty());
}

TEST(LatePeers, MoreThanFitAreLeftOutAndItIsSaid) {
  std::vector<LatePeer> many;
  for (int i = 0; i < 64; ++i) many.push_back({"fd00::" + std::to_string(i), milliseconds(12345)});
  const std::string text = PrintLatePeers(many);
  EXPECT_LE(text.size(), 240U);
  EXPECT_TRUE(text.ends_with(", …"));
  const std::vector<LatePeer> read = ParseLatePeers(text);
  ASSERT_GT(read.size(), 5U);
  EXPECT_TRUE(std::equal(read.begin(), read.end(), many.begin()));
}

TEST(LatePeers, WhatCannotBeReadIsLeftOut) {
  const std::vector<LatePeer> one = {{"10.1.0.9", seconds(4)}};
  EXPECT_EQ(ParseLatePeers("nonsense, 10.1.0.8 after soon, 10.1.0.9 after 4s, "), one);
}

}  // namespace
}  // namespace chaos::protocol
