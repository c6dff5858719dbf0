// Peers that come while a partition is on: who follows them, and what it takes for them to count as
// covered.
#include <gtest/gtest.h>

#include <cmath>

#include "controllers/chaosexperiment/bodies.h"
#include "tests/unit/controllers/paper_run.h"

namespace chaos::experiment {
namespace {

const Labels kHives = {{"app.kubernetes.io/part-of", "rbee"},
                       {"app.kubernetes.io/component", "hive"}};

class LatePeers : public Run {
 protected:
  // A hive that comes at T+30, and a run that is good but for it.
  void SetUp() override {
    ToVerified();
    Come("hive-1", "10.212.0.50", 30);
  }
  void Come(const std::string& name, const std::string& ip, double at) {
    auto pod = MakePod(name, "hive", ip, 7835);
    pod->meta.created = T(std::floor(at));
    world.workers.push_back(pod);
    Settle(at);
  }
  void Finish() {
    for (double t = 24; t < 54; t += 1) {
      world.Line("sample", T(t), "queen-answers", t < 26);
      world.Line("sample", T(t), "hive-online", t < 27, "/hives_online is 0");
    }
    Revert(54.2);
    Settle(55);
    world.Good(55, 64);
    Settle(63);
    ASSERT_EQ("Finished", cx.status.phase);
  }
  void ExpectUncovered(const std::string& why) {
    EXPECT_EQ("PartialCoverage", cx.status.reason);
    EXPECT_EQ("Partial", cx.status.coverage);
    ASSERT_EQ(1u, cx.status.coverage_missing.size());
    EXPECT_EQ(why, cx.status.coverage_missing[0]);
  }
};

TEST_F(Run, AServiceForItsPeersIsThereBeforeTheInjectorAndGoneAfterTheRun) {
  Settle(1);
  const std::string name = "rbc-" + run_id + "-peers";
  ASSERT_EQ(1u, services.size());
  EXPECT_EQ(name, services.begin()->first);
  const Json& spec = services.begin()->second["spec"];
  EXPECT_EQ("None", spec["clusterIP"]);
  EXPECT_EQ(true, spec["publishNotReadyAddresses"]);
  EXPECT_EQ(kHives, (TextMap(spec, {"selector"})));
  ASSERT_EQ(1u, cx.status.resolved.peer_services.size());
  ToVerified();
  const auto arguments = protocol::InjectFromJson(cx.status.targets[0].intent->arguments);
  ASSERT_TRUE(arguments);
  ASSERT_EQ(1u, arguments->partition().follow.size());
  EXPECT_EQ(name + ".rbee.svc", arguments->partition().follow[0].service);
  EXPECT_EQ(std::vector<std::uint16_t>{7835}, arguments->partition().follow[0].verify);
  EXPECT_EQ(1u, services.size());
  Terminate(30, "", 137);
  Settle(31);
  EXPECT_EQ("Finished", cx.status.phase);
  EXPECT_TRUE(services.empty());
  EXPECT_TRUE(cx.status.resolved.peer_services.empty());
  EXPECT_TRUE(last.actions.empty());
}

TEST_F(Run, ASuccessorMakesTheServiceAgainAndTheVerySameOne) {
  Settle(1);
  const Json first = services.begin()->second;
  world.seen.peer_services_made.clear();
  Settle(2);
  EXPECT_TRUE(world.seen.peer_services_made.contains(first["metadata"]["name"]));
  EXPECT_EQ(first, services.begin()->second);
}

TEST_F(Run, AProcessThatIsKilledHasNobodyToFollow) {
  Json spec = SpecJson();
  spec["target"] = {{"component", "worker"}};
  spec["fault"] = {{"process", {{"action", "Kill"}}}};
  spec.erase("duration");
  cx = MakeExperiment(spec);
  run_id = RunId("uid-cx", cx.spec_hash);
  Settle(1);
  EXPECT_EQ("Baseline", cx.status.phase);
  EXPECT_TRUE(services.empty());
}

TEST_F(Run, WhatIsLeftOfOneRunGoesBeforeTheNextSpecStarts) {
  ToVerified();
  Terminate(30, "", 137);
  const std::string left = services.begin()->first;
  while (cx.status.Live()) {  // up to the verdict, and no further
    last = Plan(cx, world.Look(), T(31));
    Carry();
  }
  ASSERT_EQ(1u, services.count(left));
  Json other = SpecJson();
  other["duration"] = "10s";
  const Experiment changed = MakeExperiment(other);
  cx.spec = changed.spec;
  cx.spec_hash = changed.spec_hash;
  cx.meta.generation = 2;
  run_id = RunId("uid-cx", cx.spec_hash);
  world.queen->sidecars.clear();
  Settle(32);
  EXPECT_TRUE(cx.status.Live());
  EXPECT_EQ(0u, services.count(left));
  EXPECT_EQ(1u, services.size());
}

TEST_F(LatePeers, OneThatIsCutOffSoonIsCovered) {
  EXPECT_EQ("Full", cx.status.coverage);
  ASSERT_EQ(1u, cx.status.resolved.late_peers.size());
  EXPECT_EQ("pod hive-1", cx.status.resolved.late_peers[0].name);
  EXPECT_EQ(T(30), cx.status.resolved.late_peers[0].seen_at);
  log.measured["latePeers"] = "10.212.0.50 after 7s";
  log.measured["latePeersCut"] = "1/1";
  Finish();
  EXPECT_EQ("Passed", cx.status.verdict) << cx.status.summary;
  EXPECT_EQ("Full", cx.status.coverage);
  EXPECT_EQ(
      "queen-0 cut off from 1 peer and 1/1 that came later for 30.0s (412 packets dropped); "
      "noticed after 2.8s; good again 800ms after the end",
      cx.status.summary);
}

TEST_F(LatePeers, OneThatNobodyHasCutOffIsNot) {
  log.measured["latePeers"] = "10.212.0.51 after 7s";
  Finish();
  ExpectUncovered(
      "pod hive-1 (10.212.0.50) appeared while the fault was on, and was not cut off from pod "
      "queen-0");
}

TEST_F(LatePeers, OneThatWasReachableForLongIsNot) {
  log.measured["latePeers"] = "10.212.0.50 after 16s";
  Finish();
  ExpectUncovered(
      "pod hive-1 (10.212.0.50) was cut off from pod queen-0 only 10.2s after it had appeared");
}

TEST_F(LatePeers, EachOfItsAddressesCounts) {
  world.workers.back()->pod_ips.push_back("fd00::50");
  Settle(31);
  log.measured["latePeers"] = "10.212.0.50 after 7s";
  Finish();
  EXPECT_EQ("PartialCoverage", cx.status.reason);
}

TEST_F(LatePeers, OneThatComesAfterTheEndIsNoMatter) {
  log.measured["latePeers"] = "10.212.0.50 after 7s";
  Revert(54.2);
  Settle(55);
  Come("hive-2", "10.212.0.51", 56);
  EXPECT_EQ("Full", cx.status.coverage);
  EXPECT_EQ(1u, cx.status.resolved.late_peers.size());
}

TEST_F(Run, WithoutTheServiceTheRunGoesOnAndALatePeerIsUncovered) {
  service_refusal = Error{Reason::kDenied, "exceeded quota: services", {}, 403};
  ToVerified();
  EXPECT_EQ("exceeded quota: services", cx.status.resolved.not_followed);
  const auto arguments = protocol::InjectFromJson(cx.status.targets[0].intent->arguments);
  EXPECT_TRUE(arguments->partition().follow.empty());
  EXPECT_EQ("Full", cx.status.coverage);
  world.workers.push_back(MakePod("hive-1", "hive", "10.212.0.50", 7835));
  Settle(30);
  EXPECT_EQ("Partial", cx.status.coverage);
  EXPECT_EQ(std::vector<std::string>{"pod hive-1 appeared after the fault was put on, and nobody "
                                     "could follow it: exceeded quota: services"},
            cx.status.coverage_missing);
}

Peers Resolve(const World& world, const std::vector<PeerSpec>& peers) {
  const Observed& seen = const_cast<World&>(world).Look();
  return *ResolvePeers({peers, {}, {}}, *seen.profile, seen.pods, *seen.services, {world.queen});
}

TEST(Followed, IsWhatAServiceCanSelect) {
  const World world;
  const Selector hives{{{"app.kubernetes.io/component", "hive"}}, {}};
  const Selector clever{{{"app.kubernetes.io/component", "hive"}},
                        {{"app.kubernetes.io/part-of", "In", {"rbee"}}}};
  const std::vector<Followed> both =
      Resolve(world, {{"hive", "", "", {}, {}}, {"", "", "", hives, {9}}}).followed;
  ASSERT_EQ(2u, both.size());
  EXPECT_EQ(kHives, both[0].selector);
  EXPECT_EQ(std::vector<std::uint16_t>{7835}, both[0].verify);
  EXPECT_EQ(hives.match_labels, both[1].selector);
  EXPECT_EQ(std::vector<std::uint16_t>{9}, both[1].verify);
  // The same pods twice are followed once, and what a Service cannot say not at all.
  EXPECT_EQ(1u,
            Resolve(world, {{"hive", "", "", {}, {}}, {"", "hive", "", {}, {}}}).followed.size());
  EXPECT_TRUE(Resolve(world, {{"", "", "", clever, {}}}).followed.empty());
  EXPECT_TRUE(Resolve(world, {{"", "", "10.9.9.9/32", {}, {80}}}).followed.empty());
}

TEST_F(Run, ATargetAmongThePodsOfTheServiceIsNoPeer) {
  Json spec = SpecJson();
  spec["fault"]["partition"]["peers"] =
      Json::array({{{"selector", {{"matchLabels", {{"app.kubernetes.io/part-of", "rbee"}}}}}}});
  cx = MakeExperiment(spec);
  run_id = RunId("uid-cx", cx.spec_hash);
  ToInjecting();
  const auto arguments = protocol::InjectFromJson(cx.status.targets.at(0).intent->arguments);
  ASSERT_EQ(1u, arguments->partition().follow.size());
  EXPECT_EQ(std::vector<std::string>{"10.212.0.2"}, arguments->partition().follow[0].except);
}

}  // namespace
}  // namespace chaos::experiment
