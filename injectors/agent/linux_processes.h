// The processes of this PID namespace, by /proc, signals and ptrace.
#pragma once

#include <ctime>
#include <optional>

#include "injectors/agent/tracer.h"
#include "injectors/processes.h"

namespace chaos::inject {

class LinuxProcesses final : public Processes {
 public:
  LinuxProcesses() = default;
  LinuxProcesses(const LinuxProcesses&) = delete;
  LinuxProcesses& operator=(const LinuxProcesses&) = delete;
  ~LinuxProcesses() override;

  Result<std::vector<ProcessEntry>> List() override;
  OnTerm HowItTakesTerm(const ProcessId& id) override;
  std::optional<Activity> Look(const ProcessId& id) override;
  Activity LookAtOurselves() override;
  std::optional<Ended> End(const ProcessId& id) override;
  Result<void> TryTrace(const ProcessId& id) override;
  Result<void> TrySignal(const ProcessId& id) override;
  Result<void> Kill(const ProcessId& id) override;
  Result<void> Terminate(const ProcessId& id) override;
  Result<void> Exit(const ProcessId& id, int code) override;
  Result<void> Hold(const ProcessId& id) override;
  void Release() override { tracer_.Release(); }
  Result<void> EndUsAfter(nanoseconds time) override;

 private:
  // By a signal where that is permitted, else on the way through ptrace.
  Result<void> Send(const ProcessId& id, int signal, bool traced);

  Tracer tracer_;
  std::optional<int> code_;  // of what ended while we traced it
  std::optional<timer_t> timer_;
};

}  // namespace chaos::inject
