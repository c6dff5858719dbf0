// What a load is to do: k6's executors. And when each virtual user (VU) of constant-vus and
// ramping-vus runs, as pure functions of the time since T0. VU g of a load runs exactly while the
// planned number is at least g, so pods that take every P-th VU add up to one process, and users
// leave last in, first out. Executors that deal out iterations are in arrivals.h.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "operator/base/clock.h"

namespace chaos::protocol {

struct Stage {
  milliseconds duration{0};  // 0 = a jump
  int target = 0;            // at its end: VUs, or with a rate iterations per time unit
  bool operator==(const Stage&) const = default;
};

enum class ExecutorType {
  kVus,                  // constant-vus (one stage that holds start_vus) and ramping-vus
  kPerVuIterations,      // each VU so many; one stage, which is maxDuration
  kSharedIterations,     // so many for all VUs together; the same
  kConstantArrivalRate,  // one stage that holds start_rate
  kRampingArrivalRate,
};
std::string_view Name(ExecutorType type);  // "ramping-vus", "per-vu-iterations" …

// Requires: nothing below 0; with a rate start_vus <= max_vus and a time unit above 0.
struct Executor {
  int start_vus = 1;  // with iterations all there are; with a rate preAllocatedVUs
  std::vector<Stage> stages;
  milliseconds graceful_ramp_down{30'000};
  milliseconds graceful_stop{30'000};
  ExecutorType type = ExecutorType::kVus;
  std::int64_t iterations = 1;  // of kPerVuIterations and kSharedIterations
  int start_rate = 0, max_vus = 0;
  milliseconds time_unit{1000};  // of rates
  bool operator==(const Executor&) const = default;

  bool DealsIterations() const { return type != ExecutorType::kVus; }
  bool HasRate() const {
    return type == ExecutorType::kConstantArrivalRate || type == ExecutorType::kRampingArrivalRate;
  }
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

// The rest is of kVus alone.
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

// The same schedule smaller and faster: VUs, rates and shared iterations are scaled and rounded to
// nearest (at least 1 where they are not 0), durations divided by `time_scale` (at least 1 ms where
// they are not 0). The graces stay: requests do not end sooner because the schedule is faster. So
// does the time unit of a rate.
// Requires: scale in (0, 100], time_scale > 0.
Executor Scaled(const Executor& executor, double scale, double time_scale);

}  // namespace chaos::protocol
