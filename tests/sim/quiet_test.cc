// When there is nothing to do, nothing is written; and what a user does mid-fault ends it in
// seconds.
#include <gtest/gtest.h>

#include "tests/sim/world/world.h"

namespace chaos::sim {
namespace {

World::Outcome RunWith(Deed deed, seconds at, World& world) {
  world.RunFor(at);
  world.Do(deed);
  EXPECT_TRUE(world.RunToRest(std::chrono::minutes(5)));
  for (const std::string& broken : world.invariants().broken()) ADD_FAILURE() << broken;
  return world.OutcomeOf("nf-001-0");
}

TEST(Quiet, FiveFinishedExperimentsAndChangingPodsCauseNoWriteButTheLease) {
  Scenario scenario = Calm();
  scenario.experiments = 5;
  scenario.replicas = 2;
  scenario.baseline_s = 3;
  scenario.duration_s = 5;
  World world(std::move(scenario));
  ASSERT_TRUE(world.RunToRest(std::chrono::minutes(30)));
  world.RunFor(seconds(30));
  const std::uint64_t writes = world.writes(), calls = world.calls();
  for (int minute = 0; minute < 10; ++minute) {
    world.Do(minute % 2 == 0 ? Deed::kReplaceTarget : Deed::kReplacePeer);
    world.Do(Deed::kReapply);
    world.RunFor(std::chrono::minutes(1));
  }
  std::printf("quiet: 5 finished experiments, ten minutes, %llu calls, %llu writes\n",
              static_cast<unsigned long long>(world.calls() - calls),
              static_cast<unsigned long long>(world.writes() - writes));
  EXPECT_EQ(world.writes(), writes);
  EXPECT_GT(world.calls(), calls);  // the Lease: the operators live
}

// The calm run has its fault on from about 27 s to 57 s.
class Stopped : public testing::TestWithParam<Deed> {};

TEST_P(Stopped, TheFaultEndsInSeconds) {
  World world(Calm());
  const World::Outcome outcome = RunWith(GetParam(), seconds(35), world);
  if (outcome.exists) {
    EXPECT_EQ(outcome.verdict, "Aborted") << outcome.reason << ": " << outcome.summary;
  }
  ASSERT_EQ(world.network().faults().size(), 1u);
  const FaultSpan& span = world.network().faults().front();
  ASSERT_TRUE(span.to);
  const auto asked_at = seconds(6 + 35);
  EXPECT_LT(span.from, asked_at);
  EXPECT_LT(*span.to - asked_at, seconds(4));
}

INSTANTIATE_TEST_SUITE_P(MidFault, Stopped,
                         testing::Values(Deed::kAbort, Deed::kDelete, Deed::kStop,
                                         Deed::kDeleteNamespace));

TEST(Stopped, ALostInjectorIsSaidToBeLost) {
  World world(Calm());
  const World::Outcome outcome = RunWith(Deed::kKillInjector, seconds(35), world);
  EXPECT_EQ(outcome.verdict + "/" + outcome.reason, "Inconclusive/InjectorLost") << outcome.summary;
}

TEST(Stopped, AnImageThatComesAfterTheWindowHurtsNobody) {
  Scenario scenario = Calm();
  scenario.kubelet.images["chaos-injector:1"] = seconds(5 + 1 + 25 + 65);
  World world(std::move(scenario));
  EXPECT_TRUE(world.RunToRest(std::chrono::minutes(10)));
  world.RunFor(std::chrono::minutes(2));
  EXPECT_TRUE(world.network().faults().empty());
  EXPECT_EQ(world.OutcomeOf("nf-001-0").verdict, "Inconclusive");
  for (const std::string& broken : world.invariants().broken()) ADD_FAILURE() << broken;
}

}  // namespace
}  // namespace chaos::sim
