#include "tests/sim/transport/process.h"

#include <exception>
#include <memory>

#include "tests/sim/runner/fiber.h"

namespace chaos::sim {

std::string_view Name(CrashPoint point) {
  switch (point) {
    case CrashPoint::kBefore:
      return "before";
    case CrashPoint::kAfterExecution:
      return "after execution";
    case CrashPoint::kAfterReply:
      return "after the reply";
  }
  return "";
}

bool Process::ThrowIfDead() const {
  if (alive_) return true;
  if (Fiber::Current() != nullptr && std::uncaught_exceptions() == 0) throw SimCrash{};
  return false;
}

void Process::Wait(nanoseconds time) {
  Pause(time);
  ThrowIfDead();
}

void Process::Pause(nanoseconds time) {
  Fiber* self = Fiber::Current();
  if (self == nullptr) {
    timeline_.RunUntil(timeline_.Now() + time);
    return;
  }
  // The fiber may be gone by then: it is resumed once at the most, by time or by the death of its
  // process.
  auto waiting = std::make_shared<bool>(true);
  PlanResume(self, waiting, timeline_.Now() + time);
  Fiber::Yield();
  *waiting = false;
}

void Process::PlanResume(Fiber* fiber, std::shared_ptr<bool> waiting, nanoseconds when) {
  timeline_.At(when, [this, fiber, waiting] {
    if (!*waiting) return;
    if (const nanoseconds thawed = Thawed(timeline_.Now()); thawed > timeline_.Now())
      return PlanResume(fiber, waiting, thawed);
    fiber->Resume();
  });
}

void Process::Reach(std::uint64_t call, CrashPoint point) {
  const bool planned = plan_ && plan_->call == call && plan_->point == point;
  const bool drawn =
      crash_per_hundred_thousand_ > 0 &&
      random_.Chance(static_cast<std::uint64_t>(crash_per_hundred_thousand_), 300000);
  if (!planned && !drawn) return;
  Die();
  ThrowIfDead();
}

}  // namespace chaos::sim
