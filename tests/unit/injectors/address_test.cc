#include "injectors/address.h"

#include <gtest/gtest.h>

namespace chaos::inject {
namespace {

TEST(Address, ReadsAndPrintsBothFamilies) {
  for (const std::string text : {"10.9.0.2", "255.255.255.255", "fd09::2", "::1"}) {
    const Result<Address> address = ParseAddress(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(Print(*address), text);
  }
  EXPECT_EQ(Print(*ParseAddress("::ffff:10.9.0.2")), "10.9.0.2");
}

TEST(Address, RefusesWhatIsNoAddress) {
  for (const std::string text :
       {"", "hive", "10.9.0", "10.9.0.256", "fd09::g", "10.9.0.2 ", "[::1]"}) {
    const Result<Address> address = ParseAddress(text);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().detail, "\"" + text + "\" is not an IPv4 or IPv6 address");
  }
}

TEST(Network, ReadsPrefixesAndRefusesSlips) {
  EXPECT_EQ(Print(*ParseNetwork("10.0.0.0/8")), "10.0.0.0/8");
  EXPECT_EQ(Print(*ParseNetwork("fd00::/64")), "fd00::/64");
  EXPECT_EQ(Print(*ParseNetwork("10.0.0.7/32")), "10.0.0.7");
  EXPECT_EQ(Print(*ParseNetwork("0.0.0.0/0")), "0.0.0.0/0");
  for (const std::string text :
       {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "fd00::/129"}) {
    EXPECT_FALSE(ParseNetwork(text)) << text;
  }
  const Result<Network> slip = ParseNetwork("10.9.0.2/20");
  ASSERT_FALSE(slip);
  EXPECT_EQ(slip.error().detail, "\"10.9.0.2/20\" has bits behind its prefix: write 10.9.0.0/20");
}

TEST(Network, KnowsItsFirstAndLastAddress) {
  const Network network = *ParseNetwork("10.9.16.0/20");
  EXPECT_EQ(Print(First(network)), "10.9.16.0");
  EXPECT_EQ(Print(Last(network)), "10.9.31.255");
  EXPECT_TRUE(network.Contains(*ParseAddress("10.9.31.255")));
  EXPECT_FALSE(network.Contains(*ParseAddress("10.9.32.0")));
  EXPECT_FALSE(network.Contains(*ParseAddress("fd00::1")));
  EXPECT_EQ(Print(Last(*ParseNetwork("fd00::/127"))), "fd00::1");
}

TEST(Network, MergeLeavesNoOverlap) {
  const auto merged =
      Merge({*ParseNetwork("10.1.0.0/16"), *ParseNetwork("10.0.0.0/8"), *ParseNetwork("11.0.0.1"),
             *ParseNetwork("11.0.0.1"), *ParseNetwork("10.0.0.0/16"), *ParseNetwork("fd00::1")});
  std::vector<std::string> printed;
  for (const Network& network : merged) printed.push_back(Print(network));
  EXPECT_EQ(printed, (std::vector<std::string>{"10.0.0.0/8", "11.0.0.1", "fd00::1"}));
}

}  // namespace
}  // namespace chaos::inject
