// The injector in the simulation: production supervisor, triggers and faults over a simulated node
// and its processes.
#pragma once

#include <optional>
#include <vector>

#include "injectors/agent/supervisor.h"
#include "injectors/fault.h"
#include "injectors/trigger.h"
#include "tests/sim/cluster/sim_processes.h"

namespace chaos::sim {

class SimNode final : public inject::Node {
 public:
  SimNode(const ProcessContext& context, std::function<void()> wake)
      : context_(context), wake_(std::move(wake)) {}

  Result<bool> TakeLock(const std::string& run) override;
  std::vector<inject::Address> OwnAddresses() override;
  std::unique_ptr<inject::Dial> Connect(const inject::Endpoint& endpoint) override;
  std::unique_ptr<inject::Lookup> Resolve(const std::string& name) override;
  Result<void> TryCut(const inject::Cut& cut) override;
  Result<void> ApplyCut(const inject::Cut& cut, nanoseconds lasts) override;
  Result<void> WidenCut(const std::vector<inject::Address>& more, nanoseconds lasts) override;
  Result<std::uint64_t> Dropped() override;
  Result<void> RemoveCut() override;

 private:
  const ProcessContext& context_;
  const std::function<void()> wake_;
  std::string run_;
};

class SimInjector final : public SimProcess, public Stoppable, public inject::Output {
 public:
  SimInjector(ProcessContext context, const SimRbee& rbee)
      : context_(std::move(context)), sockets_(context_, rbee) {}
  void Start() override;
  void Terminate() override;
  void Freeze() override { frozen_ = true; }
  // A stopper has asked.
  void Stop(const std::string& nonce, const std::string& reason,
            std::function<void(std::string)> answer) override;
  const std::string& run() const override { return run_; }

 private:
  void Step(const inject::Inputs& inputs);
  void PlanStep(nanoseconds since_boot);
  void Line(const protocol::Event& event) override;
  void Record(const std::string& text) override { context_.terminate_message(text); }
  void Answer(int id, const std::string& answer) override;

  const ProcessContext context_;
  std::string run_;
  SimSockets sockets_;
  std::unique_ptr<SimNode> node_;
  std::unique_ptr<SimProcesses> processes_;
  std::unique_ptr<inject::Fault> fault_;
  std::unique_ptr<inject::Trigger> trigger_;
  std::unique_ptr<inject::Supervisor> supervisor_;
  std::vector<std::function<void(std::string)>> askers_;  // by id of their stop
  std::uint64_t planned_ = 0;
  bool frozen_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// `chaos-injector stop`.
class SimStopper final : public SimProcess {
 public:
  explicit SimStopper(ProcessContext context) : context_(std::move(context)) {}
  void Start() override;
  void Terminate() override { context_.exit(143); }

 private:
  void Heard(const std::string& answer);
  void Say(std::string event, std::string state, std::string code, const std::string& message);
  const ProcessContext context_;
  std::string run_;
  bool heard_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace chaos::sim
