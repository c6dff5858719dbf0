// Executors that deal out iterations, as k6 does: so many of them, or so many in a time. Each
// iteration belongs to one pod, so pods add up to one process.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "injectors/protocol/stages.h"

namespace chaos::protocol {

// Whose the first iterations are, one pod each; then it begins again. Every pod gets them in
// proportion to its VUs. Requires: 1 <= pods <= vus.
std::vector<int> Dealing(int vus, int pods);

// How many iterations belong to a pod. Requires: kPerVuIterations or kSharedIterations.
std::int64_t IterationsOf(const Executor& executor, int pods, int pod);

// When the iterations of one pod are to begin, one after the other. Requires: executor.HasRate().
class Arrivals {
 public:
  Arrivals(const Executor& executor, int pods, int pod);
  // Since T0, never going back; nullopt: there are no more.
  std::optional<nanoseconds> Next();

 private:
  std::optional<nanoseconds> Time();

  Executor executor_;
  std::vector<int> dealing_;
  int pod_;
  std::int64_t number_ = 0;  // of the next iteration over all pods, from 0
  // Of a ramp: the stage that is walked through, and what came before it.
  std::size_t stage_ = 0;
  std::int64_t stage_start_ns_ = 0;
  double done_ = 0, rate_ = 0;  // iterations; per nanosecond
};

// How many are to have begun before `until`, over all pods. Requires: executor.DealsIterations();
// those without a rate are all due at once.
std::int64_t PlannedIterations(const Executor& executor, nanoseconds until);

}  // namespace chaos::protocol
