// When samples are due: start + n × interval for ever, whatever became of the samples before. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "operator/base/clock.h"

namespace chaos::load {

// Two readings of one moment, taken together.
struct Moment {
  TimePoint wall;
  nanoseconds boot;
};

class Schedule {
 public:
  // Requires interval > 0.
  Schedule(Moment start, milliseconds interval) : start_(start), interval_(interval) {}

  struct Slot {
    std::int64_t n = 0;
    TimePoint at;         // intended start, on the wall clock
    nanoseconds boot;     // the same, on the clock that deadlines use
    bool missed = false;  // its whole interval has passed: we were not running, which is nobody
                          // else's failure
  };
  // Everything that is due and was not taken yet, oldest first, at most `limit` at a time.
  std::vector<Slot> TakeDue(Moment now, std::size_t limit);
  // When to look again.
  nanoseconds NextDue() const { return Boot(next_); }

 private:
  nanoseconds Boot(std::int64_t n) const { return start_.boot + n * nanoseconds(interval_); }

  Moment start_;
  milliseconds interval_;
  std::int64_t next_ = 0;
};

}  // namespace chaos::load
