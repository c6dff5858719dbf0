// When to hold and when to let go, so that a share of the time is spent held. Pure.
#pragma once

#include <algorithm>

#include "operator/base/clock.h"

namespace chaos::inject {

class DutyCycle {
 public:
  static constexpr nanoseconds kPeriod = milliseconds(100);

  DutyCycle() = default;
  // Held from `start` on. percent: 1 to 100.
  DutyCycle(int percent, nanoseconds start)
      : held_for_(kPeriod * percent / 100), start_(start), counted_(start) {}

  bool HeldAt(nanoseconds now) const { return (now - start_) % kPeriod < held_for_; }
  // The next change after `now`; never at 100 percent.
  nanoseconds NextChange(nanoseconds now) const {
    if (held_for_ >= kPeriod) return nanoseconds::max();
    const nanoseconds within = (now - start_) % kPeriod;
    return now - within + (within < held_for_ ? held_for_ : kPeriod);
  }

  // What was really spent: a machine that is late holds for longer, or less.
  void Count(nanoseconds now, bool held) {
    if (held) held_ += now - counted_;
    counted_ = std::max(counted_, now);
  }
  nanoseconds held() const { return held_; }
  int PercentHeld() const {
    const nanoseconds all = counted_ - start_;
    return all <= nanoseconds(0) ? 0 : static_cast<int>((100 * held_ + all / 2) / all);
  }

 private:
  nanoseconds held_for_ = kPeriod;
  nanoseconds start_{0}, counted_{0}, held_{0};
};

}  // namespace chaos::inject
