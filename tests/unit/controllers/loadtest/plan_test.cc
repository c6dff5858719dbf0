// The life of one load, plan by plan: what is written before what is done, and how it ends.
#include <gtest/gtest.h>

#include <algorithm>

#include "controllers/loadtest/bodies.h"
#include "controllers/loadtest/report.h"
#include "operator/base/gzip.h"
#include "operator/kube/conditions.h"
#include "tests/unit/controllers/loadtest/fixture.h"

namespace chaos::loadtest {
namespace {

template <class A>
const A* Any(const Step& step) {
  for (const Action& action : step.actions) {
    if (const A* found = std::get_if<A>(&action)) return found;
  }
  return nullptr;
}

// Carries out what a plan asks for on paper, until it asks for nothing new.
class LoadRun : public testing::Test {
 protected:
  World world;
  LoadTest test = MakeTest();
  Step last;
  int jobs = 0, writes = 0, reports = 0;
  bool pods_come = true, job_exists = false, creates_get_lost = false;
  std::string refused;
  Json report;
  std::map<std::string, std::string> told;

  std::string Run() {
    return RunId("uid-lt", test.status.Live() ? test.status.active_run : test.spec_hash);
  }
  void Use(const Json& spec, bool owned = false) { test = MakeTest(spec, owned); }
  void Settle(double at) {
    for (int i = 0; i < 30; ++i) {
      last = Plan(test, world.Look(), T(at));
      if (!Carry(at)) return;
    }
    ADD_FAILURE() << "the plan does not come to rest at T+" << at;
  }
  bool Carry(double at) {
    bool moved = false;
    for (const Action& action : last.actions) {
      if (const auto* write = std::get_if<WriteStatus>(&action)) {
        EXPECT_EQ(1U, last.actions.size()) << "a status is written beside an act";
        EXPECT_EQ("", kube::CheckKstatus(write->status.conditions, test.meta.generation,
                                         write->status.observed_generation));
        const bool another_start = test.status.started_at != write->status.started_at;
        test.status = Status::FromJson(write->status.ToJson());
        EXPECT_EQ(test.status.ToJson(), write->status.ToJson());
        EXPECT_EQ(test.status, write->status) << "the status does not survive being written";
        if (another_start && world.seen.job && !world.seen.job->exists) world.seen.job.reset();
        ++writes;
      } else if (const auto* ran = std::get_if<MarkRan>(&action)) {
        test.meta.annotations[std::string(protocol::kRanAnnotation)] = ran->ran;
      } else if (std::get_if<RemoveAbort>(&action)) {
        test.meta.annotations.erase(std::string(protocol::kAbortAnnotation));
      } else if (std::get_if<CreateJob>(&action)) {
        EXPECT_EQ(JobName(Run()), test.status.job) << "created without a persisted intent";
        ++jobs;
        if (creates_get_lost) {  // and are carried out later, or never
          world.seen.job = JobView{};
          world.seen.job_read_at = T(at);
          continue;
        }
        job_exists = true;
        world.seen.job = JobView{true, *test.status.started_at, ""};
        world.seen.job_read_at = T(at);
        for (int i = 0; pods_come && i < test.status.resolved.pods; ++i) world.AddPod(Run(), i);
      } else if (const auto* read = std::get_if<ReadJob>(&action)) {
        world.seen.job =
            JobView{job_exists, *test.status.started_at, read->events ? refused : std::string()};
        world.seen.job_read_at = T(at);
      } else if (std::get_if<FollowPod>(&action)) {
        continue;
      } else if (const auto* tell = std::get_if<TellPod>(&action)) {
        told[tell->uid] = tell->value;
        world.seen.told[tell->uid] = tell->value;
      } else if (const auto* wrote = std::get_if<WriteReport>(&action)) {
        EXPECT_NE("Finished", test.status.phase) << "final before its report is there";
        report = wrote->report;
        ++reports;
        world.seen.report_written = true;
      } else if (std::get_if<DeleteJob>(&action)) {
        job_exists = false;
        world.seen.job_deleted = true;
        world.pods.clear();
      }
      moved = true;
    }
    return moved;
  }

  // T0 is 11 s: the plan is first asked at 1 s.
  void ToRunning() {
    Settle(1);
    for (int pod = 0; pod < 2; ++pod) world.Line(pod, 0, 0, 0, "started");
    Settle(11);
  }
  void Work(double from, double to, int ok = 5, int bad = 0, std::vector<int> pods = {0, 1}) {
    for (double t = from; t <= to; ++t) {
      for (const int pod : pods) world.Line(pod, t, ok, bad);
    }
  }
  void End(int pod, const std::string& why = "finished") {
    world.Line(pod, 60, 0, 0, "ended", why);
  }
  void Terminate(int index, const std::string& reason, int code) {
    world.pods[static_cast<std::size_t>(index)]->phase = "Failed";
    world.pods[static_cast<std::size_t>(index)]->states = {{std::string(protocol::kLoadContainer),
                                                            ContainerState::Kind::kTerminated,
                                                            reason,
                                                            "",
                                                            code,
                                                            {},
                                                            {}}};
    world.seen.views[index] = {"uid-pod-" + std::to_string(index), T(30), 1};
  }
  kube::Condition Condition(const char* type) {
    const kube::Condition* found = kube::FindCondition(test.status.conditions, type);
    return found ? *found : kube::Condition{};
  }
};

TEST_F(LoadRun, TheIntentIsWrittenBeforeTheJobIsMade) {
  last = Plan(test, world.Look(), T(1));
  ASSERT_TRUE(Any<WriteStatus>(last));
  const Status& intent = Any<WriteStatus>(last)->status;
  EXPECT_EQ("Starting", intent.phase);
  EXPECT_EQ(T(11), intent.started_at);
  EXPECT_EQ(T(71), intent.ends_at);
  EXPECT_EQ("http://10.211.0.33:7833", intent.resolved.url);
  EXPECT_EQ("rbee", intent.resolved.protocol);
  EXPECT_EQ(2, intent.resolved.pods);
  Settle(1);
  EXPECT_EQ(1, jobs);
  EXPECT_FALSE(test.meta.annotations[std::string(protocol::kRanAnnotation)].empty());
}

TEST_F(LoadRun, PassesWhenEveryPodHasEndedAndTheThresholdHolds) {
  ToRunning();
  EXPECT_EQ("Running", test.status.phase);
  Work(1, 60);
  End(0);
  End(1);
  Settle(72);
  EXPECT_EQ("Finished", test.status.phase);
  EXPECT_EQ("Passed", test.status.verdict) << test.status.summary;
  EXPECT_EQ(600, test.status.phases["all"].requests);
  EXPECT_EQ("2/2", test.status.coverage_pods);
  EXPECT_EQ("true", test.status.thresholds.at(0).holds);
  EXPECT_EQ(1, reports);
  EXPECT_EQ(ReportName(test, Run()), test.status.report);
  EXPECT_FALSE(job_exists);
  EXPECT_EQ("read", told["uid-pod-0"]);
}

TEST_F(LoadRun, TheReportHoldsTheWholeResult) {
  ToRunning();
  Work(1, 60);
  End(0);
  End(1);
  Settle(72);
  const auto packed = FromBase64(Text(report, {"spec", "data"}));
  ASSERT_TRUE(packed);
  const auto text = Gunzip(*packed, std::size_t{1} << 20U);
  ASSERT_TRUE(text);
  const Json content = *ParseJson(*text);
  EXPECT_EQ(60U, content["series"]["points"].size());
  EXPECT_EQ(10, content["series"]["points"][7][1]);
  EXPECT_TRUE(content["complete"].get<bool>());
  EXPECT_EQ(600, content["trends"]["all"]["ttft"]["samples"]);
  EXPECT_EQ("LoadTest", Text(report, {"spec", "of", "kind"}));
  EXPECT_EQ(Run(), Text(report, {"spec", "of", "run"}));
}

TEST_F(LoadRun, NumbersAreWrittenEveryTenSecondsAndNotMore) {
  ToRunning();
  const int before = writes;
  for (int t = 1; t <= 40; ++t) {
    Work(t, t);
    Settle(11 + t + 0.1);
  }
  EXPECT_GE(writes - before, 3);
  EXPECT_LE(writes - before, 6);
  EXPECT_GE(test.status.progress->requests, 300);
}

TEST_F(LoadRun, ErrorsAboveTheThresholdFail) {
  ToRunning();
  Work(1, 60, 1, 1);
  End(0);
  End(1);
  Settle(72);
  EXPECT_EQ("Failed", test.status.verdict);
  EXPECT_EQ("ThresholdBreached", test.status.reason);
  EXPECT_EQ("50%", test.status.thresholds.at(0).observed);
}

TEST_F(LoadRun, WithoutAThresholdErrorsAreStillLimited) {
  Json spec = SpecJson();
  spec.erase("thresholds");
  Use(spec);
  ToRunning();
  Work(1, 60, 19, 1);
  End(0);
  End(1);
  Settle(72);
  EXPECT_EQ("Failed", test.status.verdict);
  ASSERT_EQ(1U, test.status.thresholds.size());
  EXPECT_EQ("rate<0.01", test.status.thresholds[0].expression);
}

TEST_F(LoadRun, AFastClosedPortIsNeverGreen) {
  Json spec = SpecJson();
  spec["thresholds"] = Json::array({{{"metric", "http_reqs"}, {"expression", "count>1"}},
                                    {{"metric", "errors"}, {"expression", "rate<=1"}}});
  Use(spec);
  ToRunning();
  Work(1, 60, 0, 50);
  End(0);
  End(1);
  Settle(72);
  EXPECT_EQ("Inconclusive", test.status.verdict);
  EXPECT_EQ("NoData", test.status.reason);
}

TEST_F(LoadRun, ALostPodIsInconclusiveWhereWhatIsMissingCouldHaveSavedIt) {
  ToRunning();
  Work(1, 20);
  Terminate(1, "Error", 137);
  Work(21, 60, 5, 0, {0});
  End(0);
  Settle(72);
  EXPECT_EQ("Inconclusive", test.status.verdict);
  EXPECT_EQ("LoadPodsLost", test.status.reason);
  EXPECT_EQ("1/2", test.status.coverage_pods);
  ASSERT_EQ(1U, test.status.coverage_missing.size());
  EXPECT_NE(std::string::npos, test.status.coverage_missing[0].find("137"));
  EXPECT_EQ(400, test.status.phases["all"].requests) << "what it had measured still counts";
}

TEST_F(LoadRun, ALostPodDoesNotSaveALoadThatHasFailedForSure) {
  ToRunning();
  Work(1, 20, 1, 4);
  Terminate(1, "Error", 137);
  Work(21, 60, 1, 4, {0});
  End(0);
  Settle(72);
  EXPECT_EQ("Failed", test.status.verdict) << test.status.summary;
}

TEST_F(LoadRun, PodsThatCameLateAreAnotherLoad) {
  ToRunning();
  for (int t = 1; t <= 60; ++t) world.Line(0, t, 5, 0);
  protocol::LoadLine late;
  late.seq = world.seq[1] + 1;
  late.pod = 1;
  late.event = "ended";
  late.reason = "finished";
  late.elapsed_ms = 60'000;
  late.vu_ms = 2 * 30'000;
  world.log.Add(late);
  End(0);
  Settle(72);
  EXPECT_EQ("LoadPodsLost", test.status.reason);
  EXPECT_EQ("75%", test.status.coverage_vu_time);
}

TEST_F(LoadRun, AbortOnFailStopsEveryPodThroughItsAnnotation) {
  Json spec = SpecJson();
  spec["thresholds"][0].update({{"abortOnFail", true}, {"delayAbortEval", "5s"}});
  Use(spec);
  ToRunning();
  Work(1, 3, 0, 5);
  Settle(14.5);
  EXPECT_FALSE(test.status.stop) << "not before delayAbortEval";
  Work(4, 6, 0, 5);
  Settle(17);
  ASSERT_TRUE(test.status.stop);
  EXPECT_EQ("Threshold", test.status.stop->by);
  EXPECT_EQ("stop", told["uid-pod-0"]);
  EXPECT_EQ("stop", told["uid-pod-1"]);
  End(0, "stopped");
  End(1, "stopped");
  Settle(19);
  EXPECT_EQ("Failed", test.status.verdict);
  EXPECT_EQ("ThresholdBreached", test.status.reason);
}

TEST_F(LoadRun, AbortStopsThePodsAndIsTakenAway) {
  ToRunning();
  Work(1, 5);
  test.meta.annotations[std::string(protocol::kAbortAnnotation)] = "enough";
  Settle(17);
  EXPECT_EQ("stop", told["uid-pod-1"]);
  EXPECT_FALSE(test.meta.annotations.contains(std::string(protocol::kAbortAnnotation)));
  End(0, "stopped");
  End(1, "stopped");
  Settle(19);
  EXPECT_EQ("Aborted", test.status.verdict);
  EXPECT_EQ("Stopped", test.status.reason);
  EXPECT_FALSE(job_exists);
}

TEST_F(LoadRun, AStoppedPodThatSaysNothingIsNotWaitedForForEver) {
  ToRunning();
  Work(1, 5);
  world.stop.emplace();
  world.stop->meta.key = {"", "halt"};
  Settle(17);
  EXPECT_EQ("ChaosStop", test.status.stop->by);
  Settle(40);
  EXPECT_NE("Finished", test.status.phase);
  Settle(17 + 5 + 31);
  EXPECT_EQ("Aborted", test.status.verdict);
  EXPECT_EQ("Finished", test.status.phase);
}

TEST_F(LoadRun, AQuotaRefusalIsAConditionInItsOwnWordsAndEndsTheStart) {
  pods_come = false;
  refused = "pods \"x\" is forbidden: exceeded quota: small, requested: cpu=100m";
  Settle(1);
  Settle(7);
  EXPECT_EQ("PodsRefused", Condition("Running").reason);
  EXPECT_EQ(refused, Condition("Running").message);
  Settle(22);
  EXPECT_EQ(kube::ConditionStatus::kFalse, Condition("LiveData").status);
  Settle(72);
  EXPECT_EQ("Inconclusive", test.status.verdict);
  EXPECT_EQ("StartFailed", test.status.reason);
  EXPECT_NE(std::string::npos, test.status.summary.find("exceeded quota"));
  EXPECT_FALSE(job_exists);
}

TEST_F(LoadRun, AnImageThatCannotBePulledIsSaid) {
  Settle(1);
  for (const auto& pod : world.pods) {
    pod->phase = "Pending";
    pod->states[0].kind = ContainerState::Kind::kWaiting;
    pod->states[0].reason = "ErrImagePull";
  }
  Settle(5);
  EXPECT_EQ("PodsWaiting", Condition("Running").reason);
  EXPECT_NE(std::string::npos, Condition("Running").message.find("ErrImagePull"));
}

TEST_F(LoadRun, AbortOnFailCannotBeKeptWithoutLiveData) {
  Json spec = SpecJson();
  spec["thresholds"][0]["abortOnFail"] = true;
  Use(spec);
  Settle(1);
  Settle(21.5);
  EXPECT_EQ("stop", told["uid-pod-0"]);
  Settle(21.5 + 5 + 31);
  EXPECT_EQ("Inconclusive", test.status.verdict);
  EXPECT_EQ("NoLiveData", test.status.reason);
}

TEST_F(LoadRun, ASuccessorReadsTheLogsAgainAndCountsNothingTwice) {
  ToRunning();
  Work(1, 30);
  Settle(41.5);
  const std::int64_t seen = test.status.progress->requests;
  const protocol::LoadLog whole = world.log;
  world.log = {};
  world.seen.job.reset();
  world.seen.told.clear();
  Settle(42);
  EXPECT_EQ(seen, test.status.progress->requests) << "nothing is taken back";
  EXPECT_EQ(kube::ConditionStatus::kTrue, Condition("LiveData").status);
  EXPECT_EQ(1, jobs);
  world.log = whole;
  Work(31, 60);
  End(0);
  End(1);
  Settle(72);
  EXPECT_EQ("Passed", test.status.verdict);
  EXPECT_EQ(600, test.status.phases["all"].requests);
}

TEST_F(LoadRun, AJobThatVanishedIsInconclusive) {
  ToRunning();
  Work(1, 30);
  Settle(41.5);
  world.pods.clear();
  world.log = {};
  world.seen.job.reset();
  job_exists = false;
  Settle(45);
  EXPECT_EQ("Inconclusive", test.status.verdict);
  EXPECT_EQ("LoadPodsLost", test.status.reason);
  EXPECT_EQ(1, jobs) << "a load is never begun twice";
}

TEST_F(LoadRun, AJobThatMayStillComeIsWaitedForBeforeTheEndIsFinal) {
  creates_get_lost = true;
  Settle(1);
  EXPECT_EQ(1, jobs);
  test.meta.annotations[std::string(protocol::kAbortAnnotation)] = "enough";
  Settle(3);
  EXPECT_EQ("Aborted", test.status.verdict);
  EXPECT_NE("Finished", test.status.phase);
  world.AddPod(Run(), 0);  // it came after all
  Settle(16);
  EXPECT_EQ("read", told["uid-pod-0"]);
  EXPECT_EQ("Finished", test.status.phase);
}

TEST_F(LoadRun, AJobThatNeverCameIsNotWaitedForForEver) {
  creates_get_lost = true;
  Settle(1);
  test.meta.annotations[std::string(protocol::kAbortAnnotation)] = "enough";
  Settle(3);
  Settle(70);
  EXPECT_NE("Finished", test.status.phase);
  Settle(79);
  EXPECT_EQ("Finished", test.status.phase);
}

TEST_F(LoadRun, AStartThatWasMissedWithNoJobMadeGetsAnotherT0) {
  last = Plan(test, world.Look(), T(1));
  test.status = Any<WriteStatus>(last)->status;  // and the operator dies
  Settle(30);
  EXPECT_EQ(1, jobs);
  EXPECT_EQ(T(40), test.status.started_at);
}

TEST_F(LoadRun, AJobOfAnEarlierAttemptKeepsItsT0) {
  last = Plan(test, world.Look(), T(1));
  test.status = Any<WriteStatus>(last)->status;
  job_exists = true;
  world.seen.job = JobView{true, T(8), ""};
  Settle(3);
  EXPECT_EQ(0, jobs);
  EXPECT_EQ(T(8), test.status.started_at);
  EXPECT_EQ(T(68), test.status.ends_at);
}

TEST_F(LoadRun, TheSameSpecNeverRunsTwice) {
  ToRunning();
  Work(1, 60);
  End(0);
  End(1);
  Settle(72);
  world.seen.job.reset();
  Settle(100);
  EXPECT_EQ(1, jobs);
  LoadTest restored = MakeTest();
  restored.meta.annotations = test.meta.annotations;
  test = restored;
  Settle(200);
  EXPECT_EQ("Restored", test.status.reason);
  EXPECT_EQ(1, jobs);
}

TEST_F(LoadRun, OthersWaitTheirTurnButTheLoadOfAnExperimentTakesNobodysPlace) {
  auto other = std::make_shared<LoadTest>(MakeTest());
  other->meta.key.name = "a";
  other->status.active_run = "x";
  world.seen.siblings = {other};
  Settle(1);
  EXPECT_EQ("Queued", test.status.phase);
  other->owner = OwnerReference{"cx", "uid-cx"};
  Settle(2);
  EXPECT_EQ("Starting", test.status.phase);
}

TEST_F(LoadRun, AnOwnedLoadIsSplitByTheFaultAndEndsWithItsOwner) {
  Json spec = SpecJson();
  spec["thresholds"] =
      Json::array({{{"metric", "errors"}, {"expression", "rate<0.1"}, {"phase", "Before"}},
                   {{"metric", "errors"}, {"expression", "rate<0.1"}, {"phase", "After"}}});
  Use(spec, /*owned=*/true);
  world.seen.owner.emplace();
  ToRunning();
  Work(1, 10);
  Work(11, 20, 0, 5);
  Work(21, 30);
  world.seen.owner = Owner{T(11 + 10), T(11 + 20), T(41)};
  Settle(41.5);
  EXPECT_EQ("stop", told["uid-pod-0"]);
  End(0, "stopped");
  End(1, "stopped");
  Settle(43);
  EXPECT_EQ("Passed", test.status.verdict) << test.status.summary;
  EXPECT_EQ(100, test.status.phases["during"].errors);
  EXPECT_EQ(0, test.status.phases["after"].errors);
}

TEST_F(LoadRun, AThresholdByPhaseNeedsAnExperiment) {
  Json spec = SpecJson();
  spec["thresholds"][0]["phase"] = "After";
  Use(spec);
  Settle(1);
  EXPECT_EQ("Refused", test.status.reason);
  EXPECT_NE(std::string::npos, test.status.summary.find("phase"));
}

TEST_F(LoadRun, ANamespaceThatHasNotOptedInIsToldHow) {
  world.ns.meta.labels.clear();
  Settle(1);
  EXPECT_EQ("NamespaceNotOptedIn", Condition("Accepted").reason);
  EXPECT_NE(std::string::npos, Condition("Accepted").message.find("max-tier=ApiOnly"));
  Settle(700);
  EXPECT_EQ("StartingDeadlineExceeded", test.status.reason);
}

TEST_F(LoadRun, ASaturatedGeneratorProvesNothing) {
  ToRunning();
  Work(1, 59);
  protocol::LoadLine line;
  line.seq = world.seq[0] + 1;
  world.seq[0] += 1;
  line.event = "load";
  line.elapsed_ms = 59'500;
  line.vu_ms = 2 * 59'500;
  line.loop_lag_us = 2'500'000;
  world.log.Add(line);
  End(0);
  End(1);
  Settle(72);
  EXPECT_EQ("GeneratorSaturated", test.status.reason);
  EXPECT_EQ("Inconclusive", test.status.verdict);
}

TEST_F(LoadRun, PromptsComeFromAConfigMapThatMayComeLater) {
  Json spec = SpecJson();
  spec["request"]["prompts"] = {{"configMapKeyRef", {{"name", "p"}, {"key", "k"}}}};
  Use(spec);
  world.seen.prompts = Error{Reason::kNotFound, "ConfigMap p cannot be read", {}, 0};
  Settle(1);
  EXPECT_EQ("NoPrompts", Condition("Accepted").reason);
  world.seen.prompts = std::vector<std::string>{"one", "two"};
  Settle(6);
  EXPECT_EQ(1, jobs);
}

}  // namespace
}  // namespace chaos::loadtest
