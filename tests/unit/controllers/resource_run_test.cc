// Runs of faults that take a resource away, and what becomes of one whose injector dies: a second
// one undoes it, and nobody says clean before.
#include <gtest/gtest.h>

#include "tests/unit/controllers/paper_run.h"

namespace chaos::experiment {
namespace {

using Kind = ContainerState::Kind;
constexpr const char* kUndo = "files:1:100:1024:4096:27:9";

Json FilesJson() {
  return Json::parse(R"({
    "target": {"component": "queen", "mode": "One"},
    "fault": {"fileDescriptors": {"headroom": 0}},
    "duration": "30s", "baseline": "20s",
    "probes": [
      {"name": "queen-answers", "interval": "1s", "during": ["Before", "After"],
       "inference": {"component": "queen", "model": "m", "prompt": "2+2="}}],
    "recovery": {"within": "60s", "stableFor": "5s"},
    "safety": {"maxTargets": 1, "maxPrivilege": "NoCapabilities"},
    "run": 1, "startingDeadline": "10m"})");
}

class ResourceRun : public Run {
 protected:
  ResourceRun() {
    cx = MakeExperiment(FilesJson());
    run_id = RunId("uid-cx", cx.spec_hash);
  }
  void ToFewerFiles() {
    ToVerified();
    log.measured = {
        {"limit", "27"}, {"limitBefore", "1024"}, {"headroom", "0"}, {"accept", "stalled"}};
    log.undo = kUndo;
    Settle(27);
  }
  std::string Record(const std::string& state, bool open) {
    return "v1 " + state + " ok run=" + run_id + (open ? std::string(" undo=") + kUndo : "") +
           " applied=" + PrintTime(T(24.2)) + " .";
  }
  void Second(const std::string& record, int code, double at) {
    world.queen->states.push_back({protocol::ReverterName(run_id),
                                   Kind::kTerminated,
                                   "",
                                   record,
                                   code,
                                   T(at - 1),
                                   T(at),
                                   0,
                                   {}});
  }
  const TargetStatus& Target() const { return cx.status.targets[0]; }
};

TEST_F(ResourceRun, TheSidecarRunsAsTheTargetWithoutACapability) {
  ToInjecting();
  const Intent& intent = *Target().intent;
  EXPECT_EQ("queen", intent.container);
  EXPECT_EQ("", intent.capability);
  EXPECT_EQ(1000, intent.run_as_user);
  EXPECT_EQ(1000, intent.run_as_group);
  const Result<protocol::InjectArguments> told = protocol::InjectFromJson(intent.arguments);
  ASSERT_TRUE(told) << told.error().detail;
  EXPECT_EQ(0, std::get<protocol::FileDescriptors>(told->fault).headroom);
  EXPECT_EQ(seconds(30), told->duration);
}

TEST_F(ResourceRun, OneThatIsTakenBackPassesAndSaysWhatWasTaken) {
  ToFewerFiles();
  log.reverted_at = T(54.2);
  log.undo.clear();
  Terminate(54.5, Record("reverted", false));
  for (double t = 24; t < 70; t += 1) world.Line("sample", T(t), "queen-answers", t < 25 || t > 55);
  Settle(56);
  Settle(70);
  EXPECT_EQ("Passed", cx.status.verdict) << cx.status.reason << " " << cx.status.summary;
  EXPECT_EQ(0u, cx.status.summary.find(
                    "queen-0 could open only 0 more files (limit 27 instead of 1024) and took no "
                    "more connections for 30.0s"))
      << cx.status.summary;
  EXPECT_TRUE(reverters.empty());
}

TEST_F(ResourceRun, WhatADeadInjectorLeftIsUndoneByASecondOneBeforeAnybodySaysClean) {
  ToFewerFiles();
  Terminate(30, Record("verified", true), 137);
  Settle(31);
  EXPECT_TRUE(reverters.empty()) << "the container's own end would have been enough";
  EXPECT_EQ("Reverting", Target().state);
  Settle(33);
  ASSERT_EQ(1u, reverters.size());
  const Json& second = reverters[0];
  EXPECT_EQ(protocol::ReverterName(run_id), second["name"]);
  EXPECT_EQ("revert", second["args"][0]);
  const auto told = protocol::RevertFromJson(second["args"][1].get<std::string>());
  ASSERT_TRUE(told) << told.error().detail;
  EXPECT_EQ(kUndo, told->undo);
  EXPECT_EQ("queen", second["targetContainerName"]);
  EXPECT_EQ(1000, second["securityContext"]["runAsUser"]);
  Settle(36);
  EXPECT_EQ(1u, reverters.size());
  EXPECT_FALSE(Target().Ended());
  EXPECT_TRUE(cx.status.Live());
  Second("v1 reverted ok run=" + run_id + " reverted=" + PrintTime(T(36.5)) + " limitAfter=1024 .",
         0, 37);
  Settle(38);
  EXPECT_EQ("Clean", Target().state);
  EXPECT_EQ(T(36.5), Target().reverted_at);
  EXPECT_EQ("InjectorLost", Target().reason);
  EXPECT_EQ("Inconclusive", cx.status.verdict);
}

TEST_F(ResourceRun, ASecondOneThatCannotLeavesTheRunOpenAndOverdue) {
  ToFewerFiles();
  Terminate(30, Record("verified", true), 137);
  Settle(33);
  Second("v1 failed RevertFailed run=" + run_id + " undo=" + kUndo + " .", 1, 35);
  Settle(36);
  Settle(50);
  EXPECT_FALSE(Target().Ended());
  const auto* clean = kube::FindCondition(cx.status.conditions, "Clean");
  EXPECT_EQ("RevertOverdue", clean->reason);
  Settle(1000);
  EXPECT_TRUE(cx.status.Live()) << "its deadline does not end it";
  world.queen = nullptr;
  Settle(1001);
  EXPECT_EQ("Gone", Target().state);
}

TEST_F(ResourceRun, AContainerThatEndedHasTakenTheFaultWithIt) {
  ToFewerFiles();
  Terminate(30, Record("verified", true), 137);
  ContainerState& main = world.queen->states[0];
  main.restarts = 1;
  main.started = T(31);
  main.last = Ending{"Error", 101, T(-3600), T(30)};
  Settle(33);
  EXPECT_TRUE(reverters.empty());
  EXPECT_EQ("Clean", Target().state);
  EXPECT_EQ("TargetGone", Target().reason);
  EXPECT_NE(std::string::npos, Target().message.find("exit code 101"));
}

TEST_F(ResourceRun, TheLogAloneSaysWhatToUndoWhereTheRecordIsLost) {
  ToFewerFiles();
  Terminate(30, "", 137);
  Settle(33);
  ASSERT_EQ(1u, reverters.size());
}

TEST_F(ResourceRun, RoomForASecondOneIsCountedBefore) {
  world.limits.max_sidecars = 2;
  Settle(1);
  EXPECT_NE(std::string::npos, cx.status.summary.find("SidecarLimit")) << cx.status.summary;
}

protocol::Event Says(std::int64_t seq, const char* name,
                     std::map<std::string, std::string> measured = {}, const char* reason = "") {
  protocol::Event event;
  event.seq = seq;
  event.event = name;
  event.measured = std::move(measured);
  event.reason = reason;
  return event;
}

TEST(SaidOfUndo, IsWhatTheLatestWordLeavesOpen) {
  Said said;
  said.Add(Says(1, "journal", {{"undo", "goes with this process"}}));
  EXPECT_EQ("", said.undo) << "words for people";
  said = {};
  said.Add(Says(1, "journal", {{"leaves", kUndo}}));
  EXPECT_EQ(kUndo, said.undo);
  said.Add(Says(2, "applied"));
  EXPECT_EQ(kUndo, said.undo);
  said.Add(Says(3, "failed", {}, "RevertFailed"));
  EXPECT_EQ(kUndo, said.undo);
  said.Add(Says(4, "reverted"));
  EXPECT_EQ("", said.undo);
  EXPECT_EQ(0u, said.measured.count("leaves")) << "no figure of the effect";
}

}  // namespace
}  // namespace chaos::experiment
