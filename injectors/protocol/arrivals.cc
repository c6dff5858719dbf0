// The same operations on doubles in the same order as k6's lib/executor, so that the nanoseconds
// are the same.
#include "injectors/protocol/arrivals.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace chaos::protocol {
namespace {

double Nanoseconds(milliseconds time) { return static_cast<double>(nanoseconds(time).count()); }

// Between two iterations of a constant rate.
std::int64_t Period(const Executor& executor) {
  return static_cast<std::int64_t>(Nanoseconds(executor.time_unit) / executor.start_rate);
}

// The area under a straight line from one rate to another.
double Area(double from, double to, double length) { return length * ((to - from) / 2 + from); }

// When the area under it is `area`.
double TimeOf(double area, double from, double to, double length) {
  if (from == to) return area / to;
  const double root = length * (from * from * length + 2 * area * (to - from));
  return (from * length - std::sqrt(std::max(0.0, root))) / (from - to);
}

}  // namespace

std::vector<int> Dealing(int vus, int pods) {
  std::vector<int> dealing;
  const int cycle = vus % pods == 0 ? pods : vus;
  std::vector<std::int64_t> chosen(static_cast<std::size_t>(pods));
  for (std::int64_t i = 0; i < cycle; ++i) {
    for (int pod = 0; pod < pods; ++pod) {
      auto& mine = chosen[static_cast<std::size_t>(pod)];
      const std::int64_t share = cycle == pods ? 1 : (vus - pod + pods - 1) / pods;
      if (i * share < mine * cycle) continue;  // it is not its turn yet
      ++mine;
      dealing.push_back(pod);
      break;
    }
  }
  return dealing;
}

std::int64_t IterationsOf(const Executor& executor, int pods, int pod) {
  if (executor.type == ExecutorType::kPerVuIterations)
    return executor.iterations * ((executor.start_vus - pod + pods - 1) / pods);
  const std::vector<int> dealing = Dealing(executor.start_vus, pods);
  const auto cycle = static_cast<std::int64_t>(dealing.size());
  const auto rest = dealing.begin() + executor.iterations % cycle;
  return executor.iterations / cycle * std::count(dealing.begin(), dealing.end(), pod) +
         std::count(dealing.begin(), rest, pod);
}

Arrivals::Arrivals(const Executor& executor, int pods, int pod)
    : executor_(executor),
      dealing_(Dealing(executor.max_vus, pods)),
      pod_(pod),
      rate_(executor.start_rate / Nanoseconds(executor.time_unit)) {}

std::optional<nanoseconds> Arrivals::Next() {
  while (dealing_[static_cast<std::size_t>(number_) % dealing_.size()] != pod_) ++number_;
  const std::optional<nanoseconds> time = Time();
  ++number_;
  return time;
}

std::optional<nanoseconds> Arrivals::Time() {
  if (executor_.type == ExecutorType::kConstantArrivalRate) {
    const nanoseconds at(Period(executor_) * number_);  // the first one at once
    if (at < Length(executor_)) return at;
    return std::nullopt;
  }
  const auto wanted = static_cast<double>(number_ + 1);  // the first one when the area is 1
  for (; stage_ < executor_.stages.size(); ++stage_) {
    const Stage& stage = executor_.stages[stage_];
    const double to = stage.target / Nanoseconds(executor_.time_unit);
    const double length = Nanoseconds(stage.duration), end = done_ + Area(rate_, to, length);
    if (wanted <= end) {
      const double in_stage = TimeOf(wanted - done_, rate_, to, length);
      const nanoseconds at(stage_start_ns_ + static_cast<std::int64_t>(in_stage));
      return std::min(at, Length(executor_));  // the last bits of a double
    }
    done_ = end;
    rate_ = to;
    stage_start_ns_ += nanoseconds(stage.duration).count();
  }
  return std::nullopt;
}

std::int64_t PlannedIterations(const Executor& executor, nanoseconds until) {
  until = std::min(until, Length(executor));
  if (executor.type == ExecutorType::kSharedIterations) return executor.iterations;
  if (executor.type == ExecutorType::kPerVuIterations)
    return executor.iterations * executor.start_vus;
  if (until <= nanoseconds(0)) return 0;
  if (executor.type == ExecutorType::kConstantArrivalRate)
    return (until.count() - 1) / Period(executor) + 1;
  double area = 0, from = executor.start_rate / Nanoseconds(executor.time_unit);
  nanoseconds start{0};
  for (const Stage& stage : executor.stages) {
    const double length = Nanoseconds(stage.duration);
    const double to = stage.target / Nanoseconds(executor.time_unit);
    if (start + stage.duration > until) {
      const auto part = static_cast<double>((until - start).count());
      return static_cast<std::int64_t>(area + Area(from, from + (to - from) * part / length, part));
    }
    area += Area(from, to, length);
    from = to;
    start += stage.duration;
  }
  return static_cast<std::int64_t>(area);
}

}  // namespace chaos::protocol
