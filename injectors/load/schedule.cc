// Written times stay on an exact grid. Only when the wall clock was stepped does the grid move with
// it, because samples are compared with times that others read from their wall clocks.
#include "injectors/load/schedule.h"

namespace chaos::load {
namespace {
constexpr milliseconds kStep{250};  // what slewing never reaches within a run
}

std::vector<Schedule::Slot> Schedule::TakeDue(Moment now, std::size_t limit) {
  const auto elapsed = [&](nanoseconds boot) {
    return std::chrono::duration_cast<microseconds>(boot - start_.boot);
  };
  const microseconds drift = now.wall - (start_.wall + elapsed(now.boot));
  if (drift > kStep || drift < -kStep) start_.wall += drift;
  std::vector<Slot> due;
  while (due.size() < limit && Boot(next_) <= now.boot) {
    const bool missed = Boot(next_ + 1) <= now.boot;
    due.push_back({next_, start_.wall + elapsed(Boot(next_)), Boot(next_), missed});
    ++next_;
  }
  return due;
}

}  // namespace chaos::load
