// What a partition does to packets, seen from inside the namespaces.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "tests/integration/injector/program.h"
#include "tests/integration/injector/test_net.h"

namespace chaos::test {
namespace {

using protocol::Direction;
using ::testing::Test;

constexpr const char* kRun = "0123456789";

TEST(Partition, CutsOffThePeerAndNothingElseAndEndsByItself) {
  TestNet net;
  Program injector(net.target(), InjectWords(Arguments(kRun, seconds(2))));
  const auto verified = injector.WaitFor("verified");
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->requested.at("peersCut"), "1/1");
  EXPECT_EQ(verified->measured.at("peersCut"), "1/1");
  EXPECT_EQ(verified->measured.at("control"), "ok");
  EXPECT_GE(std::stoi(verified->measured.at("packetsDropped")), 1);
  EXPECT_FALSE(net.Reaches("10.9.0.2", 7835));
  EXPECT_FALSE(net.Reaches("10.9.0.2", 7836));
  EXPECT_FALSE(net.TargetIsReachedBy("10.9.0.2"));
  EXPECT_TRUE(net.Reaches("10.9.0.3", 7835));
  EXPECT_TRUE(net.TargetIsReachedBy("10.9.0.3"));

  EXPECT_EQ(injector.Wait(), 0);
  EXPECT_EQ(injector.names(), (std::vector<std::string>{"preflight", "journal", "armed", "applied",
                                                        "verified", "reverting", "reverted"}));
  EXPECT_TRUE(net.Reaches("10.9.0.2", 7835));
  EXPECT_EQ(net.Nft("list ruleset"), "");
  const protocol::Event& reverted = injector.events().back();
  EXPECT_EQ(reverted.measured.at("peersBack"), "1/1");
  EXPECT_GE(std::stoi(reverted.measured.at("packetsDropped")), 4);
  EXPECT_EQ(reverted.requested.size(), 0U);
  const auto record = injector.record();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->state + " " + record->code + " " + record->run, "reverted ok 0123456789");
  const auto lasted = *record->reverted - *record->applied;
  EXPECT_GE(lasted, seconds(2) - milliseconds(5));
  EXPECT_LE(lasted, seconds(2) + milliseconds(200));
}

struct DirectionRow {
  Direction direction;
  bool to_peer_arrives, from_peer_arrives;
};

TEST(Partition, DirectionSaysWhichPacketsAreDropped) {
  for (const DirectionRow& row : {DirectionRow{Direction::kEgress, false, true},
                                  DirectionRow{Direction::kIngress, true, false},
                                  DirectionRow{Direction::kBoth, false, false}}) {
    SCOPED_TRACE(static_cast<int>(row.direction));
    TestNet net;
    const TestNet::Connection line = net.Open("10.9.0.2", 7836);
    ASSERT_TRUE(Passes(line.here, line.there) && Passes(line.there, line.here));
    protocol::InjectArguments arguments = Arguments(kRun, seconds(20));
    arguments.partition().direction = row.direction;
    Program injector(net.target(), InjectWords(arguments));
    ASSERT_TRUE(injector.WaitFor("verified"));
    // Without their acknowledgements these are sent again, which is no matter here.
    EXPECT_EQ(Passes(line.here, line.there), row.to_peer_arrives);
    EXPECT_EQ(Passes(line.there, line.here), row.from_peer_arrives);
    injector.Signal(SIGTERM);
    EXPECT_EQ(injector.Wait(), 0);
    EXPECT_TRUE(net.Reaches("10.9.0.2", 7835));
  }
}

TEST(Partition, PortsLimitItToThesePortsOfThePeer) {
  TestNet net;
  protocol::InjectArguments arguments = Arguments(kRun, seconds(20));
  arguments.partition().ports = {7835, 9999};
  Program injector(net.target(), InjectWords(arguments));
  ASSERT_TRUE(injector.WaitFor("verified"));
  EXPECT_FALSE(net.Reaches("10.9.0.2", 7835));
  EXPECT_FALSE(net.Reaches("10.9.0.2", 9999));
  EXPECT_TRUE(net.Reaches("10.9.0.2", 7836));
  EXPECT_TRUE(net.Reaches("10.9.0.2", 9998));  // refused, which is an answer
  EXPECT_TRUE(net.TargetIsReachedBy("10.9.0.2"));
  int cut_off = 0, passes = 0;
  TestNet::In(net.target(), [&] {
    const Fd udp(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(0x0a090002);
    const auto send_to = [&](std::uint16_t port) {
      to.sin_port = htons(port);
      const auto* name = reinterpret_cast<const sockaddr*>(&to);
      return sendto(udp.get(), "x", 1, 0, name, sizeof to) == 1 ? 0 : errno;
    };
    cut_off = send_to(7835);
    passes = send_to(7836);
  });
  EXPECT_EQ(cut_off, EPERM);  // how the output hook tells a sender of UDP
  EXPECT_EQ(passes, 0);
}

TEST(Partition, CutsOffIpv6PeersToo) {
  for (const std::vector<std::uint16_t>& ports : {std::vector<std::uint16_t>{}, {7835}}) {
    TestNet net;
    protocol::InjectArguments arguments = Arguments(kRun, seconds(2));
    arguments.partition().peers[0].addresses = {"fd09::2"};
    arguments.controls = {{"dns", "fd09::3", 7835}};
    arguments.partition().ports = ports;
    Program injector(net.target(), InjectWords(arguments));
    ASSERT_TRUE(injector.WaitFor("verified"));
    EXPECT_FALSE(net.Reaches("fd09::2", 7835));
    EXPECT_EQ(net.TargetIsReachedBy("fd09::2"), !ports.empty());
    EXPECT_TRUE(net.Reaches("fd09::3", 7835));
    EXPECT_TRUE(net.Reaches("10.9.0.2", 7835));
    EXPECT_EQ(injector.Wait(), 0);
    EXPECT_TRUE(WaitUntil([&] { return net.Reaches("fd09::2", 7835); }, seconds(2)));
  }
}

TEST(Partition, NetworksAreCutOffButForWhatIsProtected) {
  for (const std::vector<std::uint16_t>& ports : {std::vector<std::uint16_t>{}, {7835}}) {
    TestNet net;
    protocol::InjectArguments arguments = Arguments(kRun, seconds(2));
    // The whole subnet, with the target itself and the control inside; and neighbours that touch.
    arguments.partition().peers = {{"hive", {"10.9.0.2", "fd09::2"}, {7835}},
                                   {"subnet", {"10.9.0.0/25", "10.9.0.128/25", "fd09::/64"}, {}}};
    arguments.partition().ports = ports;
    Program injector(net.target(), InjectWords(arguments));
    const auto verified = injector.WaitFor("verified");
    ASSERT_TRUE(verified);
    EXPECT_EQ(verified->measured.at("peersCut"), "1/1");  // a network is cut off, and not tried
    EXPECT_FALSE(net.Reaches("10.9.0.4", 7835));
    EXPECT_FALSE(net.Reaches("fd09::4", 7835));
    EXPECT_EQ(net.Reaches("10.9.0.4", 7836), !ports.empty());
    EXPECT_TRUE(net.Reaches("10.9.0.3", 7835));
    EXPECT_TRUE(net.Reaches("10.9.0.1", 7835));
    EXPECT_TRUE(net.Reaches("127.0.0.1", 7835));
    EXPECT_EQ(injector.Wait(), 0);
    EXPECT_TRUE(net.Reaches("10.9.0.4", 7835));
  }
}

TEST(Partition, LeavesForeignTablesAndOtherConnectionsAlone) {
  TestNet net;
  net.Nft(
      "table inet foreign { set s { type ipv4_addr; elements = { 10.9.0.2 } }; "
      "chain c { type filter hook output priority 0; policy accept; ip daddr 10.9.0.77 drop; }; }");
  const std::string before = net.Nft("list ruleset");
  ASSERT_NE(before, "");
  const TestNet::Connection other = net.Open("10.9.0.3", 7835);
  const TestNet::Connection hurt = net.Open("10.9.0.2", 7835);
  ASSERT_TRUE(Passes(other.here, other.there) && Passes(hurt.here, hurt.there));
  Program injector(net.target(), InjectWords(Arguments(kRun, seconds(2))));
  ASSERT_TRUE(injector.WaitFor("verified"));
  EXPECT_TRUE(Passes(other.here, other.there));
  EXPECT_TRUE(Passes(other.there, other.here));
  EXPECT_FALSE(Passes(hurt.here, hurt.there));
  EXPECT_EQ(net.Nft("list table inet foreign"), before);
  EXPECT_EQ(injector.Wait(), 0);
  EXPECT_TRUE(Passes(other.here, other.there));
  EXPECT_EQ(net.Nft("list ruleset"), before);
}

}  // namespace
}  // namespace chaos::test
