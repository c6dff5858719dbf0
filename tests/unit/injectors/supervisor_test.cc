// The supervisor under a clock of our own: what it does when, and what it says about it.
#include "injectors/agent/supervisor.h"

#include <gtest/gtest.h>

#include "injectors/partition.h"
#include "tests/unit/injectors/fake_node.h"

namespace chaos::inject::test {
namespace {

using std::chrono::hours;
using Names = std::vector<std::string>;

class Spoken final : public Output {
 public:
  void Line(const protocol::Event& event) override { events.push_back(event); }
  void Record(const std::string& text) override { records.push_back(text); }
  void Answer(int id, const std::string& answer) override { answers.emplace_back(id, answer); }

  std::vector<protocol::Event> events;
  std::vector<std::string> records;
  std::vector<std::pair<int, std::string>> answers;
};

class SupervisorTest : public ::testing::Test {
 protected:
  protocol::InjectArguments Arguments() {
    protocol::InjectArguments arguments;
    arguments.run = "0123456789";
    arguments.nonce = "00112233445566778899aabbccddeeff";
    arguments.not_before = clock_.wall - seconds(30);
    arguments.not_after = clock_.wall + seconds(60);
    arguments.duration = seconds(30);
    arguments.partition().peers = {{"pod hive-0", {"10.0.0.2"}, {7835}}};
    arguments.controls = {{"dns", "10.0.0.10", 53}};
    return arguments;
  }

  void Begin(const protocol::InjectArguments& arguments) {
    fault_ = std::make_unique<Partition>(arguments);
    supervisor_ = std::make_unique<Supervisor>(arguments, *fault_, node_, clock_, spoken_);
    wake_ = supervisor_->Step({});
  }
  void Step(const Inputs& inputs = {}) { wake_ = supervisor_->Step(inputs); }
  // Sleeps as the shell does: from wake to wake, until the event or the end.
  void RunUntil(const std::string& event) {
    while (wake_ && (spoken_.events.empty() || spoken_.events.back().event != event)) Sleep();
    ASSERT_EQ(spoken_.events.back().event, event);
  }
  void Sleep() {
    if (*wake_ > clock_.boot) clock_.Advance(*wake_ - clock_.boot);
    Step();
  }
  void RunToTheEnd() {
    while (wake_) Sleep();
  }

  Names EventNames() const {
    Names names;
    for (const protocol::Event& event : spoken_.events) names.push_back(event.event);
    return names;
  }
  const protocol::Event& Last() const { return spoken_.events.back(); }
  std::string LastState() const {
    const auto record = protocol::ParseRecord(spoken_.records.back());
    return record->state + " " + record->code;
  }

  FakeClock clock_;
  FakeNode node_;
  Spoken spoken_;
  std::unique_ptr<Partition> fault_;
  std::unique_ptr<Supervisor> supervisor_;
  std::optional<nanoseconds> wake_;
};

TEST_F(SupervisorTest, WalksThroughAllStepsAndNumbersItsLines) {
  Begin(Arguments());
  RunToTheEnd();
  EXPECT_EQ(supervisor_->exit_code(), 0);
  EXPECT_EQ(EventNames(), (Names{"preflight", "journal", "armed", "applied", "verified", "alive",
                                 "alive", "alive", "alive", "alive", "reverting", "reverted"}));
  for (std::size_t i = 0; i < spoken_.events.size(); ++i) {
    EXPECT_EQ(spoken_.events[i].seq, static_cast<std::int64_t>(i + 1));
  }
  EXPECT_EQ(node_.lasted, seconds(30));
  EXPECT_EQ(node_.removed, 1);
  EXPECT_FALSE(node_.applied);
  EXPECT_EQ(LastState(), "reverted ok");
  EXPECT_EQ(Last().measured.at("peersBack"), "1/1");
  for (const std::string& record : spoken_.records) EXPECT_LE(record.size(), 300U);
}

TEST_F(SupervisorTest, TheDurationCountsFromAppliedWhateverTheWallClockDoes) {
  for (const seconds jump : {seconds(0), seconds(hours(5)), seconds(-hours(5))}) {
    SCOPED_TRACE(jump.count());
    node_ = FakeNode();
    spoken_ = Spoken();
    Begin(Arguments());
    RunUntil("verified");
    const nanoseconds applied = clock_.boot - milliseconds(500);
    clock_.wall += jump;
    Step();
    EXPECT_TRUE(node_.applied);
    while (wake_ && node_.applied) Sleep();
    EXPECT_EQ(clock_.boot - applied, seconds(30));
  }
}

TEST_F(SupervisorTest, ArmsOnlyInsideOfItsWindowBothEndsIncluded) {
  struct Row {
    milliseconds before, after;  // the window around now
    bool arms;
  };
  for (const Row& row : {Row{milliseconds(0), seconds(1), true},
                         {seconds(1), milliseconds(0), true},
                         {milliseconds(-1), seconds(9), false},
                         {seconds(9), milliseconds(-1), false}}) {
    spoken_ = Spoken();
    node_ = FakeNode();
    protocol::InjectArguments arguments = Arguments();
    arguments.not_before = clock_.wall - row.before;
    arguments.not_after = clock_.wall + row.after;
    Begin(arguments);
    EXPECT_EQ(node_.applied.has_value(), row.arms);
    if (row.arms) {
      RunToTheEnd();
      continue;
    }
    EXPECT_FALSE(wake_);
    EXPECT_EQ(EventNames(), Names{"failed"});
    EXPECT_EQ(Last().reason, "ClockSkew");
    EXPECT_NE(Last().message.find("the injector's clock says 2026-11-24T12:"), std::string::npos)
        << Last().message;
    EXPECT_FALSE(node_.tried);
  }
}

TEST_F(SupervisorTest, LooksAtTheWindowAgainAfterTheBaseline) {
  node_.silent = {"10.0.0.3"};  // makes the baseline take its full time
  protocol::InjectArguments arguments = Arguments();
  arguments.partition().peers.push_back({"pod hive-1", {"10.0.0.3"}, {7835}});
  arguments.not_after = clock_.wall + milliseconds(500);
  Begin(arguments);
  RunToTheEnd();
  EXPECT_EQ(EventNames(), (Names{"preflight", "failed"}));
  EXPECT_EQ(Last().reason, "ClockSkew");
  EXPECT_EQ(supervisor_->exit_code(), 1);
}

TEST_F(SupervisorTest, AnotherInjectorOfTheRunIsLeftAlone) {
  node_.lock_taken_by_another = true;
  Begin(Arguments());
  EXPECT_FALSE(wake_);
  EXPECT_EQ(Last().reason, "AlreadyThere");
  EXPECT_FALSE(node_.tried);
}

TEST_F(SupervisorTest, WhatTheNodeLacksIsPassedOn) {
  node_.missing = "the capability NET_ADMIN is missing";
  Begin(Arguments());
  EXPECT_FALSE(wake_);
  EXPECT_EQ(Last().reason, "Refused");
  EXPECT_EQ(Last().message, node_.missing);
  EXPECT_EQ(node_.dials, 0);
}

TEST_F(SupervisorTest, AFailedApplyIsRefusedAndClaimsNothing) {
  node_.apply_fails = "no memory";
  Begin(Arguments());
  EXPECT_FALSE(wake_);
  EXPECT_EQ(EventNames(), (Names{"preflight", "journal", "armed", "failed"}));
  EXPECT_EQ(LastState(), "failed Refused");
}

TEST_F(SupervisorTest, NoEffectIsNeverVerifiedAndIsTakenBack) {
  node_.immune = {"10.0.0.2"};
  Begin(Arguments());
  RunToTheEnd();
  EXPECT_EQ(EventNames(),
            (Names{"preflight", "journal", "armed", "applied", "reverting", "failed"}));
  EXPECT_EQ(Last().reason, "NoEffect");
  EXPECT_EQ(supervisor_->exit_code(), 1);
  EXPECT_FALSE(node_.applied);
}

TEST_F(SupervisorTest, ADeadlineBeforeTheMeasurementIsDoneIsNoSuccess) {
  protocol::InjectArguments arguments = Arguments();
  arguments.duration = milliseconds(300);
  Begin(arguments);
  const nanoseconds applied = clock_.boot;
  RunToTheEnd();
  EXPECT_EQ(Last().event, "failed");
  EXPECT_EQ(Last().reason, "NoEffect");
  EXPECT_EQ(clock_.boot - applied, milliseconds(300));
  EXPECT_FALSE(node_.applied);
}

TEST_F(SupervisorTest, SigtermRevertsWithoutLookingAgain) {
  Begin(Arguments());
  RunUntil("verified");
  node_.silent = {"10.0.0.2"};  // looking again would take a second
  const int dials = node_.dials;
  Step({.terminate = true, .stops = {}});
  EXPECT_FALSE(wake_);
  EXPECT_EQ(node_.dials, dials);
  EXPECT_FALSE(node_.applied);
  EXPECT_EQ(Last().event, "reverted");
  EXPECT_EQ(LastState(), "reverted terminated");
  EXPECT_EQ(supervisor_->exit_code(), 0);
}

TEST_F(SupervisorTest, SigtermWhileConfirmingEndsAtOnce) {
  Begin(Arguments());
  RunUntil("verified");
  node_.silent = {"10.0.0.2"};
  RunUntil("reverting");
  ASSERT_TRUE(wake_);
  EXPECT_EQ(LastState(), "reverted ok");  // the record does not wait for the look
  Step({.terminate = true, .stops = {}});
  EXPECT_FALSE(wake_);
  EXPECT_EQ(Last().event, "reverted");
  EXPECT_FALSE(Last().measured.contains("peersBack"));
}

TEST_F(SupervisorTest, ALookThatIsNotBackIsSaidWithTheTimeOfTheRevert) {
  Begin(Arguments());
  RunUntil("verified");
  node_.silent = {"10.0.0.2"};
  RunUntil("reverting");
  const TimePoint reverted = clock_.wall;
  RunToTheEnd();
  EXPECT_EQ(clock_.wall - reverted, seconds(1));
  EXPECT_EQ(Last().at, reverted);
  EXPECT_EQ(Last().measured.at("peersBack"), "0/1");
}

TEST_F(SupervisorTest, AStopWithTheNonceIsAnsweredOnceTheFaultIsGone) {
  Begin(Arguments());
  RunUntil("verified");
  Step({.terminate = false, .stops = {{7, Arguments().nonce, "abort"}}});
  ASSERT_EQ(spoken_.answers.size(), 1U);
  EXPECT_EQ(spoken_.answers[0], (std::pair<int, std::string>(7, "reverted")));
  RunToTheEnd();
  EXPECT_EQ(Last().message, "stopped: abort");
  EXPECT_EQ(LastState(), "reverted stopped");
  EXPECT_EQ(supervisor_->exit_code(), 0);
}

TEST_F(SupervisorTest, AStopBeforeAnythingWasAppliedMeansItNeverIs) {
  node_.silent = {"10.0.0.2"};
  Begin(Arguments());
  ASSERT_TRUE(wake_);
  node_.silent.clear();  // the baseline would now be complete
  Step({.terminate = false, .stops = {{1, Arguments().nonce, "abort"}}});
  EXPECT_FALSE(wake_);
  EXPECT_EQ(EventNames(), (Names{"preflight", "stopped"}));
  EXPECT_EQ(spoken_.answers[0].second, "nothing applied");
  EXPECT_EQ(supervisor_->exit_code(), 0);
}

TEST_F(SupervisorTest, WrongNoncesAreRefusedAndCannotFloodTheLog) {
  Begin(Arguments());
  RunUntil("verified");
  for (int id = 1; id <= 20; ++id) Step({.terminate = false, .stops = {{id, "guess", "x"}}});
  EXPECT_TRUE(node_.applied);
  EXPECT_EQ(spoken_.answers.size(), 20U);
  EXPECT_EQ(spoken_.answers[0].second, "refused: wrong nonce");
  const Names names = EventNames();
  EXPECT_EQ(std::count(names.begin(), names.end(), "stopRefused"), 3);
  EXPECT_EQ(LastState(), "verified ok");
}

TEST_F(SupervisorTest, AnInjectorThatSleptPastItsDeadlineRevertsFirst) {
  Begin(Arguments());
  RunUntil("verified");
  clock_.Advance(hours(1));  // SIGSTOP, then SIGCONT
  Step();
  EXPECT_FALSE(node_.applied);
  const Names names = EventNames();
  EXPECT_EQ(std::count(names.begin(), names.end(), "alive"), 0);
}

TEST_F(SupervisorTest, AFailedRevertIsSaid) {
  Begin(Arguments());
  RunUntil("verified");
  node_.remove_fails = "the kernel is busy";
  RunToTheEnd();
  EXPECT_EQ(Last().event, "failed");
  EXPECT_NE(Last().message.find("the kernel is busy"), std::string::npos);
  EXPECT_EQ(supervisor_->exit_code(), 1);
}

}  // namespace
}  // namespace chaos::inject::test
