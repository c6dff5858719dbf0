// When the injector must not inject, or must not call it injected. Each ends with a reason and
// nothing left.
#include <gtest/gtest.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <cerrno>

#include "tests/integration/injector/program.h"
#include "tests/integration/injector/test_net.h"

namespace chaos::test {
namespace {

constexpr const char* kRun = "00aa11bb22";

// Hears of every change of the target's packet filter, from before the injector starts.
class NftWatch {
 public:
  explicit NftWatch(const TestNet& net) {
    TestNet::In(net.target(), [&] {
      socket_ = Fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER));
      sockaddr_nl any{};
      any.nl_family = AF_NETLINK;
      EXPECT_EQ(bind(socket_.get(), reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
      const int group = NFNLGRP_NFTABLES;
      EXPECT_EQ(
          setsockopt(socket_.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group), 0);
    });
  }
  bool Heard() const {
    char buffer[8192];
    return recv(socket_.get(), buffer, sizeof buffer, 0) > 0;
  }

 private:
  Fd socket_;
};

// Runs an injector that must fail with this reason before it touches the packet filter.
std::string MessageOfRefusal(TestNet& net, const protocol::InjectArguments& arguments,
                             const std::string& reason, Privileges privileges = {}) {
  const NftWatch watch(net);
  Program injector(net.target(), InjectWords(arguments), privileges);
  EXPECT_EQ(injector.Wait(), 1);
  EXPECT_FALSE(watch.Heard()) << "the packet filter was changed";
  EXPECT_TRUE(net.Reaches("10.9.0.2", 7835));
  if (injector.events().empty()) return "it said nothing";
  const protocol::Event& last = injector.events().back();
  EXPECT_EQ(last.event, "failed");
  EXPECT_EQ(last.reason, reason);
  const auto record = injector.record();
  EXPECT_TRUE(record && record->state == "failed" && record->code == reason)
      << injector.record_text();
  return last.message;
}

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Refusal, TheWatchOfTheseTestsHearsOfARealInjection) {
  TestNet net;
  const NftWatch watch(net);
  Program injector(net.target(), InjectWords(Arguments(kRun, seconds(20))));
  ASSERT_TRUE(injector.WaitFor("preflight"));
  ASSERT_TRUE(injector.WaitFor("applied"));
  EXPECT_TRUE(watch.Heard());
}

TEST(Refusal, TooLateOrTooEarlyIsClockSkewAndNothingHappens) {
  TestNet net;
  protocol::InjectArguments late = Arguments(kRun, seconds(20));
  late.not_before -= std::chrono::hours(1);
  late.not_after -= std::chrono::hours(1);
  const std::string message = MessageOfRefusal(net, late, "ClockSkew");
  EXPECT_TRUE(Contains(message, "the injector's clock says 20")) << message;
  protocol::InjectArguments early = Arguments(kRun, seconds(20));
  early.not_before += std::chrono::minutes(1);
  MessageOfRefusal(net, early, "ClockSkew");
}

TEST(Refusal, APeerThatCouldNotBeReachedBeforeProvesNothing) {
  TestNet net;
  protocol::InjectArguments arguments = Arguments(kRun, seconds(20));
  arguments.partition().peers[0].addresses = {"10.9.0.99"};
  const std::string message = MessageOfRefusal(net, arguments, "SteadyStateNotMet");
  EXPECT_TRUE(Contains(message, "pod hive-0")) << message;
}

TEST(Refusal, AControlThatCouldNotBeReachedBeforeProvesNothing) {
  TestNet net;
  protocol::InjectArguments arguments = Arguments(kRun, seconds(20));
  arguments.controls = {{"dns", "10.9.0.98", 53}};
  const std::string message = MessageOfRefusal(net, arguments, "SteadyStateNotMet");
  EXPECT_TRUE(Contains(message, "dns 10.9.0.98:53")) << message;
  arguments.controls.push_back({"node", "10.9.0.3", 10250});  // the first that works is used
  Program injector(net.target(), InjectWords(arguments));
  const auto verified = injector.WaitFor("verified");
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->measured.at("controlName"), "node 10.9.0.3:10250");
}

TEST(Refusal, WithoutNetAdminItSaysWhatIsMissing) {
  TestNet net;
  const std::string message =
      MessageOfRefusal(net, Arguments(kRun, seconds(20)), "Refused", {.net_admin = false});
  EXPECT_TRUE(Contains(message, "NET_ADMIN")) << message;
}

TEST(Refusal, ATableOfThatNameIsSomebodyElses) {
  TestNet net;
  net.Nft(std::string("add table inet rbc_") + kRun);
  const std::string message = MessageOfRefusal(net, Arguments(kRun, seconds(20)), "Refused");
  EXPECT_TRUE(Contains(message, "already there")) << message;
}

struct BadRow {
  const char* what;
  void (*spoil)(protocol::InjectArguments&);
  const char* says;
};

TEST(Refusal, ArgumentsThatCannotBeCarriedOutAreRefusedWithASentence) {
  static constexpr BadRow kRows[] = {
      {"no peer", [](auto& a) { a.partition().peers.clear(); }, "no peer"},
      {"no control", [](auto& a) { a.controls.clear(); },
       "a control outside of the peers is needed"},
      {"only protected", [](auto& a) { a.protect.push_back("10.9.0.2"); },
       "never cut off (10.9.0.2)"},
      {"itself",
       [](auto& a) {
         a.partition().peers[0].addresses = {"10.9.0.1", "127.0.0.1"};
       },
       "never cut off (10.9.0.1, 127.0.0.1)"},
      {"a name", [](auto& a) { a.partition().peers[0].addresses = {"hive"}; },
       "\"hive\" is not an IPv4 or IPv6 address"},
      {"bits behind the prefix",
       [](auto& a) { a.partition().peers[0].addresses = {"10.9.0.2/24"}; }, "write 10.9.0.0/24"},
      {"control is a peer",
       [](auto& a) {
         a.controls = {{"hive", "10.9.0.2", 7836}};
       },
       "a control outside of the peers is needed"},
      {"a run that is none", [](auto& a) { a.run = "../x"; }, "run must be 10 hex digits"},
  };
  TestNet net;
  for (const BadRow& row : kRows) {
    SCOPED_TRACE(row.what);
    protocol::InjectArguments arguments = Arguments(kRun, seconds(20));
    row.spoil(arguments);
    const std::string message = MessageOfRefusal(net, arguments, "Refused");
    EXPECT_TRUE(Contains(message, row.says)) << message;
  }
}

// Addresses that are rewritten before our hook sees them, as a mesh would: the rules are in and
// never match.
constexpr const char* kRewrite =
    "table ip mesh { chain c { type nat hook output priority -100; ip daddr 10.9.0.9 dnat to "
    "10.9.0.2; }; }";

TEST(Refusal, RulesWithoutEffectAreNoEffectAndGoAway) {
  TestNet net;
  net.Nft(kRewrite);
  const std::string before = net.Nft("list ruleset");
  protocol::InjectArguments arguments = Arguments(kRun, seconds(20));
  arguments.partition().peers[0].addresses = {"10.9.0.9"};
  arguments.partition().direction = protocol::Direction::kEgress;
  Program injector(net.target(), InjectWords(arguments));
  EXPECT_EQ(injector.Wait(), 1);
  EXPECT_EQ(injector.names(), (std::vector<std::string>{"preflight", "journal", "armed", "applied",
                                                        "reverting", "failed"}));
  EXPECT_EQ(injector.events().back().reason, "NoEffect");
  EXPECT_EQ(injector.events().back().measured.at("peersCut"), "0/1");
  EXPECT_EQ(injector.record()->code, "NoEffect");
  EXPECT_EQ(net.Nft("list ruleset"), before);
}

TEST(Refusal, SomePeersCutAndOthersNotIsPartialEffect) {
  TestNet net;
  net.Nft(kRewrite);
  protocol::InjectArguments arguments = Arguments(kRun, seconds(20));
  arguments.partition().peers = {{"pod a", {"10.9.0.9"}, {7835}}, {"pod b", {"10.9.0.4"}, {7835}}};
  arguments.partition().direction = protocol::Direction::kEgress;
  Program injector(net.target(), InjectWords(arguments));
  EXPECT_EQ(injector.Wait(), 1);
  EXPECT_EQ(injector.events().back().reason, "PartialEffect");
  EXPECT_EQ(injector.events().back().message, "still reached: 10.9.0.9:7835");
  EXPECT_EQ(injector.events().back().measured.at("peersCut"), "1/2");
  EXPECT_TRUE(net.Reaches("10.9.0.4", 7835));
}

}  // namespace
}  // namespace chaos::test
