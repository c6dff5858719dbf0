#include "tests/sim/cluster/sim_process_injector.h"

namespace chaos::sim {
namespace {

constexpr seconds kPatience{5};  // with a victim that goes on

}  // namespace

void SimProcessInjector::Start() {
  const TimePoint now = context_.clock.Now();
  if (now < arguments_.not_before || now > arguments_.not_after)
    return Fail(protocol::kClockSkew, "outside of its window");
  if (!context_.network.TakeLock(context_.pod_uid, arguments_.run, context_.id))
    return Fail(protocol::kAlreadyThere, "another injector of this run is here");
  if (context_.network.mood() == KernelMood::kNotPermitted)
    return Fail(protocol::kRefused, "ptrace: Operation not permitted");
  Say("preflight");
  After(milliseconds(5), [this] { Arm(); });
}

void SimProcessInjector::Arm() {
  Say("journal");
  Say("armed");
  if (!arguments_.trigger) return Fire();
  const protocol::Trigger& trigger = *arguments_.trigger;
  After(trigger.within, [this] { Fail(protocol::kTriggerNeverFired, "nothing happened in time"); });
  const bool random = trigger.when == protocol::When::kRandomWithin;
  // Somebody streams all the time; what happens later than `within` does not happen.
  After(random ? nanoseconds(trigger.delay) : nanoseconds(milliseconds(100 + random_.Below(8000))),
        [this] {
          Say("triggered");
          Fire();
        });
}

void SimProcessInjector::Fire() {
  applied_ = context_.clock.Now();
  Say("aboutTo");
  After(microseconds(200), [this] { Strike(); });
}

void SimProcessInjector::Strike() {
  const KernelMood mood = context_.network.mood();
  if (mood == KernelMood::kNoEffect) {
    After(kPatience, [this] { Fail(protocol::kNoEffect, "process 1 goes on"); });
    return;
  }
  ended_ = true;
  if (mood == KernelMood::kPartial) return context_.exit(137);  // it alone
  const protocol::Process& process = std::get<protocol::Process>(arguments_.fault);
  const bool exits = process.action == protocol::ProcessAction::kExit;
  context_.end_target(arguments_.run, exits ? process.exit_code : 137);  // and us with it
}

void SimProcessInjector::Stop(const std::string& nonce, const std::string&,
                              std::function<void(std::string)> answer) {
  if (nonce != arguments_.nonce) return answer("refused: wrong nonce");
  answer("nothing applied");
  End("stopped");
}

void SimProcessInjector::End(const std::string& code) {
  if (ended_) return;
  protocol::Event event;
  event.event = "stopped";
  event.reason = code;
  Say(std::move(event), "reverted", code);
  ended_ = true;
  context_.exit(0);
}

void SimProcessInjector::Fail(std::string_view reason, const std::string& message) {
  if (ended_) return;
  protocol::Event event;
  event.event = "failed";
  event.reason = reason;
  event.message = message;
  Say(std::move(event), "failed", std::string(reason));
  ended_ = true;
  context_.exit(1);
}

void SimProcessInjector::Say(protocol::Event event, const std::string& state,
                             const std::string& code) {
  event.seq = ++seq_;
  event.at = context_.clock.Now();
  context_.print(protocol::PrintEvent(event));
  protocol::Record record;
  record.state = state;
  record.code = code;
  record.run = arguments_.run;
  record.applied = applied_;
  context_.terminate_message(protocol::PrintRecord(record));
}

void SimProcessInjector::After(nanoseconds pause, std::function<void()> action) {
  context_.timeline.After(pause,
                          [this, action = std::move(action), alive = std::weak_ptr<bool>(alive_)] {
                            if (!alive.expired() && !ended_) action();
                          });
}

}  // namespace chaos::sim
