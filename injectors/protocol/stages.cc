#include "injectors/protocol/stages.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace chaos::protocol {
namespace {

__extension__ using Wide = __int128;  // nanoseconds times VUs are more than 64 bits

struct Leg {
  std::int64_t start, end;  // ns since T0
  std::int64_t from, to;    // VUs
};

// The stages that take time; a stage of 0 only changes where the next one begins.
template <class Visit>
void ForEachLeg(const Executor& executor, Visit visit) {
  std::int64_t at = 0, vus = executor.start_vus;
  for (const Stage& stage : executor.stages) {
    const std::int64_t end = at + nanoseconds(stage.duration).count();
    if (end > at) visit(Leg{at, end, vus, stage.target});
    at = end;
    vus = stage.target;
  }
}

// When a leg has changed by `steps` VUs: k6 counts from the leg's end and rounds that towards it,
// which is to round up from the start.
std::int64_t StepTime(const Leg& leg, std::int64_t steps) {
  const Wide length = leg.end - leg.start, all = std::abs(leg.to - leg.from);
  return leg.start + static_cast<std::int64_t>((length * steps + all - 1) / all);
}

// While `vu` is wanted within a leg; empty when from == to.
std::pair<std::int64_t, std::int64_t> WantedIn(const Leg& leg, std::int64_t vu) {
  if (vu <= std::min(leg.from, leg.to)) return {leg.start, leg.end};
  if (vu > std::max(leg.from, leg.to)) return {leg.start, leg.start};
  if (leg.to > leg.from) return {StepTime(leg, vu - leg.from), leg.end};
  return {leg.start, StepTime(leg, leg.from - vu + 1)};
}

}  // namespace

std::string_view Name(ExecutorType type) {
  switch (type) {
    case ExecutorType::kVus:
      return "ramping-vus";
    case ExecutorType::kPerVuIterations:
      return "per-vu-iterations";
    case ExecutorType::kSharedIterations:
      return "shared-iterations";
    case ExecutorType::kConstantArrivalRate:
      return "constant-arrival-rate";
    case ExecutorType::kRampingArrivalRate:
      return "ramping-arrival-rate";
  }
  return "";
}

nanoseconds Length(const Executor& executor) {
  nanoseconds length{0};
  for (const Stage& stage : executor.stages) length += stage.duration;
  return length;
}

int MaxVus(const Executor& executor) {
  if (executor.HasRate()) return executor.max_vus;
  if (executor.DealsIterations()) return executor.start_vus;
  std::int64_t most = 0;
  ForEachLeg(executor, [&](const Leg& leg) { most = std::max({most, leg.from, leg.to}); });
  return static_cast<int>(most);
}

int Planned(const Executor& executor, nanoseconds since_t0) {
  const std::int64_t now = since_t0.count();
  std::int64_t planned = 0;
  ForEachLeg(executor, [&](const Leg& leg) {
    if (now < leg.start || now >= leg.end) return;
    const Wide steps = Wide{std::abs(leg.to - leg.from)} * (now - leg.start);
    const auto done = static_cast<std::int64_t>(steps / (leg.end - leg.start));
    planned = leg.to > leg.from ? leg.from + done : leg.from - done;
  });
  return static_cast<int>(planned);
}

std::vector<Interval> Wanted(const Executor& executor, int vu) {
  std::vector<Interval> wanted;
  ForEachLeg(executor, [&](const Leg& leg) {
    const auto [from, to] = WantedIn(leg, vu);
    if (from == to) return;
    if (!wanted.empty() && wanted.back().to.count() == from)
      wanted.back().to = nanoseconds(to);
    else
      wanted.push_back({nanoseconds(from), nanoseconds(to), /*ramped_down=*/true});
  });
  if (!wanted.empty() && wanted.back().to == Length(executor))
    wanted.back().ramped_down = executor.stages.back().target < vu;
  return wanted;
}

nanoseconds HardStop(const Executor& executor, const Interval& interval) {
  const nanoseconds length = Length(executor);
  const nanoseconds end = length + executor.graceful_stop;
  if (interval.to >= length && !interval.ramped_down) return end;
  return std::min<nanoseconds>(interval.to + executor.graceful_ramp_down, end);
}

nanoseconds PlannedVuTime(const Executor& executor, nanoseconds until) {
  Wide sum = 0;
  ForEachLeg(executor, [&](const Leg& leg) {
    if (leg.start >= until.count()) return;
    const std::int64_t always = std::min(leg.from, leg.to);
    sum += Wide{always} * (std::min(leg.end, until.count()) - leg.start);
    for (std::int64_t vu = always + 1; vu <= std::max(leg.from, leg.to); ++vu) {
      const auto [from, to] = WantedIn(leg, vu);
      sum += std::max<std::int64_t>(0, std::min(to, until.count()) - from);
    }
  });
  return nanoseconds(
      static_cast<std::int64_t>(std::min<Wide>(sum, std::numeric_limits<std::int64_t>::max())));
}

Executor Scaled(const Executor& executor, double scale, double time_scale) {
  const auto scaled_count = [&](std::int64_t count) {
    if (count == 0) return 0;
    const double scaled = std::round(static_cast<double>(count) * scale);
    return static_cast<int>(std::clamp(scaled, 1.0, double{std::numeric_limits<int>::max()}));
  };
  Executor result = executor;
  result.start_vus = scaled_count(executor.start_vus);
  result.start_rate = scaled_count(executor.start_rate);
  result.max_vus = scaled_count(executor.max_vus);
  if (executor.type == ExecutorType::kSharedIterations)
    result.iterations = scaled_count(executor.iterations);
  for (Stage& stage : result.stages) {
    stage.target = scaled_count(stage.target);
    if (stage.duration.count() == 0) continue;
    const double scaled = std::round(static_cast<double>(stage.duration.count()) / time_scale);
    stage.duration = milliseconds(std::max<std::int64_t>(1, static_cast<std::int64_t>(scaled)));
  }
  return result;
}

}  // namespace chaos::protocol
