// Who comes while the cut is on is cut off too, and what is said of it; packets and a real DNS
// server are in tests/integration.
#include "injectors/follow_peers.h"

#include <gtest/gtest.h>

#include "injectors/partition.h"
#include "tests/unit/injectors/fake_node.h"

namespace chaos::inject::test {
namespace {

constexpr const char* kName = "rbc-0123456789-peers.rbee.svc";

protocol::InjectArguments Arguments() {
  protocol::InjectArguments arguments;
  arguments.run = "0123456789";
  arguments.partition().peers = {{"pod hive-0", {"10.0.0.2"}, {7835}}};
  arguments.partition().follow = {{kName, {"10.0.0.5"}, {7835}}};
  arguments.controls = {{"dns", "10.0.0.10", 53}};
  arguments.protect = {"10.0.0.10"};
  return arguments;
}

class Following : public testing::Test {
 protected:
  FakeNode node;
  Partition fault{Arguments()};
  nanoseconds now = seconds(1000);

  void SetUp() override {
    node.own = {*ParseAddress("10.0.0.1")};
    node.names[kName] = {"10.0.0.1", "10.0.0.2"};
    ASSERT_TRUE(fault.Preflight(node));
    EXPECT_TRUE(node.tried->grows);
    ASSERT_TRUE(fault.Apply(node, seconds(30)));
    Live(seconds(0));
  }
  // Wakes it as often as it wants to be woken, for a while.
  void Live(nanoseconds time) {
    const nanoseconds until = now + time;
    while (true) {
      const std::optional<nanoseconds> next = fault.Tick(node, now);
      ASSERT_TRUE(next);
      ASSERT_GT(*next, now) << "it would spin";
      if (*next > until) break;
      now = *next;
    }
    now = until;
  }
  bool CutOff(const std::string& address) const { return !node.Flows(*ParseAddress(address)); }
  std::string Figure(const std::string& name) const {
    const Figures figures = fault.Sample(node_());
    const auto found = figures.find(name);
    return found == figures.end() ? "none" : found->second;
  }
  FakeNode& node_() const { return const_cast<FakeNode&>(node); }
};

TEST_F(Following, APeerThatComesLaterIsCutOffForTheRestOfTheTime) {
  Live(seconds(10));
  EXPECT_TRUE(node.widened.empty());
  EXPECT_EQ(Figure("latePeersCut"), "none");
  node.names[kName] = {"10.0.0.2", "10.0.0.9", "fd00::9"};
  Live(seconds(3));
  EXPECT_TRUE(CutOff("10.0.0.9"));
  EXPECT_TRUE(CutOff("fd00::9"));
  ASSERT_EQ(node.widened.size(), 1U);
  EXPECT_LE(node.widened[0], seconds(20));
  EXPECT_GE(node.widened[0], seconds(18));
  EXPECT_EQ(Figure("latePeersCut"), "2/2");
  EXPECT_EQ(Figure("latePeersProved"), "2/2");
  EXPECT_EQ(Figure("latePeers"), "10.0.0.9 after 11s, fd00::9 after 11s");
  EXPECT_EQ(Figure("lookupsFailed"), "none");
}

TEST_F(Following, NeverTouchesItselfWhatIsProtectedAndWhatIsNoPeer) {
  node.names[kName] = {"10.0.0.1", "10.0.0.2", "10.0.0.5", "10.0.0.10", "127.0.0.1", "::1"};
  Live(seconds(5));
  EXPECT_TRUE(node.widened.empty());
  EXPECT_EQ(Figure("latePeersCut"), "none");
}

TEST_F(Following, WithoutAnAnswerBeforeNothingIsProved) {
  node.silent = {"10.0.0.9"};
  node.names[kName] = {"10.0.0.9"};
  Live(seconds(5));
  EXPECT_EQ(Figure("latePeersCut"), "1/1");
  EXPECT_EQ(Figure("latePeersProved"), "0/1");
}

TEST_F(Following, OneThatIsStillReachedDoesNotCountAsCutOff) {
  node.immune = {"10.0.0.9"};
  node.names[kName] = {"10.0.0.8", "10.0.0.9"};
  Live(seconds(5));
  EXPECT_EQ(Figure("latePeersCut"), "1/2");
  EXPECT_EQ(Figure("latePeers").find("10.0.0.9"), std::string::npos);
}

TEST_F(Following, LookUpsThatFailAreCountedAndEndNothing) {
  node.names.clear();
  Live(seconds(2));
  EXPECT_EQ(Figure("lookupsFailed"), "2/3");
  EXPECT_EQ(Figure("lookupError"), "the name is not known");
  node.dns_silent = true;
  Live(seconds(6));
  EXPECT_EQ(Figure("lookupError"), "DNS did not answer within 2s");
  node.dns_silent = false;
  node.names[kName] = {"10.0.0.9"};
  Live(seconds(4));
  EXPECT_TRUE(CutOff("10.0.0.9"));
}

TEST_F(Following, WhatTheKernelRefusesIsTriedAgain) {
  node.widen_fails = "no memory";
  node.names[kName] = {"10.0.0.9"};
  Live(seconds(3));
  EXPECT_EQ(Figure("latePeersError"), "no memory");
  EXPECT_EQ(Figure("latePeersCut"), "none");
  node.widen_fails.clear();
  Live(seconds(2));
  EXPECT_TRUE(CutOff("10.0.0.9"));
  EXPECT_EQ(Figure("latePeersError"), "none");
  EXPECT_EQ(Figure("latePeersCut"), "1/1");
}

TEST_F(Following, MoreThanCanBeFollowedIsNotHidden) {
  for (int i = 20; i < 100; ++i) node.names[kName].push_back("10.0.1." + std::to_string(i));
  Live(seconds(5));
  EXPECT_EQ(Figure("latePeersCut"), "64/80");
}

TEST(NotFollowing, AsksNobody) {
  FakeNode node;
  protocol::InjectArguments arguments = Arguments();
  arguments.partition().follow.clear();
  Partition fault(arguments);
  ASSERT_TRUE(fault.Preflight(node));
  EXPECT_FALSE(node.tried->grows);
  ASSERT_TRUE(fault.Apply(node, seconds(1)));
  EXPECT_EQ(fault.Tick(node, seconds(1000)), std::nullopt);
  EXPECT_EQ(node.lookups, 0);
}

}  // namespace
}  // namespace chaos::inject::test
