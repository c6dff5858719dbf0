// A hive that is replaced while the queen is cut off from hives: followed by the run's Service, and
// nothing of that is left.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/sim/api/replies.h"
#include "tests/sim/world/world.h"

namespace chaos::sim {
namespace {

// The calm run has its fault on from about 27 s to 57 s.
constexpr seconds kMidFault{35};

class Peers : public testing::Test {
 protected:
  World world{Calm()};

  void SetUp() override {
    if (std::getenv("CHAOS_SIM_TRACE")) World::TraceTo(stderr);
  }
  void ReplaceTheHive() {
    world.RunFor(kMidFault);
    const std::string old = world.AddressOf("hive");
    world.Do(Deed::kReplacePeer);
    for (int i = 0; i < 50 && (world.AddressOf("hive").empty() || world.AddressOf("hive") == old);
         ++i)
      world.RunFor(milliseconds(100));
    hive_ = *inject::ParseAddress(world.AddressOf("hive"));
    ASSERT_NE(inject::Print(hive_), old);
  }
  bool Reached() { return world.network().Reaches(world.TargetUid(), hive_); }
  World::Outcome Rest() {
    EXPECT_TRUE(world.RunToRest(std::chrono::minutes(5)));
    for (const std::string& broken : world.invariants().broken()) ADD_FAILURE() << broken;
    EXPECT_TRUE(world.ServicesOfRuns().empty()) << world.ServicesOfRuns().front();
    return world.OutcomeOf("nf-001-0");
  }
  inject::Address hive_;
};

TEST_F(Peers, AHiveThatIsReplacedDuringTheFaultIsCutOffToo) {
  ReplaceTheHive();
  EXPECT_EQ(world.ServicesOfRuns().size(), 1u);
  world.RunFor(seconds(3));
  EXPECT_FALSE(Reached());
  const World::Outcome outcome = Rest();
  EXPECT_TRUE(Reached());
  EXPECT_EQ(outcome.verdict, "Passed") << outcome.reason << ": " << outcome.summary;
  EXPECT_NE(outcome.summary.find("1 peer and 1/1 that came later"), std::string::npos)
      << outcome.summary;
  const Json status = world.StatusOf("nf-001-0");
  EXPECT_EQ(Text(status, {"coverage", "state"}), "Full");
  const Json* late = Find(status, {"resolved", "latePeers"});
  ASSERT_TRUE(late && late->size() == 1);
  EXPECT_EQ((*late)[0]["addresses"][0], inject::Print(hive_));
}

TEST_F(Peers, WithoutTheServiceALateOneIsSaidToBeUncovered) {
  world.api().server.AddRule([](const Attempt& attempt) -> std::optional<kube::Response> {
    if (attempt.target.resource->type.plural != "services") return std::nullopt;
    return StatusReply(403, "Forbidden", "exceeded quota: services");
  });
  ReplaceTheHive();
  world.RunFor(seconds(3));
  EXPECT_TRUE(Reached());
  const World::Outcome outcome = Rest();
  EXPECT_EQ(outcome.verdict + "/" + outcome.reason, "Inconclusive/PartialCoverage");
  EXPECT_NE(outcome.summary.find("exceeded quota: services"), std::string::npos) << outcome.summary;
}

TEST_F(Peers, AServiceThatSomebodyDeletesEndsNothing) {
  world.RunFor(kMidFault);
  ASSERT_EQ(world.ServicesOfRuns().size(), 1u);
  world.api().server.Delete(kube::kServices, {"rbee", world.ServicesOfRuns().front()});
  const World::Outcome outcome = Rest();
  EXPECT_EQ(outcome.verdict, "Passed") << outcome.reason << ": " << outcome.summary;
  const Json status = world.StatusOf("nf-001-0");
  EXPECT_NE((*Find(status, {"targets"}))[0]["measured"].value("lookupsFailed", ""), "");
}

TEST_F(Peers, NothingIsLeftOfARunThatIsAbortedOrDeleted) {
  for (const Deed deed : {Deed::kAbort, Deed::kDelete}) {
    for (const seconds at : {seconds(3), kMidFault}) {
      World other(Calm());
      other.RunFor(at);
      EXPECT_EQ(other.ServicesOfRuns().size(), 1u);
      other.Do(deed);
      EXPECT_TRUE(other.RunToRest(std::chrono::minutes(5)));
      other.RunFor(seconds(10));  // what was deleted is collected
      EXPECT_TRUE(other.ServicesOfRuns().empty()) << Name(deed);
    }
  }
}

}  // namespace
}  // namespace chaos::sim
