// A load pod in the simulation: one request per VU and second, told in the production protocol.
#pragma once

#include "injectors/protocol/load.h"
#include "tests/sim/cluster/load_truth.h"
#include "tests/sim/cluster/sim_process.h"
#include "tests/sim/cluster/sim_rbee.h"

namespace chaos::sim {

class SimLoadPod final : public SimProcess {
 public:
  SimLoadPod(ProcessContext context, const SimRbee& rbee, LoadTruths& truths)
      : context_(std::move(context)), rbee_(rbee), truths_(truths) {}
  void Start() override;
  void Terminate() override;

 private:
  void Begin();
  void Tick();
  void End(const std::string& why);
  void Linger(seconds left);
  void Say(std::string event, protocol::Ledger ledger = {}, std::string reason = "");
  nanoseconds SinceT0() const;
  void After(nanoseconds pause, std::function<void()> action);

  const ProcessContext context_;
  const SimRbee& rbee_;
  LoadTruths& truths_;
  protocol::LoadArguments arguments_;
  protocol::Ledger all_;
  int index_ = 0;
  std::int64_t seq_ = 0, vu_ms_ = 0;
  int second_ = 0;  // the next to be worked, since T0
  int vus_ = 0;
  bool ended_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace chaos::sim
