// What the load does to this machine and reads from it: descriptors, the stop file, cpu.stat, the
// alarm that ends a process that hangs.
#pragma once

#include <string>

#include "operator/base/clock.h"
#include "operator/base/result.h"

namespace chaos::load {

// Raises the soft limit on descriptors to the hard one. The error is a sentence: it does not hold
// `vus` connections (1.1 times as many and 64 more are wanted).
Result<void> RaiseDescriptorLimit(int vus);
// The trimmed content, at most 4 KiB; empty when there is none.
std::string ReadStopFile(const std::string& path);
milliseconds ReadThrottled();
// The process exits with 4 after this time, whatever it is doing then.
void SetDeadMan(milliseconds life);

}  // namespace chaos::load
