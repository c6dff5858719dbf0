// The life of a run that takes a pod away by the API alone.
#include <gtest/gtest.h>

#include "tests/unit/controllers/paper_run.h"

namespace chaos::experiment {
namespace {

Json RemovalJson(const std::string& action) {
  Json spec = Json::parse(R"({
    "target": {"component": "worker", "mode": "One"},
    "fault": {"pod": {"action": "Delete"}},
    "baseline": "20s",
    "probes": [
      {"name": "queen-answers", "interval": "1s", "during": ["Before", "After"],
       "inference": {"component": "queen", "model": "m", "prompt": "2+2="}}],
    "recovery": {"within": "60s", "stableFor": "5s"},
    "safety": {"maxTargets": 1, "maxPrivilege": "ApiOnly"},
    "seed": 1, "run": 1, "startingDeadline": "10m"})");
  spec["fault"]["pod"]["action"] = action;
  return spec;
}

class PodRun : public Run {
 protected:
  PodRun() { Ask("Delete"); }
  void Ask(const std::string& action) {
    cx = MakeExperiment(RemovalJson(action));
    run_id = RunId("uid-cx", cx.spec_hash);
    for (auto& pod : world.workers) pod->controller = "ReplicaSet";
  }
  const TargetStatus& Target() { return cx.status.targets.at(0); }
  void TargetGoes() {
    const std::string uid = Target().uid;
    std::erase_if(world.workers, [&](const auto& pod) { return pod->meta.uid == uid; });
  }
  void Replacement(double created, double ready) {
    auto pod = MakePod("worker-new", "worker", "10.212.0.77", 8080);
    pod->meta.created = T(created);
    pod->ready_since = T(ready);
    world.workers.push_back(pod);
  }
  void Samples() {
    for (double t = 24; t < 60; t += 1)
      world.Line("sample", T(t), "queen-answers", t < 25 || t >= 28, "no worker");
  }
};

TEST_F(PodRun, PassesWhenThePodIsGoneAndAnotherDoesItsWork) {
  ToInjecting();
  ASSERT_EQ(1u, removals.size());
  EXPECT_FALSE(removals[0].evict);
  EXPECT_TRUE(launches.empty()) << "something entered a pod at tier ApiOnly";
  EXPECT_EQ("Applied", Target().state);
  EXPECT_FALSE(Target().verified_at) << "verified while the pod is still there";
  Settle(24);
  EXPECT_EQ(1u, removals.size()) << "removed twice";
  TargetGoes();
  Settle(25);
  EXPECT_EQ("Gone", Target().state);
  EXPECT_EQ("apiserver", Target().measured_by);
  EXPECT_EQ(T(23), Target().injected_at);
  EXPECT_EQ(T(25), Target().verified_at);
  Samples();
  Settle(30);
  EXPECT_TRUE(cx.status.Live()) << "over before its replacement is ready";
  Replacement(23, 31);
  Settle(36);
  Settle(60);
  EXPECT_EQ("Passed", cx.status.verdict) << cx.status.reason << " " << cx.status.summary;
  EXPECT_EQ("2.0s", cx.status.timings.to_effect);
  EXPECT_EQ("9.0s", cx.status.timings.to_restart);
  EXPECT_NE(std::string::npos, cx.status.summary.find(" deleted; "));
  EXPECT_NE(std::string::npos, cx.status.summary.find("; replaced after 9.0s;"));
}

TEST_F(PodRun, ABudgetThatForbidsItIsRefusedInItsWordsAndHurtsNobody) {
  Ask("Evict");
  removal_error =
      Error{Reason::kThrottled, "it would violate the pod's disruption budget", {}, 429};
  ToInjecting();
  ASSERT_FALSE(removals.empty());
  EXPECT_TRUE(removals[0].evict);
  Settle(30);
  EXPECT_TRUE(cx.status.Live()) << "a budget may allow it a moment later";
  Settle(23 + 61);
  EXPECT_EQ("Inconclusive", cx.status.verdict);
  EXPECT_EQ("Refused", cx.status.reason);
  EXPECT_NE(std::string::npos, cx.status.summary.find("violate the pod's disruption budget"));
}

TEST_F(PodRun, APodThatSomebodyElseDeletedIsNotOurs) {
  removal_error = Error{Reason::kNotFound, "pods \"worker-0\" not found", {}, 404};
  ToInjecting();
  TargetGoes();
  Settle(25);
  EXPECT_EQ("TargetGone", Target().reason);
  EXPECT_FALSE(Target().verified_at);
}

TEST_F(PodRun, ACallWhoseAnswerWasLostIsFoundByWhatItDid) {
  removal_error = Error{Reason::kNotFound, "pods \"worker-0\" not found", {}, 404};
  ToInjecting();
  world.seen.targets[Target().uid].launch_uncertain = true;  // of a predecessor
  TargetGoes();
  Settle(25);
  EXPECT_EQ("", Target().reason) << Target().message;
  EXPECT_TRUE(Target().verified_at);
  EXPECT_EQ("lost", Target().measured.at("report"));
}

TEST_F(PodRun, APodThatStaysIsNoEffect) {
  ToInjecting();
  Settle(23 + 60 + 30 + 30 + 1);
  EXPECT_EQ("NoEffect", Target().reason);
  EXPECT_EQ("Inconclusive", cx.status.verdict);
}

TEST_F(PodRun, StoppedBeforeTheCallNobodyIsHit) {
  removal_error = Error{Reason::kThrottled, "the pod's disruption budget", {}, 429};
  ToInjecting();
  cx.meta.annotations[std::string(protocol::kAbortAnnotation)] = "enough";
  Settle(25);
  EXPECT_EQ("Aborted", cx.status.verdict);
  EXPECT_FALSE(Target().injected_at);
}

TEST_F(PodRun, WhatNobodyWouldReplaceIsRefused) {
  for (auto& pod : world.workers) pod->controller.clear();
  Settle(1);
  EXPECT_NE("Passed", cx.status.verdict);
  EXPECT_TRUE(removals.empty());
  EXPECT_NE(std::string::npos, cx.status.summary.find("belongs to no controller"))
      << cx.status.summary;
}

TEST_F(PodRun, TheLastReadyOneStays) {
  world.workers.resize(1);
  Settle(1);
  EXPECT_TRUE(removals.empty());
  ToInjecting();
  EXPECT_TRUE(removals.empty());
}

}  // namespace
}  // namespace chaos::experiment
