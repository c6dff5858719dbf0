// Faults of processes under the supervisor and a clock of our own: what is said before, what is
// done when, and what counts as proof.
#include <gtest/gtest.h>

#include "injectors/agent/supervisor.h"
#include "injectors/process_end.h"
#include "injectors/process_hang.h"
#include "tests/unit/injectors/fake_node.h"
#include "tests/unit/injectors/fake_processes.h"

namespace chaos::inject::test {
namespace {

using Names = std::vector<std::string>;
using protocol::ProcessAction;

class ProcessTest : public ::testing::Test, public Output {
 protected:
  void Line(const protocol::Event& event) override {
    events_.push_back(event);
    done_at_.push_back(processes_.done.size());
  }
  void Record(const std::string& text) override { record_ = text; }
  void Answer(int, const std::string& answer) override { answer_ = answer; }

  void Begin(const protocol::Process& process, milliseconds duration = milliseconds(0)) {
    arguments_.run = "0123456789";
    arguments_.nonce = "00112233445566778899aabbccddeeff";
    arguments_.not_before = clock_.wall - seconds(30);
    arguments_.not_after = clock_.wall + seconds(60);
    arguments_.duration = duration;
    arguments_.fault = process;
    if (process.AtOnce())
      fault_ = std::make_unique<ProcessEnd>(process, processes_);
    else
      fault_ = std::make_unique<ProcessHang>(arguments_, processes_);
    supervisor_ = std::make_unique<Supervisor>(arguments_, *fault_, node_, clock_, *this);
    Step();
  }
  void Step(const Inputs& inputs = {}) { wake_ = supervisor_->Step(inputs); }
  void Sleep() {
    if (*wake_ > clock_.boot) clock_.Advance(*wake_ - clock_.boot);
    Step();
  }
  void RunToTheEnd() {
    for (int steps = 0; wake_; ++steps) {
      ASSERT_LT(steps, 10'000);
      Sleep();
    }
  }
  void RunUntil(const std::string& event) {
    while (wake_ && Last().event != event) Sleep();
    ASSERT_EQ(Last().event, event);
  }
  Names EventNames() const {
    Names names;
    for (const protocol::Event& event : events_) names.push_back(event.event);
    return names;
  }
  const protocol::Event& Last() const { return events_.back(); }
  protocol::Record TheRecord() const { return *protocol::ParseRecord(record_); }

  FakeClock clock_;
  FakeNode node_;
  FakeProcesses processes_;
  protocol::InjectArguments arguments_;
  std::unique_ptr<Fault> fault_;
  std::unique_ptr<Supervisor> supervisor_;
  std::optional<nanoseconds> wake_;
  std::vector<protocol::Event> events_;
  std::vector<std::size_t> done_at_;  // how much had been done when the event was said
  std::string record_, answer_;
};

TEST_F(ProcessTest, WhatIsAboutToHappenIsSaidBeforeItHappens) {
  Begin({.action = ProcessAction::kKill});
  RunToTheEnd();
  EXPECT_EQ(EventNames(),
            (Names{"preflight", "journal", "armed", "aboutTo", "applied", "verified", "done"}));
  EXPECT_EQ(done_at_[3], 0U);
  EXPECT_EQ(processes_.done, Names{"kill"});
  EXPECT_EQ(events_[3].measured.at("step"), "SIGKILL");
  EXPECT_EQ(Last().measured.at("exitCode"), "137");
  EXPECT_EQ(TheRecord().state, "done");
  EXPECT_TRUE(TheRecord().applied && TheRecord().verified && !TheRecord().reverted);
  EXPECT_EQ(supervisor_->exit_code(), 0);
  EXPECT_FALSE(supervisor_->applied());
}

TEST_F(ProcessTest, ExitIsGivenItsCode) {
  Begin({.action = ProcessAction::kExit, .exit_code = 42});
  RunToTheEnd();
  EXPECT_EQ(processes_.done, Names{"exit 42"});
  EXPECT_EQ(Last().measured.at("exitCode"), "42");
  EXPECT_EQ(Last().measured.at("endedBy"), "exit_group(42)");
}

TEST_F(ProcessTest, WhoIgnoresTheRequestIsKilledAfterExactlyItsGraceAndNotBefore) {
  Begin({.action = ProcessAction::kTerminate, .grace = seconds(12)});
  const nanoseconds asked = clock_.boot;
  EXPECT_EQ(processes_.done, Names{"terminate"});
  while (processes_.done.size() == 1) Sleep();
  EXPECT_EQ(clock_.boot - asked, seconds(12));
  RunToTheEnd();
  EXPECT_EQ(EventNames(), (Names{"preflight", "journal", "armed", "aboutTo", "applied", "alive",
                                 "alive", "aboutTo", "verified", "done"}));
  EXPECT_EQ(Last().measured.at("endedBy"), "SIGKILL");
  EXPECT_EQ(Last().measured.at("onTerm"), "ignored");
}

TEST_F(ProcessTest, WhoDoesAsItIsAskedIsNotKilled) {
  processes_.on_term = OnTerm::kDies;
  Begin({.action = ProcessAction::kTerminate, .grace = seconds(12)});
  RunToTheEnd();
  EXPECT_EQ(processes_.done, Names{"terminate"});
  EXPECT_EQ(Last().measured.at("endedBy"), "SIGTERM");
}

TEST_F(ProcessTest, WhoGoesOnAfterSigkillIsNoEffect) {
  processes_.dies_of_kill = false;
  Begin({.action = ProcessAction::kKill});
  RunToTheEnd();
  EXPECT_EQ(Last().reason, "NoEffect");
  EXPECT_EQ(Last().message, "process 1 (llm-worker) goes on after SIGKILL");
  EXPECT_EQ(supervisor_->exit_code(), 1);
}

TEST_F(ProcessTest, AStopDuringTheGraceKillsNobody) {
  Begin({.action = ProcessAction::kTerminate, .grace = seconds(12)});
  Step({.terminate = false, .stops = {{1, arguments_.nonce, "abort"}}});
  EXPECT_FALSE(wake_);
  EXPECT_EQ(Last().event, "done");
  EXPECT_EQ(Last().reason, "stopped");
  EXPECT_EQ(processes_.done, Names{"terminate"});
}

TEST_F(ProcessTest, OneThatEndedByItselfIsTargetGoneAndNothingWasApplied) {
  processes_.ended = Ended{};
  for (const ProcessAction action : {ProcessAction::kKill, ProcessAction::kHang}) {
    Begin({.action = action}, action == ProcessAction::kHang ? seconds(9) : seconds(0));
    RunToTheEnd();
    EXPECT_EQ(Last().reason, "TargetGone");
    EXPECT_FALSE(TheRecord().applied);
    EXPECT_TRUE(processes_.done.empty());
  }
}

TEST_F(ProcessTest, WhatIsMissingIsRefusedBeforeAnythingIsDone) {
  processes_.no_trace = "SYS_PTRACE is needed";
  Begin({.action = ProcessAction::kKill});
  EXPECT_EQ(Last().reason, "Refused");
  EXPECT_EQ(Last().message, "SYS_PTRACE is needed");
  // A child can be killed by a signal.
  processes_.processes.push_back({{7, 200}, "python worker.py"});
  Begin({.action = ProcessAction::kKill, .match = "worker.py"});
  RunToTheEnd();
  EXPECT_EQ(processes_.done, Names{"kill"});
}

TEST_F(ProcessTest, HangHoldsUntilItsDeadlineAndTheKernelKeepsALaterOne) {
  Begin({.action = ProcessAction::kHang}, seconds(20));
  RunUntil("applied");
  const nanoseconds applied = clock_.boot;
  EXPECT_EQ(processes_.end_us_after, seconds(21));
  RunUntil("verified");
  EXPECT_EQ(Last().measured.at("held"), "4/4");
  EXPECT_EQ(Last().measured.at("switchesDuring"), "0");
  EXPECT_EQ(Last().measured.at("control"), "ok");
  while (processes_.held) Sleep();
  EXPECT_EQ(clock_.boot - applied, seconds(20));
  RunToTheEnd();
  EXPECT_EQ(processes_.done, (Names{"hold", "release"}));
  EXPECT_EQ(processes_.end_us_after, nanoseconds(0));
  EXPECT_EQ(Last().event, "reverted");
  EXPECT_EQ(Last().measured.at("runsAgain"), "yes");
  EXPECT_EQ(Last().measured.at("heldFor"), "20.0s");
}

TEST_F(ProcessTest, ADutyCycleHoldsForItsShareOfTheTime) {
  Begin({.action = ProcessAction::kHang, .duty_cycle = 30}, seconds(10));
  nanoseconds held{0};
  while (wake_ && Last().event != "reverting") {
    const nanoseconds before = clock_.boot;
    const bool was_held = processes_.held;
    Sleep();
    if (was_held) held += clock_.boot - before;
  }
  EXPECT_EQ(held, seconds(3));
  RunToTheEnd();
  EXPECT_EQ(Last().measured.at("dutyCycle"), "30%");
  EXPECT_EQ(Last().measured.at("heldFor"), "3.0s");
  EXPECT_FALSE(processes_.held);
}

TEST_F(ProcessTest, AProcessThatWorksOnIsNoEffectAndIsLetGo) {
  processes_.leaky = true;
  Begin({.action = ProcessAction::kHang}, seconds(20));
  RunToTheEnd();
  EXPECT_EQ(Last().reason, "NoEffect");
  EXPECT_FALSE(processes_.held);
}

TEST_F(ProcessTest, WithoutAControlNothingIsProved) {
  processes_.ours_run = false;
  Begin({.action = ProcessAction::kHang}, seconds(20));
  RunToTheEnd();
  EXPECT_EQ(Last().reason, "SteadyStateNotMet");
  EXPECT_FALSE(processes_.held);
}

TEST_F(ProcessTest, OneThatStandsStillAlreadyProvesNothing) {
  processes_.activity.stopped = 4;
  Begin({.action = ProcessAction::kHang}, seconds(20));
  RunToTheEnd();
  EXPECT_EQ(Last().reason, "SteadyStateNotMet");
  EXPECT_TRUE(processes_.done.empty());
}

TEST_F(ProcessTest, AHoldThatTheKernelRefusesIsRefused) {
  processes_.no_hold = "a thread does not stop";
  Begin({.action = ProcessAction::kHang}, seconds(20));
  RunToTheEnd();
  EXPECT_EQ(Last().reason, "Refused");
  EXPECT_FALSE(TheRecord().applied);
}

}  // namespace
}  // namespace chaos::inject::test
