// One operator process as the simulation sees it: it waits while the world goes on, and it can die
// within any call.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

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
  explicit Process(Timeline& timeline, std::optional<CrashPlan> plan = {})
      : timeline_(timeline), plan_(plan) {}

  // The caller is blocked for so long.
  void Wait(nanoseconds time);
  // Called by the transport: `call` as counted by BeginCall.
  std::uint64_t BeginCall() { return ++calls_; }
  void Reach(std::uint64_t call, CrashPoint point);
  std::uint64_t calls() const { return calls_; }

  // No step runs any more and no call gets through; what is blocked in one leaves it by SimCrash.
  void Die() { alive_ = false; }
  bool alive() const { return alive_; }
  // For the runner: calls from outside of a step (destructors) must not throw.
  int depth = 0;

 private:
  Timeline& timeline_;
  std::optional<CrashPlan> plan_;
  std::uint64_t calls_ = 0;
  bool alive_ = true;
};

}  // namespace chaos::sim
