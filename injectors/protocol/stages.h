// When each virtual user (VU) of a load runs: the executors constant-vus and ramping-vus with k6's
// meaning, as pure functions of the time since T0. VU g of a load runs exactly while the planned
// number is at least g, so pods that take every P-th VU add up to one process, and users leave last
// in, first out.
#pragma once

#include <cstdint>
#include <vector>

#include "operator/base/clock.h"

namespace chaos::protocol {

struct Stage {
  milliseconds duration{0};  // 0 = a jump
  int target = 0;            // VUs at its end
  bool operator==(const Stage&) const = default;
};

// constant-vus is start_vus = N with one stage that holds N.
// Requires: nothing below 0.
struct Executor {
  int start_vus = 1;
  std::vector<Stage> stages;
  milliseconds graceful_ramp_down{30'000};
  milliseconds graceful_stop{30'000};
  bool operator==(const Executor&) const = default;
};

struct Interval {
  nanoseconds from, to;  // since T0; [from, to)
  // It ended because fewer VUs were planned, not because the schedule was over. Tells apart who
  // leaves at the very end.
  bool ramped_down = false;
  bool operator==(const Interval&) const = default;
};

nanoseconds Length(const Executor& executor);  // Σ stages, without graces
// The most that are planned at any time, also where a ramp reaches it only at its end.
int MaxVus(const Executor& executor);
// 0 before T0 and from the length on.
int Planned(const Executor& executor, nanoseconds since_t0);
// Sorted and disjoint: while `vu` (1-based, over all pods) starts iterations.
std::vector<Interval> Wanted(const Executor& executor, int vu);
// When an iteration that runs at the end of a wanted interval is interrupted: `to` +
// gracefulRampDown, never later than the length + gracefulStop; at the very end gracefulStop alone
// counts. A VU whose next interval begins before that goes on and is not interrupted.
nanoseconds HardStop(const Executor& executor, const Interval& interval);
// VU-time that is planned in [0, until); no more than nanoseconds can hold.
nanoseconds PlannedVuTime(const Executor& executor, nanoseconds until);

// The same schedule smaller and faster: VUs are scaled and rounded to nearest (at least 1 where the
// target is not 0), durations divided by `time_scale` (at least 1 ms where they are not 0). The
// graces stay: requests do not end sooner because the schedule is faster.
// Requires: scale in (0, 100], time_scale > 0.
Executor Scaled(const Executor& executor, double scale, double time_scale);

}  // namespace chaos::protocol
