// One run in which nothing goes wrong, and the promises about quiet.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/sim/world/world.h"

namespace chaos::sim {
namespace {

TEST(Simulation, APartitionThatIsNoticedAndHealsPasses) {
  if (std::getenv("CHAOS_SIM_TRACE")) World::TraceTo(stderr);
  World world(Calm());
  const bool rest = world.RunToRest(std::chrono::minutes(10));
  const World::Outcome outcome = world.OutcomeOf("nf-001-0");
  EXPECT_TRUE(rest) << outcome.phase << " " << outcome.verdict << " " << outcome.reason << ": "
                    << outcome.summary;
  EXPECT_EQ(outcome.verdict, "Passed") << outcome.reason << ": " << outcome.summary;
  for (const std::string& broken : world.invariants().broken()) ADD_FAILURE() << broken;
  std::printf("calm: %s; %llu calls, %llu writes, %llu steps\n", outcome.summary.c_str(),
              static_cast<unsigned long long>(world.calls()),
              static_cast<unsigned long long>(world.writes()),
              static_cast<unsigned long long>(world.timeline().steps()));
}

World::Outcome RunKill(Scenario scenario) {
  if (std::getenv("CHAOS_SIM_TRACE")) World::TraceTo(stderr);
  World world(std::move(scenario));
  EXPECT_TRUE(world.RunToRest(std::chrono::minutes(10)));
  for (const std::string& broken : world.invariants().broken()) ADD_FAILURE() << broken;
  EXPECT_EQ(world.faults_on().size(), 1u);
  std::printf("kill: %s\n", world.OutcomeOf("nf-001-0").summary.c_str());
  return world.OutcomeOf("nf-001-0");
}

TEST(Simulation, AWorkerThatIsKilledWhileItStreamsPasses) {
  const World::Outcome outcome = RunKill(CalmKill());
  EXPECT_EQ(outcome.verdict, "Passed") << outcome.reason << ": " << outcome.summary;
  EXPECT_NE(outcome.summary.find("killed while it streamed (exit 137, restart 0→1)"),
            std::string::npos)
      << outcome.summary;
}

TEST(Simulation, AKillWhoseReportIsLostIsVerifiedByTheKubelet) {
  Scenario scenario = CalmKill();
  scenario.kubelet.lost_reports_per_mille = 1000;
  const World::Outcome outcome = RunKill(std::move(scenario));
  EXPECT_EQ(outcome.verdict, "Passed") << outcome.reason << ": " << outcome.summary;
}

TEST(Simulation, AQueenThatNeverRoutesAroundADeadWorkerWaitsForTheKubelet) {
  Scenario scenario = CalmKill();
  scenario.rbee.notices_after.reset();
  const World::Outcome outcome = RunKill(std::move(scenario));
  EXPECT_EQ(outcome.verdict, "Passed") << outcome.reason << ": " << outcome.summary;
  EXPECT_EQ(outcome.summary.find("rerouted"), std::string::npos) << outcome.summary;
}

// The kernel ends the injector a second after the deadline, and lets go of what it held.
TEST(Simulation, AProcessThatIsHeldGoesOnAlsoWhenItsInjectorHangs) {
  Scenario scenario = Calm();
  scenario.process.emplace().action = protocol::ProcessAction::kHang;
  scenario.duration_s = 10;
  World world(std::move(scenario));
  while (world.faults_on().empty()) world.RunFor(seconds(1));
  world.RunFor(seconds(1));
  world.Do(Deed::kFreezeInjector);
  EXPECT_TRUE(world.RunToRest(std::chrono::minutes(10)));
  for (const std::string& broken : world.invariants().broken()) ADD_FAILURE() << broken;
  const FaultSpan span = world.faults_on().front();
  ASSERT_TRUE(span.to);
  EXPECT_EQ(*span.to - span.from, seconds(11));
  EXPECT_NE(world.OutcomeOf("nf-001-0").verdict, "Passed");
}

}  // namespace
}  // namespace chaos::sim
