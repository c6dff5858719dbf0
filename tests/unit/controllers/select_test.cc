#include <gtest/gtest.h>

#include "controllers/chaosexperiment/spec_hash.h"
#include "tests/unit/controllers/fixture.h"

namespace chaos::experiment {
namespace {

Pods ManyWorkers(int count) {
  Pods pods;
  for (int i = 0; i < count; ++i)
    pods.push_back(
        MakePod("worker-" + std::to_string(i), "worker", "10.0.0." + std::to_string(i + 1), 8080));
  return pods;
}
TargetSpec Workers(Mode mode, int value = 0) { return {"worker", {}, "", mode, value}; }

TEST(Select, SameSeedSameChoiceWhateverTheOrderOfThePods) {
  Pods pods = ManyWorkers(20);
  const Selection first = *SelectTargets(Workers(Mode::kFixed, 5), 50, MakeProfile(), pods, 7);
  std::reverse(pods.begin(), pods.end());
  const Selection second = *SelectTargets(Workers(Mode::kFixed, 5), 50, MakeProfile(), pods, 7);
  ASSERT_EQ(5u, first.targets.size());
  EXPECT_EQ(first.digest, second.digest);
  for (std::size_t i = 0; i < 5; ++i)
    EXPECT_EQ(first.targets[i]->meta.uid, second.targets[i]->meta.uid);
  const Selection other = *SelectTargets(Workers(Mode::kFixed, 5), 50, MakeProfile(), pods, 8);
  bool same = true;
  for (std::size_t i = 0; i < 5; ++i)
    same = same && other.targets[i]->meta.uid == first.targets[i]->meta.uid;
  EXPECT_FALSE(same) << "the seed has no influence";
}

TEST(Select, PercentIsRoundedUp) {
  EXPECT_EQ(2u, SelectTargets(Workers(Mode::kPercent, 50), 50, MakeProfile(), ManyWorkers(3), 1)
                    ->targets.size());
  EXPECT_EQ(1u, SelectTargets(Workers(Mode::kPercent, 1), 50, MakeProfile(), ManyWorkers(3), 1)
                    ->targets.size());
}

TEST(Select, MoreThanAllowedIsRefusedWithBothNumbers) {
  const auto refused = SelectTargets(Workers(Mode::kAll), 2, MakeProfile(), ManyWorkers(3), 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(Reason::kInvalid, refused.error().reason);
  EXPECT_EQ("this would hit 3 pods and safety.maxTargets is 2: raise it, or hit fewer",
            refused.error().detail);
}

TEST(Select, AnUnknownComponentIsNamedWithThoseThatExist) {
  const auto refused =
      SelectTargets({"quen", {}, "", Mode::kOne, 0}, 1, MakeProfile(), ManyWorkers(1), 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ("profile rbee has no component quen; it has hive, queen, worker",
            refused.error().detail);
}

TEST(Select, APodOnTheNodesNetworkIsRefused) {
  Pods pods = ManyWorkers(1);
  auto host = MakePod("worker-host", "worker", "10.210.0.1", 8080);
  host->host_network = true;
  pods.push_back(host);
  EXPECT_FALSE(SelectTargets(Workers(Mode::kAll), 5, MakeProfile(), pods, 1));
}

TEST(Select, NeitherOurOwnNorEndedNorEndingPodsAreCandidates) {
  Pods pods;
  for (const char* name : {"ours", "ended", "ending", "good"}) {
    auto pod = MakePod(name, "worker", "10.0.0.1", 8080);
    if (std::string(name) == "ours")
      pod->meta.labels[std::string(protocol::kManagedByLabel)] = protocol::kManagedBy;
    if (std::string(name) == "ended") pod->phase = "Succeeded";
    if (std::string(name) == "ending") pod->meta.deleting = true;
    pods.push_back(pod);
  }
  const Selection selection = *SelectTargets(Workers(Mode::kAll), 5, MakeProfile(), pods, 1);
  ASSERT_EQ(1u, selection.targets.size());
  EXPECT_EQ("good", selection.targets[0]->meta.key.name);
}

TEST(Peers, AreThePodsAndTheServicesInFrontOfThem) {
  World world;
  const Observed& seen = world.Look();
  const Peers peers = *ResolvePeers({{{"hive", "", "", {}, {}}}, {}, {}}, *seen.profile, seen.pods,
                                    *seen.services, {world.queen});
  ASSERT_EQ(2u, peers.peers.size());
  EXPECT_EQ("pod hive-0", peers.peers[0].name);
  EXPECT_EQ(std::vector<std::uint16_t>{7835}, peers.peers[0].verify);
  EXPECT_EQ("service hive", peers.peers[1].name);
  EXPECT_EQ(std::vector<std::string>{"10.211.0.35"}, peers.peers[1].addresses);
}

TEST(Peers, TheTargetIsNeverItsOwnPeer) {
  World world;
  const Observed& seen = world.Look();
  const auto peers = ResolvePeers({{{"queen", "", "", {}, {}}}, {}, {}}, *seen.profile, seen.pods,
                                  {}, {world.queen});
  EXPECT_FALSE(peers);
}

TEST(Controls, AreNeitherTargetNorPeer) {
  World world;
  const Observed& seen = world.Look();
  const auto controls =
      PickControls(*seen.profile, seen.pods, {world.queen},
                   {{"pod hive-0", {"10.212.0.3"}, {7835}}}, {"API server", "10.211.0.1", 443});
  ASSERT_EQ(3u, controls.size());
  EXPECT_EQ("pod worker-0", controls[0].name);
  EXPECT_EQ("API server", controls[2].name);
}

TEST(SpecHash, OnlyWhatMakesTheRunCounts) {
  const std::string hash = SpecHash(SpecJson());
  Json spec = SpecJson();
  spec["description"] = "other words";
  spec["requestedBy"] = "somebody";
  spec["suspend"] = true;
  spec["safety"]["maxTargets"] = 5;
  EXPECT_EQ(hash, SpecHash(spec));
  for (const char* change : {R"({"duration": "31s"})", R"({"run": 2})", R"({"seed": 1})",
                             R"({"target": {"component": "hive"}})"}) {
    Json changed = SpecJson();
    changed.merge_patch(Json::parse(change));
    EXPECT_NE(hash, SpecHash(changed)) << change;
  }
}

TEST(SpecHash, AFieldThatEqualsItsDefaultIsAsIfItWereNotThere) {
  Json bare = SpecJson();
  bare["target"].erase("mode");
  bare.erase("run");
  bare["fault"]["partition"].erase("direction");
  bare["fault"]["partition"].erase("existing");
  bare["probes"][0].erase("interval");
  bare["probes"][0]["inference"].erase("maxTokens");
  bare["recovery"] = Json::object();
  EXPECT_EQ(SpecHash(SpecJson()), SpecHash(bare));
}

}  // namespace
}  // namespace chaos::experiment
