#include "injectors/agent/supervisor.h"

#include <algorithm>
#include <utility>

#include "injectors/protocol/names.h"
#include "operator/base/mutant.h"
#include "operator/base/time_text.h"

namespace chaos::inject {
namespace {

constexpr int kMostRefusalsPrinted = 3;
constexpr std::size_t kMostReasonBytes = 64;

std::string Clip(std::string text) {
  if (text.size() > kMostReasonBytes) text.resize(kMostReasonBytes);
  return text;
}

}  // namespace

Supervisor::Supervisor(protocol::InjectArguments arguments, Fault& fault, Node& node,
                       const Clock& clock, Output& output)
    : arguments_(std::move(arguments)), fault_(fault), node_(node), clock_(clock), output_(output) {
  record_.state = "starting";
  record_.code = "ok";
  record_.run = arguments_.run;
}

std::optional<nanoseconds> Supervisor::Step(const Inputs& inputs) {
  for (const StopRequest& stop : inputs.stops) TakeStop(stop);
  if (inputs.terminate) End("terminated", "told to terminate", /*confirm=*/false);
  if (applied_ && CHAOS_MUTANT("wall-clock-deadline"))
    deadline_ = clock_.SinceBoot() + (*record_.applied + arguments_.duration - clock_.Now());
  if (applied_ && clock_.SinceBoot() >= deadline_) {
    End("ok", "the duration is over", /*confirm=*/true);
  }
  if (state_ == State::kStart) Start();
  PollLook();
  if (state_ == State::kDone) return std::nullopt;
  Heartbeat();
  return NextWake();
}

void Supervisor::Start() {
  if (!InWindow()) return;
  const Result<bool> lock = node_.TakeLock(arguments_.run);
  if (!lock) return Fail(protocol::kRefused, lock.error().detail);
  if (!*lock) {
    return Fail(protocol::kAlreadyThere,
                "another injector of run " + arguments_.run + " is in this network namespace");
  }
  const Result<std::string> mechanism = fault_.Preflight(node_);
  if (!mechanism) return Fail(protocol::kRefused, mechanism.error().detail);
  protocol::Event event = Draft("preflight");
  event.requested = fault_.Requested();
  event.measured = {{"mechanism", *mechanism}};
  Emit(std::move(event), "starting");
  look_ = fault_.Baseline(node_, clock_.SinceBoot());
  state_ = State::kBaseline;
}

// The last look at the window is the one that counts: it is followed by Apply without a wait in
// between.
void Supervisor::Arm(const Reading& before) {
  if (!before.reason.empty()) return Fail(before.reason, before.message, before.measured);
  if (!InWindow()) return;
  protocol::Event journal = Draft("journal");
  journal.measured = fault_.Journal();
  Emit(std::move(journal), "starting");
  protocol::Event armed = Draft("armed");
  armed.requested = fault_.Requested();
  armed.measured = before.measured;
  Emit(std::move(armed), "armed");

  const bool wall = CHAOS_MUTANT("wall-clock-deadline");
  const nanoseconds lasts = wall ? std::chrono::hours(24) : nanoseconds(arguments_.duration);
  deadline_ = clock_.SinceBoot() + arguments_.duration;
  if (const Result<void> done = fault_.Apply(node_, lasts); !done) {
    return Fail(protocol::kRefused, done.error().detail);
  }
  applied_ = true;
  applied_at_ = clock_.SinceBoot();
  record_.applied = clock_.Now();
  next_heartbeat_ = applied_at_ + kHeartbeat;
  Emit(Draft("applied"), "applied");
  look_ = fault_.Measure(node_, clock_.SinceBoot());
  state_ = State::kMeasuring;
}

void Supervisor::Judge(const Reading& during) {
  if (!during.reason.empty()) {
    if (!Revert("the fault is not what was asked for")) return;
    return Fail(during.reason, during.message, during.measured);
  }
  record_.verified = clock_.Now();
  protocol::Event event = Draft("verified");
  event.requested = fault_.Requested();
  event.measured = during.measured;
  Emit(std::move(event), "verified");
  state_ = State::kActive;
}

void Supervisor::TakeStop(const StopRequest& stop) {
  if (stop.nonce != arguments_.nonce) {
    output_.Answer(stop.id, "refused: wrong nonce");
    if (++refusals_ > kMostRefusalsPrinted || state_ == State::kDone) return;
    protocol::Event event = Draft("stopRefused");
    event.message = "a stop with a wrong nonce was refused";
    return Emit(std::move(event), record_.state);
  }
  End("stopped", "stopped: " + Clip(stop.reason), /*confirm=*/true);
  output_.Answer(stop.id, record_.applied ? "reverted" : "nothing applied");
}

void Supervisor::End(const std::string& code, const std::string& why, bool confirm) {
  if (state_ == State::kDone) return;
  if (state_ == State::kConfirming) {
    if (!confirm) FinishConfirming({});
    return;
  }
  look_.reset();
  record_.code = code;
  if (!applied_) return Finish("stopped", why, {}, "reverted", 0);
  const bool verified = record_.verified.has_value();
  if (!Revert(why)) return;
  if (code == "ok" && !verified) {
    return Fail(protocol::kNoEffect, "the deadline came before the effect could be measured",
                at_revert_);
  }
  why_ = why;
  state_ = State::kConfirming;
  if (confirm) {
    look_ = fault_.Confirm(node_, clock_.SinceBoot());
  } else {
    FinishConfirming({});
  }
}

// Where the kernel does not take the fault back, ending this process does.
bool Supervisor::Revert(const std::string& why) {
  protocol::Event event = Draft("reverting");
  event.message = why;
  Emit(std::move(event), "reverting");
  Result<Figures> reverted = fault_.Revert(node_);
  applied_ = false;
  if (!reverted) {
    Fail(protocol::kRefused, "revert: " + reverted.error().detail + "; it ends with this process");
    return false;
  }
  record_.reverted = clock_.Now();
  at_revert_ = std::move(*reverted);
  at_revert_["duration"] =
      PrintShort(std::chrono::duration_cast<microseconds>(clock_.SinceBoot() - applied_at_));
  // The record says so at once: looking again takes a while, and may be cut short.
  Remember(at_revert_, "reverted");
  return true;
}

void Supervisor::FinishConfirming(const Figures& after) {
  Figures measured = at_revert_;
  measured.insert(after.begin(), after.end());
  Finish("reverted", why_, measured, "reverted", 0);
}

void Supervisor::Fail(std::string_view reason, const std::string& message,
                      const Figures& measured) {
  record_.code = reason;
  Finish("failed", message, measured, "failed", 1);
}

void Supervisor::Finish(std::string name, const std::string& message, const Figures& measured,
                        std::string_view record_state, int exit_code) {
  protocol::Event event = Draft(std::move(name));
  if (event.event == "reverted") event.at = *record_.reverted;
  if (record_.code != "ok") event.reason = record_.code;
  event.message = message;
  event.measured = measured;
  Emit(std::move(event), record_state);
  look_.reset();
  state_ = State::kDone;
  exit_code_ = exit_code;
}

bool Supervisor::InWindow() {
  const TimePoint now = clock_.Now();
  const bool in_time = now <= arguments_.not_after || CHAOS_MUTANT("ignore-not-after");
  if (now >= arguments_.not_before && in_time) return true;
  Fail(protocol::kClockSkew,
       "the injector's clock says " + PrintTime(now) + ", and this fault may start only from " +
           PrintTime(arguments_.not_before) + " to " + PrintTime(arguments_.not_after));
  return false;
}

void Supervisor::PollLook() {
  while (look_) {
    const std::optional<Reading> reading = look_->Poll(clock_.SinceBoot());
    if (!reading) return;
    look_.reset();
    if (state_ == State::kBaseline) {
      Arm(*reading);
    } else if (state_ == State::kMeasuring) {
      Judge(*reading);
    } else {
      FinishConfirming(reading->measured);
    }
  }
}

void Supervisor::Heartbeat() {
  const nanoseconds now = clock_.SinceBoot();
  if (!applied_ || now < next_heartbeat_) return;
  next_heartbeat_ = now + kHeartbeat;
  protocol::Event event = Draft("alive");
  event.measured = fault_.Sample(node_);
  Emit(std::move(event), record_.state);
}

nanoseconds Supervisor::NextWake() const {
  nanoseconds wake = nanoseconds::max();
  if (applied_) wake = std::min(deadline_, next_heartbeat_);
  if (look_) wake = std::min(wake, look_->Deadline());
  return wake;
}

protocol::Event Supervisor::Draft(std::string name) const {
  protocol::Event event;
  event.at = clock_.Now();
  event.event = std::move(name);
  return event;
}

void Supervisor::Emit(protocol::Event event, std::string_view record_state) {
  event.seq = ++seq_;
  output_.Line(event);
  Remember(event.measured, record_state);
}

void Supervisor::Remember(const Figures& measured, std::string_view state) {
  record_.state = state;
  for (const std::string_view key : fault_.Headlines()) {
    const auto found = measured.find(std::string(key));
    if (found != measured.end()) record_.figures.insert_or_assign(found->first, found->second);
  }
  output_.Record(protocol::PrintRecord(record_));
}

}  // namespace chaos::inject
