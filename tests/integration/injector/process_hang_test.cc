// Processes that really stand still, and go on whatever becomes of the injector.
#include <gtest/gtest.h>

#include <csignal>

#include "tests/integration/injector/pid_space.h"
#include "tests/integration/injector/process_cases.h"

namespace chaos::test {
namespace {

constexpr milliseconds kStill{300};  // thirty beats of a victim that may run
const std::vector<std::string> kThreads = {"--threads", "4"};

protocol::InjectArguments Hang(milliseconds duration, int duty_cycle = 100,
                               const std::string& match = "") {
  return ProcessArguments(
      {.action = protocol::ProcessAction::kHang, .duty_cycle = duty_cycle, .match = match},
      duration);
}

class ProcessHangs : public ::testing::TestWithParam<Side> {
 protected:
  Program Inject(const protocol::InjectArguments& arguments) {
    return Program(net_.target(), InjectWords(arguments), victim_.Beside(GetParam().injector));
  }
  TestNet net_;
  Victim victim_{net_.target(), kThreads, GetParam().uid, GetParam().uid};
};

INSTANTIATE_TEST_SUITE_P(, ProcessHangs, ::testing::ValuesIn(Sides()), NameOfSide);

TEST_P(ProcessHangs, AllThreadsStandStillUntilTheDeadline) {
  Program injector = Inject(Hang(seconds(2)));
  const auto verified = injector.WaitFor("verified");
  ASSERT_TRUE(verified);
  EXPECT_FALSE(victim_.Beats(kStill));
  EXPECT_EQ(verified->measured.at("held"), "5/5");
  EXPECT_EQ(verified->measured.at("dutyCycle"), "100%");
  EXPECT_EQ(verified->measured.at("switchesDuring"), "0");
  EXPECT_NE(verified->measured.at("switchesBefore"), "0");
  EXPECT_EQ(verified->measured.at("cpuDuring"), "0s");
  EXPECT_EQ(verified->measured.at("control"), "ok");
  EXPECT_EQ(injector.Wait(), 0);
  EXPECT_TRUE(victim_.Beats());
  EXPECT_EQ(injector.events().back().event, "reverted");
  EXPECT_EQ(injector.events().back().measured.at("runsAgain"), "yes");
  EXPECT_EQ(injector.record()->state, "reverted");
}

TEST_P(ProcessHangs, TheKernelLetsItGoWhenTheInjectorIsKilled) {
  Program injector = Inject(Hang(std::chrono::minutes(5)));
  ASSERT_TRUE(injector.WaitFor("verified"));
  EXPECT_FALSE(victim_.Beats(kStill));
  injector.Signal(SIGKILL);
  EXPECT_EQ(injector.Wait(), 137);
  EXPECT_TRUE(victim_.Beats());
  EXPECT_TRUE(victim_.Runs());
}

TEST_P(ProcessHangs, TheKernelKeepsTheDeadlineOfAnInjectorThatHangsItself) {
  Program injector = Inject(Hang(milliseconds(1500)));
  ASSERT_TRUE(injector.WaitFor("verified"));
  injector.Signal(SIGSTOP);
  EXPECT_FALSE(victim_.Beats(kStill));
  EXPECT_EQ(injector.Wait(), 137);
  EXPECT_TRUE(victim_.Beats());
}

TEST_P(ProcessHangs, AStopLetsItGo) {
  const protocol::InjectArguments arguments = Hang(std::chrono::minutes(5));
  Program injector = Inject(arguments);
  ASSERT_TRUE(injector.WaitFor("verified"));
  Program stopper(net_.target(), StopWords(arguments), {.net_admin = false, .uid = 65532});
  EXPECT_EQ(stopper.Wait(), 0);
  EXPECT_TRUE(victim_.Beats());
  EXPECT_EQ(injector.Wait(), 0);
  EXPECT_EQ(injector.record()->code, "stopped");
}

TEST_P(ProcessHangs, WithADutyCycleItRunsForTheRestOfTheTime) {
  Program injector = Inject(Hang(seconds(3), 60));
  const auto verified = injector.WaitFor("verified");
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->measured.at("held"), "5/5");
  EXPECT_TRUE(victim_.Beats());
  EXPECT_EQ(injector.Wait(), 0);
  EXPECT_TRUE(victim_.Beats());
}

TEST_P(ProcessHangs, AChildThatIsKilledWhileItIsHeldIsGoneForItsParentToo) {
  Victim parent(net_.target(), {"--child", "llm-worker"}, GetParam().uid, GetParam().uid);
  const auto beside = parent.Beside(GetParam().injector);
  Program injector(net_.target(), InjectWords(Hang(seconds(3), 100, "^llm-worker")), beside);
  ASSERT_TRUE(injector.WaitFor("verified"));
  EXPECT_TRUE(parent.Beats());
  protocol::InjectArguments kill =
      ProcessArguments({.action = protocol::ProcessAction::kKill, .match = "^llm-worker"});
  kill.run = "0123456780";
  Program killer(net_.target(), InjectWords(kill),
                 parent.Beside({.net_admin = false, .uid = GetParam().uid, .gid = GetParam().uid}));
  EXPECT_EQ(killer.Wait(), 0);
  EXPECT_EQ(injector.Wait(), 0);
  EXPECT_EQ(injector.events().back().measured.at("process"), "ended");
  EXPECT_TRUE(parent.Beats());
}

}  // namespace
}  // namespace chaos::test
