// What an injector in the simulation may see of the container that it was started beside, and do to
// it: its processes, and the connections of its pod.
#pragma once

#include "injectors/processes.h"
#include "injectors/sockets.h"
#include "tests/sim/cluster/sim_process.h"
#include "tests/sim/cluster/sim_rbee.h"

namespace chaos::sim {

class SimProcesses final : public inject::Processes {
 public:
  // Requires: `context` outlives this.
  SimProcesses(const ProcessContext& context, std::string run)
      : context_(context), hand_{context.id, std::move(run)} {}

  Result<std::vector<inject::ProcessEntry>> List() override;
  inject::OnTerm HowItTakesTerm(const inject::ProcessId& id) override;
  std::optional<inject::Activity> Look(const inject::ProcessId& id) override;
  inject::Activity LookAtOurselves() override;
  std::optional<inject::Ended> End(const inject::ProcessId& id) override;
  Result<void> TryTrace(const inject::ProcessId& id) override;
  Result<void> TrySignal(const inject::ProcessId& id) override;
  Result<void> Kill(const inject::ProcessId& id) override;
  Result<void> Terminate(const inject::ProcessId& id) override;
  Result<void> Exit(const inject::ProcessId& id, int code) override;
  Result<void> Hold(const inject::ProcessId& id) override;
  void Release() override;
  Result<void> EndUsAfter(nanoseconds time) override;

 private:
  Result<void> Strike(const inject::ProcessId& id, ProcessTable::Blow blow, int code);

  const ProcessContext& context_;
  const ProcessTable::Hand hand_;
  std::uint64_t switches_ = 0;  // of our own
  std::optional<int> code_;     // of an end that we traced
  std::shared_ptr<std::uint64_t> timer_ = std::make_shared<std::uint64_t>(0);
};

// A worker registers with the hive some time after it began, and from then on streams an answer of
// a second every two seconds, as long as somebody asks it.
class SimSockets final : public inject::Sockets {
 public:
  SimSockets(const ProcessContext& context, const SimRbee& rbee) : context_(context), rbee_(rbee) {}
  Result<std::vector<inject::Connection>> Connections() override;

 private:
  const ProcessContext& context_;
  const SimRbee& rbee_;
};

}  // namespace chaos::sim
