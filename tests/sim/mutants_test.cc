// Named mistakes are made in the product, one at a time; the seeds must find each of them
// soon.
#include <gtest/gtest.h>

#include "tests/sim/swarm.h"
#include "tests/sim/world/mutants.h"

namespace chaos::sim {
namespace {

constexpr std::uint64_t kSeeds = 500;
constexpr const char* kMutants[] = {
    "skip-intent",           "ignore-not-after", "drop-uid-check",      "drop-finalizer-early",
    "create-under-new-name", "trust-a-200",      "wall-clock-deadline", "no-relist-after-410",
    "trust-about-to",        "any-end-is-ours",  "forget-last-ready",   "any-pod-is-new",
    "forget-the-load",       "load-skip-intent", "load-leave-job",      "load-forget-report",
    "load-write-storm"};

class Mutant : public testing::TestWithParam<const char*> {
 protected:
  void TearDown() override { SwitchMutant(""); }
};

TEST_P(Mutant, IsFoundWithinFiveHundredSeeds) {
  SwitchMutant(GetParam());
  const std::vector<SeedReport> reports = RunSeeds(1, kSeeds, /*stop_at_first=*/true);
  for (const SeedReport& report : reports) {
    if (report.wrong.empty()) continue;
    std::printf("%-22s seed %llu: %s\n", GetParam(), static_cast<unsigned long long>(report.seed),
                report.wrong.front().c_str());
    return;
  }
  ADD_FAILURE() << GetParam() << " was not found by " << kSeeds << " seeds";
}

INSTANTIATE_TEST_SUITE_P(Named, Mutant, testing::ValuesIn(kMutants), [](const auto& mutant) {
  std::string name = mutant.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace chaos::sim
