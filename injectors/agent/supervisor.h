// Walks one fault from its window check to its end and tells about it; the deadline is kept
// whatever happens. No thread, no clock and no descriptor of its own: the shell around it
// (agent/loop, or a simulation) brings them.
//
//   start ─► baseline ─► waiting ─► measuring ─► active ─► confirming ─► done
//     │           │ window    │ trigger  │ no effect   │ deadline, stop, SIGTERM
//     ▼           ▼           ▼          ▼ revert      ▼ revert
//   failed      failed      failed     failed        reverted
//
// A fault that happens at once ends with its measurement: nothing is left to be reverted.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "injectors/fault.h"
#include "injectors/protocol/arguments.h"
#include "injectors/protocol/events.h"
#include "injectors/trigger.h"
#include "operator/base/clock.h"

namespace chaos::inject {

// Where the supervisor speaks to. Calls must not block for long.
class Output {
 public:
  virtual ~Output() = default;
  virtual void Line(const protocol::Event& event) = 0;
  // At most 300 bytes, replaces the one before.
  virtual void Record(const std::string& text) = 0;
  // To the stopper whose request had this id: "reverted", "nothing applied", or "refused: …".
  virtual void Answer(int id, const std::string& answer) = 0;
};

struct StopRequest {
  int id = 0;
  std::string nonce;
  std::string reason;
};

struct Inputs {
  bool terminate = false;  // SIGTERM or SIGINT
  std::vector<StopRequest> stops;
};

class Supervisor {
 public:
  static constexpr seconds kHeartbeat{5};

  // Requires: all references outlive the supervisor, as does `trigger`, which is nullptr when there
  // is nothing to wait for. Nothing happens before the first Step.
  Supervisor(protocol::InjectArguments arguments, Fault& fault, Node& node, const Clock& clock,
             Output& output, Trigger* trigger = nullptr);

  // Call at once, then at the time it returned (Clock::SinceBoot) or earlier, whenever there is an
  // input or a Dial may have an answer. nullopt: finished, and nothing of the fault is left.
  std::optional<nanoseconds> Step(const Inputs& inputs);

  // Requires: Step returned nullopt. 0: ran and reverted, or stopped on request; 1: failed, the
  // reason was printed.
  int exit_code() const { return exit_code_; }
  // True between a successful Apply and the Revert: for invariants.
  bool applied() const { return applied_; }

 private:
  enum class State { kStart, kBaseline, kWaiting, kMeasuring, kActive, kConfirming, kDone };

  void Start();
  void Arm(const Reading& before);
  void Fire(const Reading& seen);
  void Strike();
  void Judge(const Reading& during);
  void TakeStop(const StopRequest& stop);
  void End(const std::string& code, const std::string& why, bool confirm);
  // False: it could not, and Fail was called.
  bool Revert(const std::string& why);
  void FinishConfirming(const Figures& after);
  void Fail(std::string_view reason, const std::string& message, const Figures& measured = {});
  void Finish(std::string name, const std::string& message, const Figures& measured,
              std::string_view record_state, int exit_code);
  // False: it is not the time, and Fail was called.
  bool InWindow();
  void PollLook();
  void Tick();
  void TellActs();
  void Heartbeat();
  nanoseconds NextWake() const;

  protocol::Event Draft(std::string name) const;
  void Emit(protocol::Event event, std::string_view record_state);
  void Remember(const Figures& measured, std::string_view state);

  const protocol::InjectArguments arguments_;
  Fault& fault_;
  Node& node_;
  const Clock& clock_;
  Output& output_;
  Trigger* const trigger_;

  State state_ = State::kStart;
  bool applied_ = false;
  bool unproven_ = false;  // from End on: its deadline came before the effect was measured
  int exit_code_ = 1;
  nanoseconds deadline_{0};        // from Strike on
  nanoseconds applied_at_{0};      // from Strike on
  nanoseconds next_heartbeat_{0};  // from Arm on
  std::optional<nanoseconds> next_tick_;
  std::unique_ptr<Look> look_;
  protocol::Record record_;
  Figures at_revert_;  // from Revert on
  std::string why_;    // from End on
  std::int64_t seq_ = 0;
  int refusals_ = 0;  // printed ones, so that nobody can flood the log
};

}  // namespace chaos::inject
