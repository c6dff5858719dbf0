// CHECK guards our own invariants, always on; never input from a user or the cluster.
#pragma once

namespace chaos {
[[noreturn]] void CheckFailed(const char* condition, const char* file, int line);
}  // namespace chaos

#define CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::chaos::CheckFailed(#condition, __FILE__, __LINE__))
