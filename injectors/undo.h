// What has to be known to undo a fault that outlives its injector, as one word without blanks: it
// is in the record before the fault is, and a fresh injector can undo the fault from it alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "injectors/descriptors.h"
#include "injectors/fault.h"
#include "injectors/processes.h"
#include "operator/base/result.h"

namespace chaos::inject {

// The soft limit of open files was lowered from `before.soft` to `lowered`.
struct FileLimitUndo {
  ProcessId id;
  FileLimit before;
  std::uint64_t lowered = 0;
  std::uint64_t since = 0;  // ticks since boot: processes that started later have inherited it
};

std::string Print(const FileLimitUndo& undo);
// The error says that this is no such word.
Result<FileLimitUndo> ParseFileLimitUndo(std::string_view word);

// Idempotent: what is not as the fault left it was changed by somebody else, and stays. A process
// that is gone has taken the fault with it. The figures say what was done.
Result<Figures> Undo(const FileLimitUndo& undo, Processes& processes, Descriptors& descriptors);

}  // namespace chaos::inject
