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
                       const Clock& clock, Output& output, Trigger* trigger)
    : arguments_(std::move(arguments)),
      fault_(fault),
      node_(node),
      clock_(clock),
      output_(output),
      trigger_(trigger) {
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
  Tick();
  TellActs();
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
  if (trigger_ != nullptr) {
    if (const Result<void> can = trigger_->Preflight(); !can)
      return Fail(protocol::kRefused, can.error().detail);
  }
  protocol::Event event = Draft("preflight");
  event.requested = fault_.Requested();
  event.measured = {{"mechanism", *mechanism}};
  Emit(std::move(event), "starting");
  look_ = fault_.Baseline(node_, clock_.SinceBoot());
  state_ = State::kBaseline;
}

// The last look at the window is the one that counts: what follows is Apply, or the trigger's wait,
// which has a limit of its own.
void Supervisor::Arm(const Reading& before) {
  if (!before.reason.empty()) return Fail(before.reason, before.message, before.measured);
  if (!InWindow()) return;
  protocol::Event journal = Draft("journal");
  journal.measured = fault_.Journal();
  record_.undo = fault_.Undo();
  if (!record_.undo.empty()) journal.measured["leaves"] = record_.undo;
  Emit(std::move(journal), "starting");
  protocol::Event armed = Draft("armed");
  armed.requested = fault_.Requested();
  armed.measured = before.measured;
  Emit(std::move(armed), "armed");

  next_heartbeat_ = clock_.SinceBoot() + kHeartbeat;
  if (trigger_ == nullptr) return Strike();
  look_ = trigger_->Wait(clock_.SinceBoot());
  state_ = State::kWaiting;
}

void Supervisor::Fire(const Reading& seen) {
  if (!seen.reason.empty()) return Fail(seen.reason, seen.message, seen.measured);
  protocol::Event event = Draft("triggered");
  event.measured = seen.measured;
  Emit(std::move(event), "triggered");
  Strike();
}

// Who may end with the next step says so before it: line and record are out when it is taken.
void Supervisor::Strike() {
  const bool first = !applied_;
  Figures about_to = fault_.AboutTo();
  const bool fatal = !about_to.empty();
  if (fatal) {
    if (first) record_.applied = clock_.Now();
    protocol::Event event = Draft("aboutTo");
    event.measured = std::move(about_to);
    Emit(std::move(event), "aboutTo");
  }
  const bool wall = CHAOS_MUTANT("wall-clock-deadline");
  const nanoseconds lasts = wall ? std::chrono::hours(24) : nanoseconds(arguments_.duration);
  if (first) {
    deadline_ = fault_.AtOnce() ? nanoseconds::max() : clock_.SinceBoot() + arguments_.duration;
  }
  if (const Result<void> done = fault_.Apply(node_, lasts); !done) {
    if (first) record_.applied.reset();
    applied_ = false;
    const bool gone = done.error().reason == Reason::kNotFound;
    return Fail(gone ? protocol::kTargetGone : protocol::kRefused, done.error().detail);
  }
  if (first) {
    applied_ = true;
    applied_at_ = clock_.SinceBoot();
    if (!fatal) record_.applied = clock_.Now();
    next_heartbeat_ = applied_at_ + kHeartbeat;
    Emit(Draft("applied"), "applied");
  }
  next_tick_ = fault_.Tick(node_, clock_.SinceBoot());
  look_ = fault_.Measure(node_, clock_.SinceBoot());
  state_ = State::kMeasuring;
}

void Supervisor::Judge(const Reading& during) {
  if (during.again) return Strike();
  if (!during.reason.empty()) {
    if (fault_.AtOnce()) {
      applied_ = false;
      return Fail(during.reason, during.message, during.measured);
    }
    if (!Revert("the fault is not what was asked for")) return;
    return Fail(during.reason, during.message, during.measured);
  }
  record_.verified = clock_.Now();
  protocol::Event event = Draft("verified");
  event.requested = fault_.Requested();
  event.measured = during.measured;
  Emit(std::move(event), "verified");
  if (fault_.AtOnce()) {
    applied_ = false;
    return Finish("done", "", during.measured, "done", 0);
  }
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
  if (fault_.AtOnce()) {
    applied_ = false;
    return Finish("done", why + "; what was done cannot be taken back", fault_.Sample(node_),
                  "done", 0);
  }
  unproven_ = code == "ok" && !record_.verified;
  if (!Revert(why)) return;
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
  Result<Figures> reverted = fault_.Revert(node_, clock_.SinceBoot());
  applied_ = false;
  if (!reverted && !record_.undo.empty()) {
    Fail(protocol::kRevertFailed, reverted.error().detail);
    return false;
  }
  if (!reverted) {
    Fail(protocol::kRefused, "revert: " + reverted.error().detail + "; it ends with this process");
    return false;
  }
  record_.reverted = clock_.Now();
  record_.undo.clear();
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
  if (unproven_) {
    return Fail(protocol::kNoEffect, "the deadline came before the effect could be measured",
                measured);
  }
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
  if (record_.code != protocol::kRevertFailed) record_.undo.clear();
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
    } else if (state_ == State::kWaiting) {
      Fire(*reading);
    } else if (state_ == State::kMeasuring) {
      Judge(*reading);
    } else {
      FinishConfirming(reading->measured);
    }
  }
}

void Supervisor::Tick() {
  if (applied_) next_tick_ = fault_.Tick(node_, clock_.SinceBoot());
}

// Lines alone: the record holds figures, and is not rewritten for each of them.
void Supervisor::TellActs() {
  if (state_ == State::kDone) return;  // its last line was said
  for (std::string& act : fault_.Acts(clock_.SinceBoot())) {
    protocol::Event event = Draft("act");
    event.message = std::move(act);
    event.seq = ++seq_;
    output_.Line(event);
  }
}

void Supervisor::Heartbeat() {
  const nanoseconds now = clock_.SinceBoot();
  if ((!applied_ && state_ != State::kWaiting) || now < next_heartbeat_) return;
  next_heartbeat_ = now + kHeartbeat;
  protocol::Event event = Draft("alive");
  if (applied_) event.measured = fault_.Sample(node_);
  Emit(std::move(event), record_.state);
}

nanoseconds Supervisor::NextWake() const {
  nanoseconds wake = nanoseconds::max();
  if (applied_) wake = std::min(deadline_, next_heartbeat_);
  if (applied_ && next_tick_) wake = std::min(wake, *next_tick_);
  if (state_ == State::kWaiting) wake = std::min(wake, next_heartbeat_);
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
