// One operator process as the simulation sees it: its calls block while the world goes on, and it
// can die within any of them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "operator/base/random.h"
#include "tests/sim/timeline.h"

namespace chaos::sim {

// Thrown through the product's code where the process dies. Nothing of ours catches it.
struct SimCrash {};

enum class CrashPoint { kBefore, kAfterExecution, kAfterReply };
std::string_view Name(CrashPoint point);

struct CrashPlan {
  std::uint64_t call = 0;  // the how manieth API call of the process, from 1
  CrashPoint point = CrashPoint::kBefore;
};

class Process {
 public:
  explicit Process(Timeline& timeline, std::optional<CrashPlan> plan = {},
                   int crash_per_hundred_thousand = 0, Random random = Random(0))
      : timeline_(timeline),
        plan_(plan),
        crash_per_hundred_thousand_(crash_per_hundred_thousand),
        random_(random) {}

  // The caller is blocked for so long. In a fiber everybody else goes on; outside of one, so does
  // everybody.
  void Wait(nanoseconds time);
  // The same without leaving by SimCrash.
  void Pause(nanoseconds time);
  std::uint64_t BeginCall() { return ++calls_; }
  // Where the transport is with its call number `call`: the process may die here.
  void Reach(std::uint64_t call, CrashPoint point);
  std::uint64_t calls() const { return calls_; }

  // Nothing of it moves for so long: not scheduled, swapped out, or its node is suspended.
  void Freeze(nanoseconds time) { frozen_until_ = timeline_.Now() + time; }
  // When something that is due at `when` will really go on.
  nanoseconds Thawed(nanoseconds when) const { return std::max(when, frozen_until_); }

  // No step runs any more, no call gets through, and whatever blocks leaves by SimCrash.
  void Die() { alive_ = false; }
  bool alive() const { return alive_; }
  // Leaves by SimCrash when the process is dead; false where that cannot be (destructors, no
  // fiber).
  bool ThrowIfDead() const;

 private:
  void PlanResume(class Fiber* fiber, std::shared_ptr<bool> waiting, nanoseconds when);

  Timeline& timeline_;
  std::optional<CrashPlan> plan_;
  const int crash_per_hundred_thousand_;
  Random random_;
  nanoseconds frozen_until_{0};
  std::uint64_t calls_ = 0;
  bool alive_ = true;
};

}  // namespace chaos::sim
