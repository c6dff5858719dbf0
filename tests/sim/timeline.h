// Virtual time: a heap of things that will happen. Nothing in the simulation waits; time jumps to
// the next of them. Invariant: things due at the same moment happen in the order in which they were
// planned, so a seed replays exactly.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "operator/base/clock.h"

namespace chaos::sim {

class Timeline {
 public:
  nanoseconds Now() const { return now_; }
  void At(nanoseconds when, std::function<void()> action);
  void After(nanoseconds delay, std::function<void()> action) {
    At(now_ + delay, std::move(action));
  }

  // Runs the next thing that is due at or before `until`; false when there is none.
  bool RunNext(nanoseconds until);
  // Runs everything due up to `until`; then it is that late. May be called from inside of an
  // action: that is how somebody waits while the rest of the world goes on.
  void RunUntil(nanoseconds until);
  // Called after each action.
  void Observe(std::function<void()> observer) { observer_ = std::move(observer); }
  std::uint64_t steps() const { return steps_; }

 private:
  struct Planned {
    nanoseconds when;
    std::uint64_t order;
    std::function<void()> action;
  };
  static bool Later(const Planned& a, const Planned& b) {
    return a.when != b.when ? a.when > b.when : a.order > b.order;
  }

  nanoseconds now_{0};
  std::uint64_t planned_ = 0;
  std::uint64_t steps_ = 0;
  std::vector<Planned> heap_;
  std::function<void()> observer_;
};

// One machine's clocks. The wall clock has an offset that may jump; the boot clock never does.
class SimClock final : public Clock {
 public:
  explicit SimClock(const Timeline& timeline, nanoseconds offset = nanoseconds{0})
      : timeline_(timeline), offset_(offset) {}
  TimePoint Now() const override;
  nanoseconds SinceBoot() const override { return timeline_.Now() + kBootedBefore; }
  void Jump(nanoseconds by) { offset_ += by; }
  nanoseconds offset() const { return offset_; }

 private:
  static constexpr nanoseconds kBootedBefore = seconds(100000);
  const Timeline& timeline_;
  nanoseconds offset_;
};

// The wall clock of a machine without an offset, at `at`.
TimePoint TrueTime(nanoseconds at);

}  // namespace chaos::sim
