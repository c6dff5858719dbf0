#include "tests/sim/transport/process.h"

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

void Process::Wait(nanoseconds time) {
  timeline_.RunUntil(timeline_.Now() + time);
  if (!alive_ && depth > 0) throw SimCrash{};
}

void Process::Reach(std::uint64_t call, CrashPoint point) {
  if (!plan_ || plan_->call != call || plan_->point != point || depth == 0) return;
  Die();
  throw SimCrash{};
}

}  // namespace chaos::sim
