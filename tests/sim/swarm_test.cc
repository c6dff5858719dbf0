// The seeds. Replay one with CHAOS_SIM_SEED=n; CHAOS_SIM_TRACE=1 prints its API calls.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "tests/sim/swarm.h"

namespace chaos::sim {
namespace {

constexpr std::uint64_t kSeedsInCi = 2000;

// Each must turn up, else the seeds do not test what they claim to.
const std::set<std::string> kVerdicts{"Passed",
                                      "Failed/NotDetected",
                                      "Failed/NotRecovered",
                                      "Aborted/Stopped",
                                      "Inconclusive/NoEffect",
                                      "Inconclusive/Refused",
                                      "Inconclusive/InjectorLost",
                                      "Inconclusive/TriggerNeverFired",
                                      "Inconclusive/LoadPodsLost",
                                      "Failed/ThresholdBreached",
                                      "Inconclusive/TargetGone",
                                      "Inconclusive/StartFailed",
                                      "Inconclusive/NoData",
                                      "Inconclusive/SteadyStateNotMet",
                                      "Inconclusive/StartingDeadlineExceeded",
                                      "Inconclusive/Restored",
                                      "deleted",
                                      "load Passed",
                                      "load Failed/ThresholdBreached",
                                      "load Aborted/Stopped",
                                      "load Inconclusive/LoadPodsLost",
                                      "load Inconclusive/StartFailed",
                                      "load Inconclusive/NoLiveData",
                                      "load deleted"};

TEST(Swarm, NoInvariantBreaksAndEveryRunComesToRest) {
  if (std::getenv("CHAOS_SIM_TRACE")) World::TraceTo(stderr);
  const SeedRange range = SeedsFromEnvironment(kSeedsInCi);
  const std::vector<SeedReport> reports = RunSeeds(range.first, range.count);
  int shown = 0;
  std::set<std::string> verdicts;
  for (const SeedReport& report : reports) {
    verdicts.insert(report.verdicts.begin(), report.verdicts.end());
    for (const std::string& wrong : report.wrong) {
      if (++shown <= 20) ADD_FAILURE() << "seed " << report.seed << ": " << wrong;
    }
  }
  std::vector<std::string> missing;
  PrintHistogram(reports, missing);
  if (range.count < kSeedsInCi) return;  // too few to have seen everything
  for (const std::string& verdict : kVerdicts) {
    if (!verdicts.contains(verdict)) missing.push_back(verdict);
  }
  for (const std::string& name : missing) ADD_FAILURE() << "never happened: " << name;
}

TEST(Swarm, ASeedRunTwiceIsTheSameRun) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const SeedReport once = RunSeed(seed), again = RunSeed(seed);
    EXPECT_EQ(once.hash, again.hash) << "seed " << seed;
    EXPECT_EQ(once.calls, again.calls) << "seed " << seed;
  }
}

}  // namespace
}  // namespace chaos::sim
