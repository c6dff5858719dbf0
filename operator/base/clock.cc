#include "operator/base/clock.h"

#include <ctime>

namespace chaos {

TimePoint SystemClock::Now() const {
  return std::chrono::time_point_cast<microseconds>(std::chrono::system_clock::now());
}

nanoseconds SystemClock::SinceBoot() const {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return seconds(now.tv_sec) + nanoseconds(now.tv_nsec);
}

}  // namespace chaos
