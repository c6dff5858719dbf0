// What a spec asks for, worked out: schedule, thresholds, how many pods. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controllers/loadtest/types.h"

namespace chaos::loadtest {

struct Threshold {
  ThresholdSpec spec;
  const protocol::Metric* metric = nullptr;
  protocol::Expression expression;
  std::optional<std::size_t> pivot_index;  // within the pivots of its trend
};

struct Workload {
  protocol::Executor executor;
  milliseconds length{0};
  int max_vus = 0, pods = 0;
  std::vector<Threshold> thresholds;
  std::vector<protocol::Pivot> pivots;
};

// The exact stages of the presets Ramp, Stress and Spike; nullopt for another name.
std::optional<protocol::Executor> PatternStages(std::string_view pattern);

// The same spec gives the same workload, whoever works it out. An error says what the spec should
// say.
Result<Workload> WorkOut(const LoadTest& test);

}  // namespace chaos::loadtest
