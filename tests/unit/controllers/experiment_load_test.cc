// An experiment and the load that it owns: made before the baseline, ended after recovery, and
// nothing is green that the load did not pass.
#include <gtest/gtest.h>

#include "controllers/chaosexperiment/load.h"
#include "tests/unit/controllers/paper_run.h"

namespace chaos::experiment {
namespace {

Json LoadJson() {
  return Json::parse(R"({
    "run": {"target": {"component": "queen"}, "vus": 3,
            "request": {"model": "m", "prompts": {"inline": ["2+2="]}, "maxTokens": 16}},
    "thresholds": [{"metric": "errors", "expression": "rate<0.05", "phase": "After"}]})");
}
Json SpecWithLoad(const Json& load = LoadJson()) {
  Json spec = SpecJson();
  spec["load"] = load;
  return spec;
}

class LoadRun : public Run {
 protected:
  LoadRun() { Ask(LoadJson()); }
  void Ask(const Json& load) {
    cx = MakeExperiment(SpecWithLoad(load));
    run_id = RunId("uid-cx", cx.spec_hash);
  }
  void Fresh() {
    world = World();
    log = Said();
    launches.clear();
    Ask(LoadJson());
  }
  // What the load's own controller has found so far.
  void Say(const Json& status) {
    auto test = std::make_shared<loadtest::LoadTest>(*world.seen.load);
    test->status = loadtest::Status::FromJson(status);
    world.seen.load = test;
  }
  Json Running(std::int64_t requests, std::int64_t errors) {
    return {{"phase", "Running"},
            {"activeRun", "x"},
            {"progress", {{"elapsed", "10s"}, {"requests", requests}, {"errors", errors}}},
            {"conditions",
             {{{"type", "LiveData"},
               {"status", "True"},
               {"reason", "Heard"},
               {"lastTransitionTime", PrintTime(T(5), 0)}}}}};
  }
  Json Over(const std::string& verdict, const std::string& reason, const std::string& summary) {
    const auto phase = [](const char* errors, const char* p95) {
      return Json{{"requests", 90},
                  {"errors", 3},
                  {"errorRate", errors},
                  {"ttft", {{"n", 80}, {"p95", p95}}}};
    };
    return {{"phase", "Finished"},
            {"verdict", verdict},
            {"reason", reason},
            {"summary", summary},
            {"report", "nf-001-load"},
            {"phases",
             {{"all", phase("9%", "200ms")},
              {"before", phase("0%", "120ms")},
              {"during", phase("43%", "2.10s")},
              {"after", phase("0.5%", "130ms")}}}};
  }
  // The whole run up to the moment from which the load may end.
  void ToRecovered() {
    Settle(1);
    Say(Running(12, 0));
    ToVerified();
    for (double t = 24; t < 54; t += 1) {
      world.Line("sample", T(t), "queen-answers", t < 26);
      world.Line("sample", T(t), "hive-online", t < 27, "/hives_online is 0");
    }
    Revert(54.2);
    world.Good(55, 64);
    Settle(63);
  }
};

TEST(LoadName, IsAlwaysALabelsValueAndUniqueForTheRun) {
  EXPECT_EQ(LoadName("nf-001", "0123456789"), "nf-001-0123456789");
  const std::string name = LoadName(std::string(51, 'a') + "-bcd", "0123456789");
  EXPECT_EQ(name, std::string(51, 'a') + "-0123456789");
  EXPECT_LE(LoadName(std::string(253, 'x'), "0123456789").size(), 63U);
}

TEST(OwnedLoad, OfSoManyVusIsConstantAndOutlastsTheRun) {
  const Experiment cx = MakeExperiment(SpecWithLoad());
  const Result<Json> load = OwnedLoad(cx, "0123456789", nullptr);
  ASSERT_TRUE(load) << load.error().detail;
  const Json& spec = (*load)["spec"];
  EXPECT_FALSE(spec.contains("vus"));
  EXPECT_EQ(spec["executor"],
            Json::parse(R"({"type": "constant-vus", "vus": 3, "duration": "13m50s"})"));
  EXPECT_EQ(spec["thresholds"], LoadJson()["thresholds"]);
  const Json& meta = (*load)["metadata"];
  EXPECT_EQ(meta["ownerReferences"],
            Json::parse(R"([{"apiVersion": "chaos.rbee.dev/v1alpha1", "kind": "ChaosExperiment",
                             "name": "nf-001", "uid": "uid-cx", "controller": true}])"));
  EXPECT_EQ(meta["labels"][std::string(protocol::kRunLabel)], "0123456789");
  EXPECT_EQ(PrintJson(*load), PrintJson(*OwnedLoad(cx, "0123456789", nullptr)));
}

TEST(OwnedLoad, OfARefCopiesWhatMakesTheLoadAndNothingElse) {
  const Experiment cx = MakeExperiment(SpecWithLoad(Json::parse(
      R"({"ref": "evening", "thresholds": [{"metric": "ttft", "expression": "p(95)<500"}]})")));
  const Json referred = Json::parse(R"({"metadata": {"name": "evening"}, "spec": {
      "target": {"component": "queen"}, "pattern": "Spike", "scale": "1%", "suspend": true, "run": 4,
      "description": "d", "requestedBy": "somebody", "startingDeadline": "1m",
      "request": {"model": "m", "prompts": {"inline": ["a"]}},
      "thresholds": [{"metric": "errors", "expression": "rate<0.5"}]}})");
  const Result<Json> load = OwnedLoad(cx, "0123456789", &referred);
  ASSERT_TRUE(load) << load.error().detail;
  EXPECT_EQ((*load)["spec"], Json::parse(R"({
      "target": {"component": "queen"}, "pattern": "Spike", "scale": "1%",
      "request": {"model": "m", "prompts": {"inline": ["a"]}},
      "thresholds": [{"metric": "errors", "expression": "rate<0.5"},
                     {"metric": "ttft", "expression": "p(95)<500"}]})"));
}

TEST(OwnedLoad, ThatMakesNoSenseIsRefusedInWords) {
  Json load = LoadJson();
  load["thresholds"][0]["expression"] = "p(95)<5";
  const Result<Json> made = OwnedLoad(MakeExperiment(SpecWithLoad(load)), "0123456789", nullptr);
  ASSERT_FALSE(made);
  EXPECT_EQ(
      made.error().detail,
      "threshold errors p(95)<5: threshold \"p(95)<5\" asks for \"p(95)\", but errors has rate: "
      "write for example rate<0.02");
}

TEST_F(LoadRun, TheNameIsPersistedBeforeTheLoadIsMadeAndNobodyIsTouchedMeanwhile) {
  last = Plan(cx, world.Look(), T(1));
  ASSERT_NE(Only<WriteStatus>(last), nullptr);
  EXPECT_EQ(Only<WriteStatus>(last)->status.load->name, "nf-001-" + run_id);
  Settle(1);
  ASSERT_NE(world.seen.load, nullptr);
  EXPECT_EQ(cx.status.load->uid, world.seen.load->meta.uid);
  EXPECT_EQ(world.probe_pod, nullptr) << "probes started before the load flowed";
  EXPECT_FALSE(cx.status.baseline_started_at);
}

TEST_F(LoadRun, TheBaselineBeginsWhenRequestsFlow) {
  Settle(1);
  Say(Running(0, 0));
  Settle(12);
  EXPECT_EQ(world.probe_pod, nullptr);
  Say(Running(12, 0));
  Settle(13);
  ASSERT_NE(world.probe_pod, nullptr);
  world.Line("started", T(13.5));
  world.Good(14, 16);
  Settle(15.5);
  EXPECT_EQ(*cx.status.baseline_started_at, T(15.5));
  EXPECT_EQ(cx.status.load->phase, "Running");
}

TEST_F(LoadRun, ALoadThatDoesNotFlowHurtsNobody) {
  Settle(1);
  Say(Running(0, 0));
  Settle(122);
  EXPECT_EQ(cx.status.verdict, "Inconclusive");
  EXPECT_EQ(cx.status.reason, "NoData");
  EXPECT_NE(cx.status.summary.find("did not flow within 2m"), std::string::npos)
      << cx.status.summary;
  EXPECT_TRUE(launches.empty());
}

TEST_F(LoadRun, ALoadThatIsRefusedIsSaidInTheWordsOfTheRefusal) {
  world.seen.load_error = Invalid("exceeded quota: no load here");
  Settle(1);
  EXPECT_EQ(cx.status.reason, "Refused");
  EXPECT_EQ(cx.status.summary, "the load was refused: exceeded quota: no load here");
}

TEST_F(LoadRun, WhatTheLoadFindsBeforeTheFaultKeepsItOff) {
  struct Row {
    Json status;
    std::string reason, says;
  };
  Json broken = Running(100, 7);
  broken["thresholds"] = Json::parse(
      R"([{"metric": "errors", "expression": "rate<0.01", "phase": "Before", "holds": "false", "observed": "7%"}])");
  const Row rows[] = {
      {Over("Inconclusive", "StartFailed", "no load pod has said anything"), "StartFailed",
       "no load pod has said anything"},
      {Over("Failed", "ThresholdBreached", "errors rate<0.5 was broken"), "SteadyStateNotMet",
       "errors rate<0.5 was broken"},
      {Over("Passed", "", "100 requests"), "NoData", "the load was over before the fault"},
      {Over("Aborted", "Stopped", "Abort: pager"), "NoData", "Abort: pager"},
      {Running(40, 40), "SteadyStateNotMet", "not one of the load's 40 requests succeeded"},
      {broken, "SteadyStateNotMet", "errors rate<0.01 was 7% before the fault"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(PrintJson(row.status));
    Fresh();
    Settle(1);
    Say(Running(12, 0));
    ToBaseline();
    Say(row.status);
    Settle(23);
    EXPECT_EQ(cx.status.verdict, "Inconclusive");
    EXPECT_EQ(cx.status.reason, row.reason);
    EXPECT_NE(cx.status.summary.find(row.says), std::string::npos) << cx.status.summary;
    EXPECT_TRUE(launches.empty());
  }
}

TEST_F(LoadRun, AfterRecoveryTheLoadMayEndAndItsFiguresAreTold) {
  ToRecovered();
  EXPECT_EQ(cx.status.phase, "Recovering");
  EXPECT_EQ(cx.status.verdict, "");
  EXPECT_EQ(*cx.status.load->stop_at, T(63));
  const loadtest::Owner owner = OwnerOf(cx, cx.status.load->name);
  EXPECT_EQ(*owner.stop_at, T(63));
  EXPECT_EQ(*owner.fault_from, T(24.2));
  EXPECT_EQ(*owner.fault_to, T(54.2));
  Say(Over("Passed", "", "270 requests"));
  Settle(70);
  EXPECT_EQ(cx.status.verdict, "Passed") << cx.status.reason << " " << cx.status.summary;
  EXPECT_EQ(cx.status.load->report, "nf-001-load");
  EXPECT_EQ(cx.status.load->p95_of, "ttft");
  EXPECT_NE(
      cx.status.summary.find("; errors 0% before, 43% during, 0.5% after; ttft p95 120ms before, "
                             "2.10s during, 130ms after"),
      std::string::npos)
      << cx.status.summary;
  EXPECT_TRUE(last.actions.empty());
}

TEST_F(LoadRun, NothingIsGreenThatTheLoadDidNotPass) {
  struct Row {
    Json status;
    std::string verdict, reason;
  };
  const Row rows[] = {
      {Over("Failed", "ThresholdBreached", "errors rate<0.05 in phase After (it was 7%)"), "Failed",
       "ThresholdBreached"},
      {Over("Inconclusive", "NoData", "threshold has 0 samples"), "Inconclusive", "NoData"},
      {Over("Inconclusive", "LoadPodsLost", "pod 0 was evicted"), "Inconclusive", "LoadPodsLost"},
      {Over("Inconclusive", "GeneratorSaturated", "a timer fired late"), "Inconclusive",
       "GeneratorSaturated"},
      {Over("Aborted", "Stopped", "Abort: pager"), "Inconclusive", "NoData"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(PrintJson(row.status));
    Fresh();
    ToRecovered();
    Say(row.status);
    Settle(70);
    EXPECT_EQ(cx.status.verdict, row.verdict);
    EXPECT_EQ(cx.status.reason, row.reason);
    EXPECT_NE(cx.status.summary.find(std::string(row.status["summary"])), std::string::npos)
        << cx.status.summary;
  }
}

TEST_F(LoadRun, ADeletedLoadSaysNothing) {
  ToRecovered();
  world.seen.load.reset();
  Settle(70);
  EXPECT_EQ(cx.status.verdict, "Inconclusive");
  EXPECT_EQ(cx.status.reason, "NoData");
  EXPECT_EQ(world.seen.load, nullptr) << "made a second time";
}

TEST_F(LoadRun, ALoadThatDoesNotEndIsNotWaitedForForEver) {
  ToRecovered();
  Settle(63 + 120);
  EXPECT_EQ(cx.status.verdict, "");
  Settle(63 + 120 + 31);
  EXPECT_EQ(cx.status.verdict, "Inconclusive");
  EXPECT_EQ(cx.status.reason, "NoData");
}

TEST_F(LoadRun, AThresholdThatAbortsTheLoadTakesTheFaultOff) {
  Settle(1);
  Say(Running(12, 0));
  ToVerified();
  Say(Over("Failed", "ThresholdBreached", "errors rate<0.5 was broken after 12s (abortOnFail)"));
  Settle(30);
  EXPECT_EQ(cx.status.stop->by, "Load");
  EXPECT_EQ(world.queen->sidecars.back(), protocol::StopperName(run_id));
  log.cut_short = "stopped";
  Revert(31);
  Settle(33);
  EXPECT_EQ(cx.status.verdict, "Failed");
  EXPECT_EQ(cx.status.reason, "ThresholdBreached");
}

TEST_F(LoadRun, ALoadOfAnEarlierRunMustEnd) {
  Settle(1);
  EXPECT_FALSE(OwnerOf(cx, cx.status.load->name).stop_at);
  EXPECT_TRUE(OwnerOf(cx, "nf-001-9999999999").stop_at);
  cx.status.finished_at = T(9);
  EXPECT_EQ(*OwnerOf(cx, cx.status.load->name).stop_at, T(9));
}

TEST_F(LoadRun, ADryRunMakesNoLoad) {
  Json spec = SpecWithLoad();
  spec["dryRun"] = "Plan";
  cx = MakeExperiment(spec);
  Settle(1);
  EXPECT_EQ(cx.status.reason, "DryRun");
  EXPECT_EQ(world.seen.load, nullptr);
  EXPECT_FALSE(cx.status.load);
}

}  // namespace
}  // namespace chaos::experiment
