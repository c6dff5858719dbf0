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

}  // namespace
}  // namespace chaos::sim
