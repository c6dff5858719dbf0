// What a fault may ask about the processes beside it, and do to one of them. The one real
// implementation is agent/linux_processes; tests bring their own.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/clock.h"
#include "operator/base/result.h"

namespace chaos::inject {

// A process and no other that gets its number later.
struct ProcessId {
  int pid = 0;
  std::uint64_t start = 0;                             // clock ticks since boot
  auto operator<=>(const ProcessId&) const = default;  // NOLINT(modernize-use-nullptr)
};

struct ProcessEntry {
  ProcessId id;
  std::string command;  // its words, with blanks between them
};

struct Activity {
  int threads = 0;
  int held = 0;                // of them, by us
  int stopped = 0;             // of them, by somebody else
  milliseconds cpu{0};         // that all of them have used
  std::uint64_t switches = 0;  // how often one of them was taken off its CPU
};

// How a process ended, as far as it can be seen from here.
struct Ended {
  std::optional<int> exit_code;  // 128 + signal for a signal
};

enum class OnTerm {
  kHandled,  // has a handler for SIGTERM
  kIgnored,  // ignores it, or is process 1 without a handler: the kernel drops it then
  kDies,     // by default
};

class Processes {
 public:
  virtual ~Processes() = default;

  // All but kernel threads and ourselves. The error says why none may be touched.
  virtual Result<std::vector<ProcessEntry>> List() = 0;
  virtual OnTerm HowItTakesTerm(const ProcessId& id) = 0;
  // nullopt: it is gone.
  virtual std::optional<Activity> Look(const ProcessId& id) = 0;
  virtual Activity LookAtOurselves() = 0;
  // nullopt: it goes on. A zombie has ended.
  virtual std::optional<Ended> End(const ProcessId& id) = 0;

  // Whether we may trace it, or send it a signal; without any effect on it. The error names what is
  // missing.
  virtual Result<void> TryTrace(const ProcessId& id) = 0;
  virtual Result<void> TrySignal(const ProcessId& id) = 0;

  // These three may not return: who ends process 1 ends with it. kNotFound: it is gone already.
  virtual Result<void> Kill(const ProcessId& id) = 0;
  // What a kubelet does first: SIGTERM, which process 1 without a handler does not notice.
  virtual Result<void> Terminate(const ProcessId& id) = 0;
  virtual Result<void> Exit(const ProcessId& id, int code) = 0;

  // Every thread stands still until Release, or until we end, however. All or nothing.
  virtual Result<void> Hold(const ProcessId& id) = 0;
  // Idempotent.
  virtual void Release() = 0;
  // The kernel ends us after this time, even if we hang: what we hold is free then. 0: it does not.
  virtual Result<void> EndUsAfter(nanoseconds time) = 0;
};

}  // namespace chaos::inject
