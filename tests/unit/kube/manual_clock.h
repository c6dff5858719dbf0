// A clock that stands still until the test moves it.
#pragma once

#include <atomic>

#include "operator/base/clock.h"

namespace chaos {

class ManualClock final : public Clock {
 public:
  TimePoint Now() const override {
    return TimePoint(std::chrono::sys_days(std::chrono::year(2026) / 11 / 24)) +
           std::chrono::duration_cast<microseconds>(SinceBoot());
  }
  nanoseconds SinceBoot() const override { return nanoseconds(since_boot_.load()); }
  void Advance(nanoseconds by) { since_boot_ += by.count(); }

 private:
  std::atomic<std::int64_t> since_boot_{nanoseconds(std::chrono::hours(1)).count()};
};

}  // namespace chaos
