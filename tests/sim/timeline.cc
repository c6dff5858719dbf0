#include "tests/sim/timeline.h"

#include <algorithm>

namespace chaos::sim {
namespace {

// 2026-01-05T08:00:00Z, a Monday.
constexpr TimePoint kStart{std::chrono::sys_days{std::chrono::year{2026} / 1 / 5} +
                           std::chrono::hours(8)};

}  // namespace

TimePoint TrueTime(nanoseconds at) { return kStart + std::chrono::duration_cast<microseconds>(at); }

TimePoint SimClock::Now() const { return TrueTime(timeline_.Now() + offset_); }

void Timeline::At(nanoseconds when, std::function<void()> action) {
  heap_.push_back({std::max(when, now_), planned_++, std::move(action)});
  std::push_heap(heap_.begin(), heap_.end(), Later);
}

bool Timeline::RunNext(nanoseconds until) {
  if (heap_.empty() || heap_.front().when > until) return false;
  std::pop_heap(heap_.begin(), heap_.end(), Later);
  Planned next = std::move(heap_.back());
  heap_.pop_back();
  now_ = std::max(now_, next.when);
  ++steps_;
  next.action();
  if (observer_) observer_();
  return true;
}

void Timeline::RunUntil(nanoseconds until) {
  while (RunNext(until)) {
  }
  now_ = std::max(now_, until);
}

}  // namespace chaos::sim
