// Time comes in as an argument: whoever needs to know it is given a Clock, so that a simulation can
// own it.
#pragma once

#include <chrono>

namespace chaos {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

// A moment on the wall clock (UTC), as it is written into objects and event lines.
using TimePoint = std::chrono::sys_time<microseconds>;

// Requires: implementations are safe to call from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  // Wall clock: may jump. For time stamps and for windows agreed between machines.
  virtual TimePoint Now() const = 0;
  // CLOCK_BOOTTIME: never jumps, runs on through suspend. For deadlines and back-off.
  virtual nanoseconds SinceBoot() const = 0;
};

// The clocks of this machine.
class SystemClock final : public Clock {
 public:
  TimePoint Now() const override;
  nanoseconds SinceBoot() const override;
};

}  // namespace chaos
