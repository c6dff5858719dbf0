// The life of a run that ends a process: the injector goes with its victim, and the kubelet is
// asked.
#include <gtest/gtest.h>

#include "tests/unit/controllers/paper_run.h"

namespace chaos::experiment {
namespace {

Json KillJson() {
  return Json::parse(R"({
    "target": {"component": "worker", "mode": "One"},
    "fault": {"process": {"action": "Kill"}},
    "trigger": {"when": "DuringInference", "within": "30s"},
    "baseline": "20s",
    "probes": [
      {"name": "queen-answers", "interval": "1s", "during": ["Before", "After"],
       "inference": {"component": "queen", "model": "m", "prompt": "2+2="}}],
    "detect": {"probe": "queen-answers", "within": "30s"},
    "recovery": {"within": "60s", "stableFor": "5s"},
    "safety": {"maxTargets": 1, "maxPrivilege": "NoCapabilities"},
    "seed": 1, "run": 1, "startingDeadline": "10m"})");
}

using Kind = ContainerState::Kind;

class ProcessRun : public Run {
 protected:
  ProcessRun() { Ask(KillJson()); }
  void Ask(const Json& spec) {
    cx = MakeExperiment(spec);
    run_id = RunId("uid-cx", cx.spec_hash);
  }
  Pod& Target() { return *world.Find(cx.status.targets.at(0).pod); }
  ContainerState& Main() { return Target().states.at(0); }
  // What the injector has left: its container ended by SIGKILL, and its record.
  void InjectorDied(double at, const std::string& record) {
    ContainerState state;
    state.name = protocol::SidecarName(run_id);
    state.kind = Kind::kTerminated;
    state.reason = "Error";
    state.exit_code = 137;
    state.message = record;
    state.started = T(24);
    state.finished = T(at);
    Target().states.resize(1);
    Target().states.push_back(state);
  }
  std::string AboutTo(double at) {
    return "v1 aboutTo ok run=" + run_id + " applied=" + PrintTime(T(at)) + " pid=1 step=SIGKILL .";
  }
  void MainEnded(double at, int code = 137) {
    Main().kind = Kind::kTerminated;
    Main().reason = "Error";
    Main().exit_code = code;
    Main().finished = T(at);
  }
  void MainRunsAgain(double ended, double at, int code = 137) {
    Main() = {};
    Main().name = "worker";
    Main().kind = Kind::kRunning;
    Main().started = T(at);
    Main().restarts = 1;
    Main().last = Ending{"Error", code, T(0), T(ended)};
  }
  // The queen fails from 25 on, until it has found another worker at 28.
  void Samples() {
    for (double t = 24; t < 60; t += 1)
      world.Line("sample", T(t), "queen-answers", t < 25 || t >= 28, "no worker");
  }
};

TEST_F(ProcessRun, TheSidecarRunsAsTheTargetAndIsToldOfNoOtherFault) {
  ToInjecting();
  ASSERT_EQ(1u, launches.size());
  const Intent& intent = *cx.status.targets[0].intent;
  EXPECT_EQ("worker", intent.container);
  EXPECT_EQ("", intent.capability);
  EXPECT_EQ(1000, intent.run_as_user);
  EXPECT_EQ("none", cx.status.ToJson()["targets"][0]["capability"]);
  const Result<protocol::InjectArguments> told = protocol::InjectFromJson(intent.arguments);
  ASSERT_TRUE(told) << told.error().detail;
  EXPECT_TRUE(std::holds_alternative<protocol::Process>(told->fault));
  ASSERT_TRUE(told->trigger);
  EXPECT_EQ(std::vector<std::uint16_t>{8080}, told->trigger->ports);
  EXPECT_EQ(T(23 + 60 + 30 + 5), intent.deadline) << "window, trigger, grace";
}

TEST_F(ProcessRun, PassesWhenTheKubeletSaysThatTheVictimEnded) {
  ToInjecting();
  InjectorDied(25, AboutTo(24.6));
  MainEnded(24);  // terminated, and the restart count has not moved yet
  Settle(26);
  const TargetStatus& target = cx.status.targets[0];
  EXPECT_EQ("Clean", target.state) << target.reason << " " << target.message;
  EXPECT_EQ("kubelet", target.measured_by);
  EXPECT_EQ(137, target.exit_code);
  EXPECT_EQ(T(24.6), target.injected_at);
  EXPECT_EQ("Recovering", cx.status.phase);
  Samples();
  Settle(33);
  EXPECT_FALSE(target.back_at) << "back before the kubelet says so";
  EXPECT_TRUE(cx.status.Live());
  MainRunsAgain(24, 34);
  Settle(36);
  EXPECT_EQ(T(34), cx.status.targets[0].back_at);
  Settle(60);
  EXPECT_EQ("Passed", cx.status.verdict) << cx.status.reason << " " << cx.status.summary;
  EXPECT_EQ("400ms", cx.status.timings.to_detect);
  EXPECT_EQ("3.4s", cx.status.timings.to_reroute);
  EXPECT_EQ("10.4s", cx.status.timings.to_restart);
  EXPECT_EQ("9.4s", cx.status.timings.back_off);
  EXPECT_EQ("10.4s", cx.status.timings.to_recover);
  EXPECT_EQ(cx.status.targets[0].pod +
                " killed while it streamed (exit 137, restart 0→1); noticed after 400ms; rerouted "
                "after 3.4s; running again after 10.4s (the kubelet waited 9.4s); good again 10.4s "
                "after the fault",
            cx.status.summary);
  EXPECT_EQ(1u, launches.size()) << "launched again beside the new container";
  EXPECT_TRUE(cx.meta.finalizers.empty());
}

// The kubelet says second 24 of both; the kill was in its middle.
TEST_F(ProcessRun, AVictimThatIsBackWithinASecondWasDownForAllOfIt) {
  ToInjecting();
  InjectorDied(25, AboutTo(24.6));
  MainRunsAgain(24, 24);
  Settle(26);
  Samples();
  Settle(60);
  EXPECT_EQ("1.0s", cx.status.timings.to_restart);
  EXPECT_EQ("<1s", cx.status.timings.back_off);
  EXPECT_GT(cx.status.probes[0].during.samples, 0) << "a fault without a During";
  EXPECT_EQ(0, cx.status.probes[0].before.failed) << "the baseline is blamed for the fault";
}

TEST_F(ProcessRun, AnEndThatIsSeenOnlyAfterTheRestartCountsAsWell) {
  ToInjecting();
  InjectorDied(25, AboutTo(24.6));
  MainRunsAgain(24, 26);
  Settle(27);
  EXPECT_EQ("kubelet", cx.status.targets[0].measured_by);
  EXPECT_EQ(T(26), cx.status.targets[0].back_at);
  EXPECT_EQ(1, cx.status.targets[0].restarts_after);
}

TEST_F(ProcessRun, ALostReportIsMadeUpForByTheKubelet) {
  ToInjecting();
  InjectorDied(25, "");
  MainRunsAgain(25, 26);
  Settle(27);
  const TargetStatus& target = cx.status.targets[0];
  EXPECT_EQ("", target.reason) << target.message;
  EXPECT_EQ("kubelet", target.measured_by);
  EXPECT_EQ(T(25), target.injected_at);
  EXPECT_EQ("lost", target.measured.at("report"));
}

TEST_F(ProcessRun, ALostReportBesideAnotherKindOfEndProvesNothing) {
  ToInjecting();
  InjectorDied(25, "");
  MainRunsAgain(25, 26, 1);
  Settle(27);
  EXPECT_FALSE(cx.status.targets[0].verified_at);
  EXPECT_EQ("Inconclusive", cx.status.verdict);
}

class ChildRun : public ProcessRun {
 protected:
  // A child of the container is struck at 24.6, and the container ends as a whole.
  void EndWhole(double at) {
    Json spec = KillJson();
    spec["fault"]["process"]["process"] = {{"match", "runner"}};
    Ask(spec);
    ToInjecting();
    InjectorDied(at, AboutTo(24.6));
    MainRunsAgain(at, at + 1, 139);
    Settle(at + 2);
  }
};

TEST_F(ChildRun, AContainerThatGoesWithItsChildShowsTheEffect) {
  EndWhole(25);
  EXPECT_TRUE(cx.status.targets[0].verified_at);
}

TEST_F(ChildRun, AContainerThatEndsLongAfterItsChildWasStruckEndsByItself) {
  EndWhole(32);
  EXPECT_FALSE(cx.status.targets[0].verified_at);
  EXPECT_EQ("NoEffect", cx.status.targets[0].reason) << cx.status.targets[0].message;
}

TEST_F(ProcessRun, AVictimThatGoesOnIsNoEffect) {
  ToInjecting();
  InjectorDied(25, AboutTo(24.6));
  Settle(30);
  EXPECT_TRUE(cx.status.Live()) << "the kubelet may still tell of it";
  Settle(25 + 16);
  EXPECT_EQ("NoEffect", cx.status.reason) << cx.status.summary;
}

TEST_F(ProcessRun, AVictimThatEndedByItselfBeforeTheFaultIsNotOurs) {
  ToInjecting();
  InjectorDied(25, "v1 armed ok run=" + run_id + " .");
  MainRunsAgain(25, 26);
  Settle(27);
  EXPECT_FALSE(cx.status.targets[0].verified_at);
  EXPECT_EQ("TargetGone", cx.status.reason) << cx.status.summary;
}

TEST_F(ProcessRun, ATriggerThatNeverFiresIsInconclusive) {
  ToInjecting();
  log.armed_at = T(24);
  log.failure = "TriggerNeverFired";
  log.message = "nothing was sent to anybody within 30s";
  InjectorDied(54, "v1 failed TriggerNeverFired run=" + run_id + " .");
  Settle(55);
  EXPECT_EQ("Inconclusive/TriggerNeverFired", cx.status.verdict + "/" + cx.status.reason);
}

TEST_F(ProcessRun, NothingIsLaunchedBesideAContainerThatIsDown) {
  ToBaseline();
  // Between the intent and the launch.
  last = Plan(cx, world.Look(), T(23));
  while (!last.actions.empty() && Any<LaunchInjector>(last) == nullptr) {
    ASSERT_TRUE(Carry());
    last = Plan(cx, world.Look(), T(23));
  }
  ASSERT_NE(nullptr, Any<LaunchInjector>(last));
  Main().kind = Kind::kWaiting;
  Main().reason = "CrashLoopBackOff";
  Settle(24);
  EXPECT_TRUE(launches.empty());
  MainRunsAgain(24, 30);
  Settle(31);
  EXPECT_TRUE(launches.empty()) << "its restart count is not the one of the intent any more";
  world.seen.targets[cx.status.targets[0].uid].not_started_at = T(23 + 60 + 17);
  Settle(23 + 60 + 18);
  EXPECT_EQ("StartFailed", cx.status.reason);
  EXPECT_NE(std::string::npos, cx.status.summary.find("restarted by itself")) << cx.status.summary;
}

TEST_F(ProcessRun, AVictimThatDoesNotComeBackIsNotRecovered) {
  ToInjecting();
  InjectorDied(25, AboutTo(24.6));
  MainEnded(25);
  Settle(26);
  Samples();
  for (double t = 60; t < 100; t += 1) world.Line("sample", T(t), "queen-answers");
  Settle(84);
  EXPECT_TRUE(cx.status.Live());
  Settle(98);
  EXPECT_EQ("Failed/NotRecovered", cx.status.verdict + "/" + cx.status.reason);
  EXPECT_NE(std::string::npos, cx.status.summary.find("did not run again within 1m"))
      << cx.status.summary;
}

TEST_F(ProcessRun, AReplacementThatIsReadyIsBackAsWell) {
  ToInjecting();
  InjectorDied(25, AboutTo(24.6));
  MainEnded(25);
  Settle(26);
  const std::string victim = cx.status.targets[0].pod;
  std::erase_if(world.workers, [&](const auto& pod) { return pod->meta.key.name == victim; });
  Settle(28);
  EXPECT_FALSE(cx.status.targets[0].back_at) << "the other worker was there before";
  auto fresh = MakePod("worker-9", "worker", "10.212.0.99", 8080);
  fresh->meta.created = T(29);
  fresh->ready_since = T(33);
  world.workers.push_back(fresh);
  Settle(34);
  EXPECT_EQ(T(33), cx.status.targets[0].back_at);
}

TEST_F(ProcessRun, TheLastReadyReplicaIsSparedEvenIfItBecameThatDuringTheBaseline) {
  ToBaseline();
  const std::string victim = cx.status.targets[0].pod;
  for (auto& worker : world.workers) worker->ready = worker->meta.key.name == victim;
  Settle(23);
  EXPECT_EQ("Refused", cx.status.reason);
  EXPECT_EQ("LastReady", cx.status.summary.substr(0, 9)) << cx.status.summary;
  EXPECT_TRUE(launches.empty());
}

TEST_F(ProcessRun, AnotherReplicaIsWaitedForBeforeTheRunStarts) {
  world.workers[1]->ready = false;
  world.workers[0]->ready = false;
  Settle(1);
  EXPECT_EQ("Pending", cx.status.phase);
  EXPECT_EQ("LastReady", kube::FindCondition(cx.status.conditions, "Accepted")->reason);
}

TEST_F(ProcessRun, ARequestForMorePrivilegeThanIsAllowedSaysWhatToAllow) {
  for (auto& worker : world.workers) worker->users["worker"] = {};
  Settle(1);
  EXPECT_EQ("Refused", cx.status.reason);
  EXPECT_NE(std::string::npos, cx.status.summary.find("set safety.maxPrivilege: PodCapabilities"))
      << cx.status.summary;
}

// --- a pod that starts while the run waits

class NewPod : public ProcessRun {
 protected:
  NewPod() {
    Json spec = KillJson();
    spec["trigger"] = {{"when", "DuringRegistration"}, {"within", "30s"}};
    spec["newPods"] = "Inject";
    Ask(spec);
  }
  std::shared_ptr<Pod> Appears(double at) {
    auto fresh = MakePod("worker-9", "worker", "10.212.0.99", 8080);
    fresh->meta.created = T(at);
    fresh->ready = false;
    fresh->states[0].kind = Kind::kWaiting;
    world.workers.push_back(fresh);
    return fresh;
  }
};

TEST_F(NewPod, IsTheTargetAsSoonAsItsContainerRuns) {
  ToBaseline();
  Settle(23);
  EXPECT_EQ("Injecting", cx.status.phase);
  EXPECT_TRUE(cx.status.targets.empty());
  EXPECT_TRUE(kube::HasFinalizer(cx.meta, protocol::kFinalizer));
  auto fresh = Appears(25);
  Settle(26);
  EXPECT_TRUE(launches.empty()) << "before its container runs an injector would only fail";
  fresh->states[0].kind = Kind::kRunning;
  Settle(27);
  EXPECT_EQ("worker-9", cx.status.targets.at(0).pod);
  EXPECT_EQ(1u, launches.size());
  const auto told = protocol::InjectFromJson(cx.status.targets[0].intent->arguments);
  ASSERT_TRUE(told) << told.error().detail;
  ASSERT_TRUE(told->trigger);
  EXPECT_EQ(protocol::When::kDuringRegistration, told->trigger->when);
  const auto to_hive = [](const protocol::Listener& l) {
    return l.address == "10.212.0.3" && l.port == 7835;
  };
  EXPECT_TRUE(std::any_of(told->trigger->to.begin(), told->trigger->to.end(), to_hive));
}

TEST_F(NewPod, ThatNeverComesIsATriggerThatNeverFired) {
  ToBaseline();
  Settle(23);
  Settle(53);
  EXPECT_TRUE(cx.status.Live());
  Settle(54);
  EXPECT_EQ("Inconclusive/TriggerNeverFired", cx.status.verdict + "/" + cx.status.reason);
  EXPECT_TRUE(cx.meta.finalizers.empty());
}

TEST_F(NewPod, IsNotWaitedForAfterAStop) {
  ToBaseline();
  Settle(23);
  cx.meta.annotations[std::string(protocol::kAbortAnnotation)] = "enough";
  Settle(25);
  EXPECT_EQ("Aborted", cx.status.verdict);
}

// --- pods probes

class PodsProbe : public ProcessRun {
 protected:
  PodsProbe() {
    Json spec = KillJson();
    spec["probes"] =
        Json::array({{{"name", "all-workers"},
                      {"interval", "1s"},
                      {"during", {"Before", "After"}},
                      {"pods", {{"component", "worker"}, {"ready", {{"atLeast", 2}}}}}}});
    spec["detect"] = {{"probe", "all-workers"}, {"within", "20s"}};
    Ask(spec);
  }
  void Own(double from, double to, bool ok = true) {
    for (double t = from; t < to; t += 1)
      world.samples.AddOwn("all-workers", {T(t), ok, milliseconds(0)}, "1 ready of 2, less than 2");
  }
  void ToHit() {
    Settle(1);
    Own(1, 23);
    Settle(2);
    Settle(23);
    InjectorDied(25, AboutTo(24.6));
    MainRunsAgain(25, 26);
    Settle(27);
  }
};

TEST_F(PodsProbe, NeedsNoProbePodAndCountsLikeTheOthers) {
  ToHit();
  EXPECT_EQ(nullptr, world.probe_pod);
  Own(23, 25);
  Own(25, 30, false);
  Own(30, 50);
  Settle(45);
  EXPECT_EQ("Passed", cx.status.verdict) << cx.status.reason << " " << cx.status.summary;
  EXPECT_EQ("400ms", cx.status.timings.to_detect);
  EXPECT_EQ("5.4s", cx.status.timings.to_recover);
}

TEST_F(PodsProbe, WhatWasCountedBeforeTheFaultOutlivesItsOperator) {
  ToHit();
  world.samples = {};
  Own(28, 30, false);
  Own(30, 50);
  Settle(48);
  EXPECT_EQ("Passed", cx.status.verdict) << cx.status.reason << " " << cx.status.summary;
  EXPECT_EQ(22, cx.status.probes[0].before.samples);
}

TEST_F(PodsProbe, AGapIsNoDataAndNotAQueenThatSleeps) {
  ToHit();
  world.samples = {};
  Own(40, 60);
  Settle(58);
  EXPECT_EQ("Inconclusive/NoData", cx.status.verdict + "/" + cx.status.reason) << cx.status.summary;
}

TEST_F(PodsProbe, AnUnknownComponentIsRefused) {
  Json spec = KillJson();
  spec["probes"][0] = {{"name", "p"}, {"pods", {{"component", "wrker"}}}};
  Ask(spec);
  Settle(1);
  EXPECT_EQ("Refused", cx.status.reason);
  EXPECT_EQ("BadProbe", cx.status.summary.substr(0, 8)) << cx.status.summary;
}

TEST(AskPods, CountsReadyOnes) {
  World world;
  ProbeSpec probe;
  probe.component = "worker";
  probe.pods_ready = 2;
  EXPECT_TRUE(AskPods(probe, MakeProfile(), world.Look().pods)->good);
  world.workers[0]->ready = false;
  const PodsSeen seen = *AskPods(probe, MakeProfile(), world.Look().pods);
  EXPECT_FALSE(seen.good);
  EXPECT_EQ("1 ready of 2, less than 2", seen.message);
}

}  // namespace
}  // namespace chaos::experiment
