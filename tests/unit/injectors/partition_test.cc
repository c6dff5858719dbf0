// What a partition plans to cut, and what it concludes from its connects; the packets are in
// tests/integration.
#include "injectors/partition.h"

#include <gtest/gtest.h>

#include "injectors/protocol/events.h"
#include "tests/unit/injectors/fake_node.h"

namespace chaos::inject::test {
namespace {

Address Parse(const std::string& text) { return *ParseAddress(text); }

protocol::InjectArguments Arguments() {
  protocol::InjectArguments arguments;
  arguments.run = "0123456789";
  arguments.partition().peers = {{"pod hive-0", {"10.0.0.2"}, {7835}}};
  arguments.controls = {{"dns", "10.0.0.10", 53}};
  return arguments;
}

std::vector<std::string> CutOf(const protocol::InjectArguments& arguments, FakeNode& node) {
  Partition partition(arguments);
  const Result<std::string> mechanism = partition.Preflight(node);
  EXPECT_TRUE(mechanism) << mechanism.error().detail;
  std::vector<std::string> networks;
  if (node.tried) {
    for (const Network& network : node.tried->networks) networks.push_back(Print(network));
  }
  return networks;
}

Reading Read(Look& look) {
  std::optional<Reading> reading = look.Poll(look.Deadline());
  EXPECT_TRUE(reading);
  return *reading;
}

TEST(PartitionPlan, NeverContainsProtectedOwnOrLoopbackAddresses) {
  FakeNode node;
  node.own = {Parse("10.0.0.1"), Parse("127.0.0.1")};
  protocol::InjectArguments arguments = Arguments();
  arguments.partition().peers[0].addresses = {"10.0.0.1", "127.0.0.9", "::1", "10.0.0.2",
                                              "10.0.0.53"};
  arguments.protect = {"10.0.0.53"};
  EXPECT_EQ(CutOf(arguments, node), std::vector<std::string>{"10.0.0.2"});
  EXPECT_TRUE(node.tried->spared.empty());
}

TEST(PartitionPlan, SparesProtectedAddressesInsideOfANetwork) {
  FakeNode node;
  node.own = {Parse("10.0.0.1"), Parse("192.168.0.1")};
  protocol::InjectArguments arguments = Arguments();
  arguments.partition().peers[0] = {"net", {"10.0.0.0/8", "10.1.0.0/16", "10.0.0.2"}, {7835}};
  arguments.protect = {"10.0.0.10"};
  EXPECT_EQ(CutOf(arguments, node), std::vector<std::string>{"10.0.0.0/8"});
  EXPECT_EQ(node.tried->spared, (std::vector<Address>{Parse("10.0.0.1"), Parse("10.0.0.10")}));
}

TEST(PartitionPlan, DirectionAndPortsArePassedOn) {
  FakeNode node;
  protocol::InjectArguments arguments = Arguments();
  arguments.partition().direction = protocol::Direction::kIngress;
  arguments.partition().ports = {9, 7, 9};
  CutOf(arguments, node);
  EXPECT_TRUE(node.tried->incoming);
  EXPECT_FALSE(node.tried->outgoing);
  EXPECT_EQ(node.tried->ports, (std::vector<std::uint16_t>{7, 9}));
  EXPECT_EQ(node.tried->table, "rbc_0123456789");
}

TEST(PartitionProof, OnlyPeersThatWorkedBeforeCount) {
  FakeNode node;
  node.silent = {"10.0.0.3"};
  protocol::InjectArguments arguments = Arguments();
  arguments.partition().peers.push_back({"pod hive-1", {"10.0.0.3"}, {7835}});
  Partition partition(arguments);
  ASSERT_TRUE(partition.Preflight(node));
  const Reading before = Read(*partition.Baseline(node, nanoseconds(0)));
  EXPECT_EQ(before.reason, "");
  EXPECT_EQ(before.measured.at("peersReachable"), "1/2");
  EXPECT_EQ(before.measured.at("notReachable"), "pod hive-1");
  ASSERT_TRUE(partition.Apply(node, seconds(1)));
  const Reading during = Read(*partition.Measure(node, nanoseconds(0)));
  EXPECT_EQ(during.reason, "");
  EXPECT_EQ(during.measured.at("peersCut"), "1/2");
  EXPECT_EQ(during.measured.at("connectsFailed"), "1/1");
  EXPECT_EQ(partition.Requested().at("peersCut"), "2/2");
}

TEST(PartitionProof, APeerWithOneAddressStillReachedIsNotCutOff) {
  FakeNode node;
  protocol::InjectArguments arguments = Arguments();
  arguments.partition().peers[0].addresses = {"10.0.0.2", "10.96.0.7"};
  node.immune = {"10.96.0.7"};
  Partition partition(arguments);
  ASSERT_TRUE(partition.Preflight(node));
  Read(*partition.Baseline(node, nanoseconds(0)));
  ASSERT_TRUE(partition.Apply(node, seconds(1)));
  const Reading during = Read(*partition.Measure(node, nanoseconds(0)));
  EXPECT_EQ(during.reason, protocol::kPartialEffect);
  EXPECT_EQ(during.measured.at("peersCut"), "0/1");
  EXPECT_EQ(during.message, "still reached: 10.96.0.7:7835");
}

TEST(PartitionProof, WithoutAControlThatStillWorksNothingIsProved) {
  FakeNode node;
  protocol::InjectArguments arguments = Arguments();
  arguments.controls.push_back({"node", "10.0.0.11", 10250});
  Partition partition(arguments);
  ASSERT_TRUE(partition.Preflight(node));
  Read(*partition.Baseline(node, nanoseconds(0)));
  ASSERT_TRUE(partition.Apply(node, seconds(1)));
  node.silent = {"10.0.0.10"};
  const Reading one_left = Read(*partition.Measure(node, nanoseconds(0)));
  EXPECT_EQ(one_left.reason, "");
  EXPECT_EQ(one_left.measured.at("controlName"), "node 10.0.0.11:10250");
  node.silent = {"10.0.0.10", "10.0.0.11"};
  const Reading none_left = Read(*partition.Measure(node, nanoseconds(0)));
  EXPECT_EQ(none_left.reason, protocol::kSteadyStateNotMet);
  EXPECT_EQ(none_left.measured.at("control"), "failed");
}

TEST(PartitionProof, PortsThatAreCutAreThePortsThatAreTried) {
  FakeNode node;
  protocol::InjectArguments arguments = Arguments();
  arguments.partition().peers[0].verify = {7835, 7836, 8080};
  arguments.partition().ports = {7836, 9};
  Partition some(arguments);
  ASSERT_TRUE(some.Preflight(node));
  some.Baseline(node, nanoseconds(0));
  EXPECT_EQ(node.dials, 1 + 1);  // 7836, and the control
  node.dials = 0;
  arguments.partition().ports = {5, 6, 9};
  Partition none_known(arguments);
  ASSERT_TRUE(none_known.Preflight(node));
  none_known.Baseline(node, nanoseconds(0));
  EXPECT_EQ(node.dials, 3 + 1);
}

TEST(PartitionProof, PeersWithoutPortsToVerifyAreCutOffButNotCounted) {
  FakeNode node;
  protocol::InjectArguments arguments = Arguments();
  arguments.partition().peers.push_back({"service hive", {"10.96.0.7"}, {}});
  arguments.partition().ports = {7835};
  node.silent = {"10.96.0.7"};
  Partition partition(arguments);
  ASSERT_TRUE(partition.Preflight(node));
  EXPECT_EQ(node.tried->networks.size(), 2U);
  EXPECT_EQ(partition.Requested().at("peersCut"), "1/1");
  const Reading before = Read(*partition.Baseline(node, nanoseconds(0)));
  EXPECT_EQ(before.measured.at("peersReachable"), "1/1");
  EXPECT_FALSE(before.measured.contains("notReachable"));
}

TEST(PartitionProof, WithNothingToConnectToNothingIsProved) {
  FakeNode node;
  protocol::InjectArguments arguments = Arguments();
  arguments.partition().peers = {{"cidr 10.1.0.0/16", {"10.1.0.0/16"}, {}}};
  Partition partition(arguments);
  ASSERT_TRUE(partition.Preflight(node));
  const Reading before = Read(*partition.Baseline(node, nanoseconds(0)));
  EXPECT_EQ(before.reason, protocol::kSteadyStateNotMet);
  EXPECT_EQ(
      before.message,
      "no peer has both a single address and a port to connect to, so no cut could be proved");
}

}  // namespace
}  // namespace chaos::inject::test
