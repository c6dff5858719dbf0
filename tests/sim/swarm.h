// Many seeds: each a world in which a few things go wrong, wildly; then everything heals, and the
// run has to come to rest, to be quiet, and to have told the truth.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/sim/world/world.h"

namespace chaos::sim {

struct SeedReport {
  std::uint64_t seed = 0;
  std::vector<std::string> wrong;     // empty: all is well
  std::vector<std::string> verdicts;  // "Passed", "Inconclusive/NoData", "deleted"
  std::array<std::uint64_t, Faults::kCalls> call_faults{};
  std::array<std::uint64_t, Faults::kStreams> stream_faults{};
  std::map<Deed, int> deeds;
  std::uint64_t deaths = 0, calls = 0, hash = 0;
};

SeedReport RunSeed(std::uint64_t seed);

// All seeds on all cores; `stop_at_first` ends early at a seed that goes wrong.
std::vector<SeedReport> RunSeeds(std::uint64_t first, std::uint64_t count,
                                 bool stop_at_first = false);

// What the seeds have seen, as a table; names of what never happened are appended to `missing`.
void PrintHistogram(const std::vector<SeedReport>& reports, std::vector<std::string>& missing);

// CHAOS_SIM_SEED=7 replays one seed, CHAOS_SIM_SEEDS=10000 sets how many.
struct SeedRange {
  std::uint64_t first = 1, count = 0;
};
SeedRange SeedsFromEnvironment(std::uint64_t count);

}  // namespace chaos::sim
