// The probe pod in the simulation: samples on a fixed schedule, printed in the production protocol.
#pragma once

#include "injectors/protocol/arguments.h"
#include "injectors/protocol/events.h"
#include "tests/sim/cluster/sim_process.h"
#include "tests/sim/cluster/sim_rbee.h"

namespace chaos::sim {

class SimProbePod final : public SimProcess {
 public:
  SimProbePod(ProcessContext context, SimRbee& rbee, Random random)
      : context_(std::move(context)), rbee_(rbee), random_(random) {}
  void Start() override;
  void Terminate() override { End("stopped by SIGTERM"); }

 private:
  void Sample(const protocol::ProbeArguments& probe, std::int64_t n);
  void Finish(const protocol::ProbeArguments& probe, TimePoint at, milliseconds took);
  void Beat();
  void End(const std::string& why);
  void Say(protocol::Event event);
  void After(nanoseconds pause, std::function<void()> action);

  const ProcessContext context_;
  SimRbee& rbee_;
  Random random_;
  protocol::ProbePodArguments arguments_;
  TimePoint start_{};
  nanoseconds started_at_{0};
  std::int64_t seq_ = 0;
  bool ended_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace chaos::sim
