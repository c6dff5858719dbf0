// Who becomes a peer while the cut is on is cut off too: with real packets, and a DNS server of the
// test's own.
#include <gtest/gtest.h>

#include "tests/integration/injector/dns_server.h"
#include "tests/integration/injector/program.h"

namespace chaos::test {
namespace {

constexpr const char* kRun = "0123456789";
constexpr int kClosed = 7837;  // refuses, which is an answer, as often as it is asked

protocol::InjectArguments Followed(milliseconds duration) {
  protocol::InjectArguments arguments = Arguments(kRun, duration);
  arguments.partition().follow = {{"peers.rbee.svc", {}, {7835}}};
  return arguments;
}

struct Sets {
  const char* name;
  std::vector<std::uint16_t> ports;
  bool ranges;
};

// The kernel keeps each of these in another kind of set.
TEST(Follow, ALatePeerIsCutOffTooWhateverElseIsCut) {
  for (const Sets& row :
       {Sets{"addresses", {}, false}, Sets{"addresses and ports", {7835, kClosed}, false},
        Sets{"ranges", {}, true}, Sets{"ranges and ports", {7835, kClosed}, true}}) {
    SCOPED_TRACE(row.name);
    TestNet net;
    DnsServer dns(net);
    dns.Set({"10.9.0.2", "10.9.0.1"});
    protocol::InjectArguments arguments = Followed(seconds(60));
    arguments.partition().ports = row.ports;
    // The ranges hold the DNS server and the target itself, and end just before the late peer.
    if (row.ranges)
      arguments.partition().peers.push_back({"net", {"10.9.0.0/30", "fd09::/126"}, {}});
    Program injector(net.target(), InjectWords(arguments), {.resolv_conf = dns.resolv_conf()});
    ASSERT_TRUE(injector.WaitFor("verified"));
    const TestNet::Connection open = net.Open("10.9.0.4", 7835);
    EXPECT_TRUE(Passes(open.here, open.there));
    EXPECT_TRUE(net.Reaches("fd09::4", 7835));

    dns.Set({"10.9.0.2", "10.9.0.4", "fd09::4"});
    EXPECT_TRUE(WaitUntil([&] { return !net.Reaches("10.9.0.4", kClosed); }, seconds(10)));
    EXPECT_FALSE(net.Reaches("fd09::4", 7835));
    EXPECT_FALSE(Passes(open.here, open.there));
    EXPECT_EQ(net.Reaches("10.9.0.4", 7836), !row.ports.empty());
    EXPECT_EQ(net.TargetIsReachedBy("10.9.0.4"), !row.ports.empty());
    EXPECT_FALSE(net.Reaches("10.9.0.2", 7835));
    EXPECT_TRUE(net.Reaches("10.9.0.3", 7835));

    const auto alive = injector.WaitFor("alive", seconds(15));
    ASSERT_TRUE(alive);
    injector.Signal(SIGTERM);
    EXPECT_EQ(injector.Wait(), 0);
    const std::map<std::string, std::string>& measured = injector.events().back().measured;
    EXPECT_EQ(measured.at("latePeersCut"), "2/2");
    EXPECT_EQ(measured.at("latePeersProved"), "2/2");
    EXPECT_NE(measured.at("latePeers").find("10.9.0.4 after "), std::string::npos);
    EXPECT_EQ(measured.count("lookupsFailed"), 0U);
    EXPECT_EQ(injector.record()->figures.at("latePeersCut"), "2/2");
    EXPECT_TRUE(net.Reaches("10.9.0.4", 7835));
    EXPECT_EQ(net.Nft("list ruleset"), "");
  }
}

// The deadline is that of the fault, not of the moment at which the peer came.
TEST(Follow, TheKernelLiftsTheCutOfALatePeerWithAllOthers) {
  TestNet net;
  DnsServer dns(net);
  dns.Set({"10.9.0.2"});
  Program injector(net.target(), InjectWords(Followed(seconds(6))),
                   {.resolv_conf = dns.resolv_conf()});
  ASSERT_TRUE(injector.WaitFor("verified"));
  const auto began = std::chrono::steady_clock::now();
  dns.Set({"10.9.0.2", "10.9.0.4"});
  ASSERT_TRUE(WaitUntil([&] { return !net.Reaches("10.9.0.4", kClosed); }, seconds(4)));
  injector.Signal(SIGSTOP);
  ASSERT_FALSE(net.Reaches("10.9.0.4", 7835));
  ASSERT_TRUE(WaitUntil([&] { return net.Reaches("10.9.0.4", kClosed); }, seconds(10)));
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(7));
  EXPECT_TRUE(net.Reaches("10.9.0.2", 7835));
  injector.Signal(SIGKILL);
  injector.Signal(SIGCONT);
  EXPECT_EQ(injector.Wait(), -SIGKILL);
  EXPECT_EQ(net.Nft("list ruleset"), "");
}

TEST(Follow, ADnsServerThatSaysNothingEndsNothing) {
  TestNet net;
  DnsServer dns(net);
  dns.Silence(true);
  Program injector(net.target(), InjectWords(Followed(seconds(6))),
                   {.resolv_conf = dns.resolv_conf()});
  ASSERT_TRUE(injector.WaitFor("verified"));
  EXPECT_EQ(injector.Wait(), 0);
  const protocol::Event& last = injector.events().back();
  EXPECT_EQ(last.event, "reverted");
  EXPECT_EQ(last.measured.at("lookupError"), "DNS did not answer within 2s");
  EXPECT_EQ(last.measured.count("latePeersCut"), 0U);
}

TEST(Follow, ANameThatNobodyKnowsIsSaid) {
  TestNet net;
  DnsServer dns(net);
  protocol::InjectArguments arguments = Followed(seconds(3));
  arguments.partition().follow[0].service = "plebs.rbee.svc";
  Program injector(net.target(), InjectWords(arguments), {.resolv_conf = dns.resolv_conf()});
  ASSERT_TRUE(injector.WaitFor("verified"));
  EXPECT_EQ(injector.Wait(), 0);
  EXPECT_EQ(injector.events().back().measured.at("lookupError"),
            "DNS server 10.9.0.3: the name is not known");
}

}  // namespace
}  // namespace chaos::test
