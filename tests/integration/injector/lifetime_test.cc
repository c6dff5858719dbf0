// How a fault ends: by the kernel when its injector is dead or hangs, at once on SIGTERM, and on a
// stop that knows the nonce.
#include <gtest/gtest.h>

#include <csignal>

#include "tests/integration/injector/program.h"
#include "tests/integration/injector/test_net.h"

namespace chaos::test {
namespace {

constexpr const char* kRun = "abcdef0123";
using std::chrono::steady_clock;

TEST(Lifetime, SigkillTakesTheTableWithIt) {
  TestNet net;
  Program injector(net.target(), InjectWords(Arguments(kRun, seconds(60))));
  ASSERT_TRUE(injector.WaitFor("verified"));
  ASSERT_FALSE(net.Reaches("10.9.0.2", 7835));
  injector.Signal(SIGKILL);
  EXPECT_EQ(injector.Wait(), -SIGKILL);
  EXPECT_TRUE(WaitUntil([&] { return net.Reaches("10.9.0.2", 7835); }, seconds(1)));
  EXPECT_EQ(net.Nft("list ruleset"), "");
  const auto record = injector.record();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->state, "verified");  // what the operator reads after such an end
  EXPECT_EQ(record->figures.at("peersCut"), "1/1");
}

TEST(Lifetime, TheKernelEndsTheFaultOfAnInjectorThatHangs) {
  TestNet net;
  Program injector(net.target(), InjectWords(Arguments(kRun, seconds(2))));
  ASSERT_TRUE(injector.WaitFor("applied"));
  const auto applied = steady_clock::now();
  ASSERT_TRUE(injector.WaitFor("verified"));
  injector.Signal(SIGSTOP);
  EXPECT_FALSE(net.Reaches("10.9.0.2", 7835));
  EXPECT_TRUE(WaitUntil([&] { return net.Reaches("10.9.0.2", 7835); }, seconds(4)));
  const auto ended_after = steady_clock::now() - applied;
  EXPECT_GE(ended_after, milliseconds(1900));
  EXPECT_LE(ended_after, milliseconds(2900));
  EXPECT_NE(net.Nft("list ruleset"), "");  // the injector has not moved: it was the elements
  injector.Signal(SIGCONT);
  EXPECT_EQ(injector.Wait(), 0);
  EXPECT_EQ(net.Nft("list ruleset"), "");
}

TEST(Lifetime, SigtermEndsItAtOnce) {
  TestNet net;
  Program injector(net.target(), InjectWords(Arguments(kRun, seconds(60))));
  ASSERT_TRUE(injector.WaitFor("applied"));  // while it still measures
  const auto sent = steady_clock::now();
  injector.Signal(SIGTERM);
  EXPECT_EQ(injector.Wait(seconds(1)), 0);
  EXPECT_LE(steady_clock::now() - sent, milliseconds(500));
  EXPECT_EQ(injector.events().back().event, "reverted");
  EXPECT_EQ(injector.events().back().reason, "terminated");
  EXPECT_EQ(injector.record()->code, "terminated");
  EXPECT_TRUE(net.Reaches("10.9.0.2", 7835));
}

TEST(Lifetime, AStopWithTheNonceRevertsWithoutAnyRight) {
  TestNet net;
  const protocol::InjectArguments arguments = Arguments(kRun, seconds(60));
  Program injector(net.target(), InjectWords(arguments));
  ASSERT_TRUE(injector.WaitFor("verified"));
  const auto asked = steady_clock::now();
  Program stopper(net.target(), StopWords(arguments),
                  {.net_admin = false, .uid = 65532, .own_pid_space = true});
  EXPECT_EQ(stopper.Wait(), 0);
  EXPECT_LE(steady_clock::now() - asked, seconds(1));
  ASSERT_EQ(stopper.names(), std::vector<std::string>{"stopped"});
  EXPECT_EQ(stopper.events()[0].message, "the injector says: reverted");
  EXPECT_EQ(injector.Wait(), 0);
  EXPECT_EQ(injector.events().back().event, "reverted");
  EXPECT_EQ(injector.events().back().reason, "stopped");
  EXPECT_EQ(injector.events().back().message, "stopped: ChaosStop");
  EXPECT_EQ(injector.record()->code, "stopped");
  EXPECT_TRUE(net.Reaches("10.9.0.2", 7835));
}

TEST(Lifetime, AStopWithAWrongNonceChangesNothingAndIsSaid) {
  TestNet net;
  protocol::InjectArguments arguments = Arguments(kRun, seconds(60));
  Program injector(net.target(), InjectWords(arguments));
  ASSERT_TRUE(injector.WaitFor("verified"));
  protocol::InjectArguments wrong = arguments;
  wrong.nonce[0] = 'f';
  Program stopper(net.target(), StopWords(wrong));
  EXPECT_EQ(stopper.Wait(), 1);
  ASSERT_EQ(stopper.names(), std::vector<std::string>{"failed"});
  EXPECT_EQ(stopper.events()[0].reason, "Refused");
  EXPECT_TRUE(injector.WaitFor("stopRefused"));
  EXPECT_FALSE(net.Reaches("10.9.0.2", 7835));
  EXPECT_EQ(injector.record()->state, "verified");
  injector.Signal(SIGTERM);
  EXPECT_EQ(injector.Wait(), 0);
}

TEST(Lifetime, AStopForARunThatIsNotThereSaysSo) {
  TestNet net;
  Program stopper(net.target(), StopWords(Arguments(kRun, seconds(1))));
  EXPECT_EQ(stopper.Wait(), 1);
  ASSERT_EQ(stopper.names(), std::vector<std::string>{"failed"});
  EXPECT_EQ(stopper.events()[0].reason, "NotFound");
}

TEST(Lifetime, ASecondInjectorOfTheRunLeavesAndTheFirstGoesOn) {
  TestNet net;
  const protocol::InjectArguments arguments = Arguments(kRun, seconds(3));
  Program first(net.target(), InjectWords(arguments));
  ASSERT_TRUE(first.WaitFor("applied"));
  Program second(net.target(), InjectWords(arguments));
  EXPECT_EQ(second.Wait(), 1);
  ASSERT_EQ(second.names(), std::vector<std::string>{"failed"});
  EXPECT_EQ(second.events()[0].reason, "AlreadyThere");
  EXPECT_TRUE(first.WaitFor("verified"));
  EXPECT_FALSE(net.Reaches("10.9.0.2", 7835));
  EXPECT_EQ(first.Wait(), 0);
}

}  // namespace
}  // namespace chaos::test
