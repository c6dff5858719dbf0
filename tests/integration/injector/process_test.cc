// Processes that really end, by an injector beside them as a container would run it.
#include <gtest/gtest.h>

#include <csignal>
#include <memory>

#include "tests/integration/injector/pid_space.h"
#include "tests/integration/injector/process_cases.h"

namespace chaos::test {
namespace {

using protocol::ProcessAction;
using Names = std::vector<std::string>;

// What is left of an injector that ended with process 1. Between the step and the end of both there
// may be time to say that it was taken.
void ExpectLastWords(const Program& injector, const Names& before, const std::string& step) {
  Names with = before;
  with.push_back("applied");
  const Names names = injector.names();
  EXPECT_TRUE(names == before || names == with) << ::testing::PrintToString(names);
  const auto record = injector.record();
  ASSERT_TRUE(record) << injector.record_text();
  EXPECT_TRUE(record->state == "aboutTo" || record->state == "applied") << record->state;
  EXPECT_EQ(record->code, "ok");
  EXPECT_TRUE(record->applied);
  EXPECT_FALSE(record->verified);
  EXPECT_EQ(record->figures.at("step"), step);
  EXPECT_TRUE(injector.record_text().ends_with(" ."));
}
const Names kUpToTheStep = {"preflight", "journal", "armed", "aboutTo"};

class ProcessEnds : public ::testing::TestWithParam<Side> {
 protected:
  Program Inject(const Victim& victim, const protocol::Process& process) {
    return Program(net_.target(), InjectWords(ProcessArguments(process)),
                   victim.Beside(GetParam().injector));
  }
  std::unique_ptr<Victim> Start(std::vector<std::string> words = {}) {
    return std::make_unique<Victim>(net_.target(), std::move(words), GetParam().uid,
                                    GetParam().uid);
  }
  TestNet net_;
};

INSTANTIATE_TEST_SUITE_P(, ProcessEnds, ::testing::ValuesIn(Sides()), NameOfSide);

TEST_P(ProcessEnds, KillTakesProcess1AndTheInjectorWhichHasSaidSo) {
  const auto victim = Start({"--threads", "3", "--term", "ignore"});
  Program injector = Inject(*victim, {.action = ProcessAction::kKill});
  EXPECT_EQ(victim->Wait(), 137);
  EXPECT_EQ(injector.Wait(), 137);
  ExpectLastWords(injector, kUpToTheStep, "SIGKILL");
}

TEST_P(ProcessEnds, ExitGivesProcess1TheCodeThatWasAskedFor) {
  for (const int code : {42, 0, 255}) {
    const auto victim = Start({"--threads", "3"});
    Program injector = Inject(*victim, {.action = ProcessAction::kExit, .exit_code = code});
    EXPECT_EQ(victim->Wait(), code);
    EXPECT_EQ(injector.Wait(), 137);
    ExpectLastWords(injector, kUpToTheStep, "exit_group(" + std::to_string(code) + ")");
  }
}

TEST_P(ProcessEnds, TerminateIsEnoughForOneThatListens) {
  const auto victim = Start({"--term", "exit0"});
  Program injector =
      Inject(*victim, {.action = ProcessAction::kTerminate, .grace = std::chrono::minutes(5)});
  EXPECT_EQ(victim->Wait(), 0);
  EXPECT_EQ(injector.Wait(), 137);
  ExpectLastWords(injector, kUpToTheStep, "SIGTERM");
  EXPECT_EQ(injector.record()->figures.at("onTerm"), "handled");
}

TEST_P(ProcessEnds, Process1WithoutAHandlerDoesNotNoticeTerminateAndIsKilledAfterItsGrace) {
  const auto victim = Start();
  Program injector =
      Inject(*victim, {.action = ProcessAction::kTerminate, .grace = milliseconds(300)});
  ASSERT_TRUE(injector.WaitFor("applied"));
  EXPECT_TRUE(victim->Beats());
  EXPECT_EQ(victim->Wait(), 137);
  EXPECT_EQ(injector.Wait(), 137);
  EXPECT_EQ(injector.names(),
            (Names{"preflight", "journal", "armed", "aboutTo", "applied", "aboutTo"}));
  EXPECT_EQ(injector.record()->figures.at("onTerm"), "ignored");
  EXPECT_EQ(injector.record()->figures.at("step"), "SIGKILL");
}

TEST_P(ProcessEnds, AStopDuringTheGraceSparesIt) {
  const auto victim = Start();
  Program injector =
      Inject(*victim, {.action = ProcessAction::kTerminate, .grace = std::chrono::minutes(5)});
  ASSERT_TRUE(injector.WaitFor("applied"));
  injector.Signal(SIGTERM);
  EXPECT_EQ(injector.Wait(), 0);
  EXPECT_EQ(injector.events().back().event, "done");
  EXPECT_EQ(injector.record()->state, "done");
  EXPECT_EQ(injector.record()->code, "terminated");
  EXPECT_TRUE(victim->Beats());
}

TEST_P(ProcessEnds, AChildIsChosenByItsCommandLineAndProcess1GoesOn) {
  for (const ProcessAction action :
       {ProcessAction::kKill, ProcessAction::kTerminate, ProcessAction::kExit}) {
    const auto victim = Start({"--child", "llm-worker-1", "--child", "llm-worker-2"});
    Program injector =
        Inject(*victim, {.action = action, .exit_code = 42, .match = "^llm-worker-[2-9]"});
    EXPECT_EQ(injector.Wait(), 0);
    EXPECT_EQ(injector.names(),
              (Names{"preflight", "journal", "armed", "aboutTo", "applied", "verified", "done"}));
    const auto& measured = injector.events().back().measured;
    const char* by[] = {"SIGKILL", "exit_group(42)", "SIGTERM"};
    EXPECT_EQ(measured.at("endedBy"), by[static_cast<int>(action)]);
    if (action == ProcessAction::kExit) {
      EXPECT_EQ(measured.at("exitCode"), "42");
    }
    EXPECT_EQ(injector.record()->state, "done");
    EXPECT_TRUE(victim->Beats());
    // The other child is still the one that fits.
    Program again =
        Inject(*victim, {.action = ProcessAction::kKill, .match = "llm-worker-[0-9] --quiet"});
    EXPECT_EQ(again.Wait(), 0);
  }
}

TEST_P(ProcessEnds, AnExpressionThatFitsSeveralOrNoneHurtsNobody) {
  const auto victim = Start({"--child", "llm-worker-1", "--child", "llm-worker-2"});
  for (const std::string match : {"^llm-worker", "vllm", "("}) {
    Program injector = Inject(*victim, {.action = ProcessAction::kKill, .match = match});
    EXPECT_EQ(injector.Wait(), 1);
    ASSERT_EQ(injector.names(), Names{"failed"});
    EXPECT_EQ(injector.events()[0].reason, "Refused");
    const std::string says = match == "^llm-worker" ? "fits 2 processes, 2 (llm-worker-1), 3 (llm"
                             : match == "vllm"      ? "fits no command line; there are 1 (victim)"
                                                    : "cannot be read";
    EXPECT_NE(injector.events()[0].message.find(says), std::string::npos)
        << injector.events()[0].message;
    EXPECT_TRUE(victim->Beats());
  }
}

TEST(ProcessRefusal, NamesWhatIsMissingAndHurtsNobody) {
  TestNet net;
  const struct {
    const char* what;
    Privileges injector;
    unsigned victim_uid;
    const char* says;
  } rows[] = {
      {"another group",
       {.net_admin = false, .uid = 1000},
       1000,
       "process 1 runs as 1000:1000 and the injector as 1000:0: it needs the same user and group, "
       "or SYS_PTRACE as root"},
      {"root without the capability",
       {.net_admin = false},
       1000,
       "process 1 runs as 1000:1000 and the injector as 0:0"},
      {"root's capabilities", {.net_admin = false}, 0, "it has capabilities that the injector has"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.what);
    Victim victim(net.target(), {}, row.victim_uid, row.victim_uid);
    for (const ProcessAction action : {ProcessAction::kKill, ProcessAction::kHang}) {
      Program injector(net.target(), InjectWords(ProcessArguments({.action = action})),
                       victim.Beside(row.injector));
      EXPECT_EQ(injector.Wait(), 1);
      ASSERT_EQ(injector.names(), Names{"failed"});
      EXPECT_NE(injector.events()[0].message.find(row.says), std::string::npos)
          << injector.events()[0].message;
    }
    EXPECT_TRUE(victim.Beats());
  }
}

TEST(ProcessRefusal, AnInjectorThatDoesNotSeeItsTargetSaysSo) {
  TestNet net;
  Program alone(net.target(), InjectWords(ProcessArguments({.action = ProcessAction::kKill})),
                {.net_admin = false, .own_pid_space = true});
  EXPECT_EQ(alone.Wait(), 1);
  ASSERT_EQ(alone.names(), Names{"failed"});
  EXPECT_EQ(alone.events()[0].message,
            "/proc does not show the processes that the injector is among");
}

}  // namespace
}  // namespace chaos::test
