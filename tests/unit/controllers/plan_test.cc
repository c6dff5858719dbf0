// The life of one run, plan by plan: what is written before what is done, and how it ends.
#include <gtest/gtest.h>

#include "tests/unit/controllers/paper_run.h"

namespace chaos::experiment {
namespace {

TEST_F(Run, PassesWhenTheFaultWasMeasuredNoticedAndRecoveredFrom) {
  ToVerified();
  EXPECT_EQ("Active", cx.status.phase);
  EXPECT_EQ("Verified", cx.status.targets[0].state);
  for (double t = 24; t < 54; t += 1) {
    world.Line("sample", T(t), "queen-answers", t < 26);
    world.Line("sample", T(t), "hive-online", t < 27, "/hives_online is 0");
  }
  world.Line("sample", T(54), "hive-online", true);
  Revert(54.2);
  Settle(55);
  EXPECT_EQ("Recovering", cx.status.phase);
  world.Good(55, 56);
  world.Good(56, 64);
  Settle(63);
  EXPECT_EQ("Passed", cx.status.verdict) << cx.status.reason << " " << cx.status.summary;
  EXPECT_EQ("2.8s", cx.status.timings.to_detect);
  EXPECT_EQ("800ms", cx.status.timings.to_recover);
  EXPECT_EQ("412", cx.status.targets[0].measured["packetsDropped"]);
  EXPECT_EQ(
      "queen-0 cut off from 1 peer for 30.0s (412 packets dropped); noticed after 2.8s; good again "
      "800ms after the end",
      cx.status.summary);
  EXPECT_TRUE(cx.meta.finalizers.empty());
  EXPECT_EQ(nullptr, world.probe_pod);
  EXPECT_TRUE(last.actions.empty()) << "a finished experiment still wants something";
  EXPECT_EQ(1u, launches.size());
}

TEST_F(Run, WritesTheIntentAndTheFinalizerBeforeItTouchesThePod) {
  ToInjecting();
  ASSERT_TRUE(cx.status.targets[0].intent);
  EXPECT_TRUE(kube::HasFinalizer(cx.meta, protocol::kFinalizer));
  EXPECT_EQ(T(23) + seconds(60), cx.status.targets[0].intent->not_after);
  EXPECT_EQ(1u, launches.size());
}

TEST_F(Run, ASuccessorLaunchesTheVerySameBytes) {
  ToInjecting();
  world.queen->sidecars.clear();  // the first launch never arrived
  Settle(24);
  ASSERT_EQ(2u, launches.size());
  EXPECT_EQ(launches[0], launches[1]);
}

TEST_F(Run, NothingIsLaunchedAfterItsWindow) {
  ToInjecting();
  world.queen->sidecars.clear();
  launches.clear();
  Settle(23 + 60 + 16);
  EXPECT_TRUE(launches.empty());
  EXPECT_EQ("", cx.status.verdict) << "concluded from a watch that may be behind";
  world.seen.targets[cx.status.targets[0].uid].not_started_at = T(23 + 60 + 17);
  Settle(23 + 60 + 18);
  EXPECT_EQ("Inconclusive", cx.status.verdict);
  EXPECT_EQ("StartFailed", cx.status.reason);
}

TEST_F(Run, APodThatWasReplacedIsNeverTouched) {
  ToInjecting();
  world.queen = MakePod("queen-0", "queen", "10.212.0.77", 7833);
  world.queen->meta.uid = "another";
  launches.clear();
  Settle(24);
  EXPECT_TRUE(launches.empty());
  EXPECT_EQ("TargetGone", cx.status.reason);
}

TEST_F(Run, ATargetThatGoesAwayBeforeTheFaultIsReplaced) {
  ToBaseline();
  world.queen = MakePod("queen-1", "queen", "10.212.0.66", 7833);
  Settle(23);
  EXPECT_EQ("queen-1", cx.status.targets.at(0).pod);
  EXPECT_EQ(1u, launches.size());
}

TEST_F(Run, AQueenThatNeverNoticesFails) {
  ToVerified();
  world.Good(24, 70);
  Revert(54.2);
  Settle(65);
  EXPECT_EQ("Failed", cx.status.verdict);
  EXPECT_EQ("NotDetected", cx.status.reason);
}

TEST_F(Run, AnUnsteadySystemIsNotHurt) {
  Settle(1);
  world.Line("started", T(1.5));
  world.Good(2, 10);
  world.Line("sample", T(10), "hive-online", false, "/hives_online is 0");
  world.Good(11, 24);
  Settle(23);
  EXPECT_EQ("SteadyStateNotMet", cx.status.reason);
  EXPECT_TRUE(launches.empty());
}

TEST_F(Run, WithoutOneSampleThereIsNoVerdictAndNoFault) {
  Settle(1);
  world.probe_pod->unschedulable = "0/1 nodes are available";
  Settle(70);
  EXPECT_EQ("Inconclusive", cx.status.verdict);
  EXPECT_EQ("NoData", cx.status.reason);
  EXPECT_EQ("the probe pod " + protocol::ProbePodName(run_id) +
                " has said nothing for 1m (no node takes it: 0/1 nodes are available)",
            cx.status.summary);
  EXPECT_TRUE(launches.empty());
}

TEST_F(Run, AnInjectorThatDiesTakesTheFaultWithItAndTheVerdict) {
  ToVerified();
  Terminate(30, "", 137);
  Settle(31);
  EXPECT_EQ("Inconclusive", cx.status.verdict);
  EXPECT_EQ("InjectorLost", cx.status.reason);
}

TEST_F(Run, AnInjectorWithoutEffectIsNotGreen) {
  ToInjecting();
  log.failure = "NoEffect";
  log.message = "10.212.0.3:7835 still answers";
  log.applied_at = T(24.2);
  world.queen->states.push_back({});
  Terminate(26, "v1 failed NoEffect run=" + run_id, 1);
  Settle(27);
  EXPECT_EQ("NoEffect", cx.status.reason);
  EXPECT_NE(std::string::npos, cx.status.summary.find("still answers")) << cx.status.summary;
}

TEST_F(Run, AnAbortStopsTheFaultAndIsTakenOffAgain) {
  ToVerified();
  cx.meta.annotations[std::string(protocol::kAbortAnnotation)] = "pager";
  last = Plan(cx, world.Look(), T(30));
  ASSERT_NE(nullptr, Only<WriteStatus>(last));
  Carry();
  last = Plan(cx, world.Look(), T(30));
  EXPECT_NE(nullptr, Any<RemoveAbort>(last));
  EXPECT_NE(nullptr, Any<LaunchStopper>(last));
  cx.meta.annotations.clear();
  Settle(31);
  Revert(31.4);
  Settle(32);
  EXPECT_EQ("Aborted", cx.status.verdict);
  EXPECT_EQ("Stopped", cx.status.reason);
  EXPECT_EQ("Abort: pager", cx.status.summary.substr(cx.status.summary.find("Abort")));
}

TEST_F(Run, TheFinalizerStaysUntilTheTargetIsClean) {
  ToVerified();
  cx.meta.deleting = true;
  Settle(30);
  EXPECT_TRUE(kube::HasFinalizer(cx.meta, protocol::kFinalizer));
  Revert(31);
  Settle(32);
  EXPECT_FALSE(kube::HasFinalizer(cx.meta, protocol::kFinalizer));
}

TEST_F(Run, ADeadKubeletHoldsNobodyLongerThanTheDeadline) {
  ToVerified();
  cx.meta.deleting = true;
  const TimePoint deadline = cx.status.targets[0].intent->deadline;
  Settle(std::chrono::duration<double>(deadline - T(0)).count() + 20);
  EXPECT_TRUE(kube::HasFinalizer(cx.meta, protocol::kFinalizer));
  Settle(std::chrono::duration<double>(deadline - T(0)).count() + 31);
  EXPECT_FALSE(kube::HasFinalizer(cx.meta, protocol::kFinalizer));
}

TEST_F(Run, AReleaseByHandIsRecordedAsUnverified) {
  ToVerified();
  cx.meta.annotations[std::string(protocol::kReleaseAnnotation)] = "another uid";
  Settle(27);
  EXPECT_TRUE(cx.status.Live());
  cx.meta.annotations[std::string(protocol::kReleaseAnnotation)] = "uid-cx";
  Settle(28);
  EXPECT_EQ("Aborted", cx.status.verdict);
  EXPECT_EQ("Unknown", cx.status.targets[0].state);
  EXPECT_FALSE(kube::IsTrue(cx.status.conditions, "Clean"));
  EXPECT_TRUE(cx.meta.finalizers.empty());
}

TEST_F(Run, AFaultPastItsDeadlineIsSaidToBeOverdue) {
  ToVerified();
  Settle(24.2 + 30 + 11);
  const kube::Condition* clean = kube::FindCondition(cx.status.conditions, "Clean");
  ASSERT_NE(nullptr, clean);
  EXPECT_EQ("RevertOverdue", clean->reason);
}

TEST_F(Run, TheSameSpecNeverRunsTwice) {
  ToVerified();
  Terminate(30, "", 137);
  Settle(31);
  launches.clear();
  const std::string first = cx.spec_hash;
  Json other = SpecJson();
  other["duration"] = "10s";
  Experiment changed = MakeExperiment(other);
  cx.spec = changed.spec;
  cx.spec_hash = changed.spec_hash;
  cx.meta.generation = 2;
  world.ns.meta.labels.clear();  // so that the second spec only waits
  Settle(40);
  EXPECT_EQ("Pending", cx.status.phase);
  cx.spec_hash = first;
  cx.spec = MakeExperiment().spec;
  cx.meta.generation = 3;
  world.ns.meta.labels = {{std::string(protocol::kMaxTierLabel), "PodCapabilities"}};
  Settle(41);
  EXPECT_EQ("Finished", cx.status.phase);
  EXPECT_EQ("InjectorLost", cx.status.reason);
  EXPECT_TRUE(launches.empty());
}

TEST_F(Run, ARestoredObjectDoesNotRunAgain) {
  cx.meta.annotations[std::string(protocol::kRanAnnotation)] = cx.spec_hash;
  Settle(1);
  EXPECT_EQ("Restored", cx.status.reason);
}

TEST_F(Run, AStopHoldsBackWhatHasNotStarted) {
  world.stop.emplace();
  world.stop->meta.key.name = "incident";
  Settle(1);
  EXPECT_EQ("Pending", cx.status.phase);
  const kube::Condition* accepted = kube::FindCondition(cx.status.conditions, "Accepted");
  EXPECT_EQ("StopEngaged", accepted->reason);
}

TEST_F(Run, AnOutageDoesNotFireABacklog) {
  Settle(3 * 3600);
  EXPECT_FALSE(cx.status.Live()) << "started three hours late";
}

TEST_F(Run, APlanOnlyShowsWhoWouldBeHit) {
  cx.spec.dry_run = "Plan";
  Settle(1);
  EXPECT_EQ("Finished", cx.status.phase);
  EXPECT_EQ("would hit queen-0 with partition", cx.status.summary);
  EXPECT_TRUE(cx.status.verdict.empty());
  EXPECT_TRUE(last.actions.empty());
}

}  // namespace
}  // namespace chaos::experiment
