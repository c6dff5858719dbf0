// The injector of a process fault in the simulation. It speaks the production protocol and dies
// with its victim; the production fault is held by tests of its own.
#pragma once

#include "injectors/protocol/arguments.h"
#include "injectors/protocol/events.h"
#include "tests/sim/cluster/sim_process.h"

namespace chaos::sim {

class SimProcessInjector final : public SimProcess, public Stoppable {
 public:
  SimProcessInjector(ProcessContext context, protocol::InjectArguments arguments, Random random)
      : context_(std::move(context)), arguments_(std::move(arguments)), random_(random) {}
  void Start() override;
  void Terminate() override { End("terminated"); }
  void Stop(const std::string& nonce, const std::string& reason,
            std::function<void(std::string)> answer) override;
  const std::string& run() const override { return arguments_.run; }

 private:
  void Arm();
  void Fire();
  void Strike();
  void End(const std::string& code);
  void Fail(std::string_view reason, const std::string& message);
  void Say(protocol::Event event, const std::string& state, const std::string& code = "ok");
  void Say(const std::string& name) {
    protocol::Event event;
    event.event = name;
    Say(std::move(event), name == "preflight" || name == "journal" ? "starting" : name);
  }
  void After(nanoseconds pause, std::function<void()> action);

  const ProcessContext context_;
  const protocol::InjectArguments arguments_;
  Random random_;
  std::optional<TimePoint> applied_;
  std::int64_t seq_ = 0;
  bool ended_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace chaos::sim
