// What the kernel of a simulated node makes of faults, and what it knows of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "operator/base/clock.h"

namespace chaos::sim {

// How the kernel of a simulated node misbehaves.
enum class KernelMood {
  kGood,
  kNoEffect,      // what is asked for is accepted, and nothing happens
  kPartial,       // it happens to a part only; who ends process 1 ends alone
  kNotPermitted,  // NET_ADMIN or the right to trace was taken away
};

// One fault that a pod was under, from the first act to the last; the ground truth for invariants
// and verdicts.
struct FaultSpan {
  std::string run;
  std::string pod_uid;
  std::uint64_t process = 0;  // of the injector
  nanoseconds from{0};
  std::optional<nanoseconds> to;
  bool took = false;   // it did what it should: packets were dropped, the process ended or stood
                       // still
  bool lasts = false;  // it is on from `from` to `to`; else a process was ended
};

}  // namespace chaos::sim
