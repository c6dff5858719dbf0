// One target of a run whose intent is persisted: launched, verified, stopped, and seen clean.
#include <algorithm>

#include "controllers/chaosexperiment/bodies.h"
#include "controllers/chaosexperiment/planner.h"
#include "injectors/protocol/names.h"
#include "operator/base/mutant.h"
#include "operator/base/time_text.h"

namespace chaos::experiment {
namespace {

constexpr seconds kStatusLag{15};    // a failed start shows in a pod's status up to 14 s late
constexpr seconds kUnseenGrace{30};  // past the deadline without news from the kubelet
constexpr seconds kOverdue{10};
// Log reads while the injector has not verified, counted from the intent; the kubelet needs
// about 1.2 s to start it.
constexpr milliseconds kReadAt[] = {milliseconds(1500), milliseconds(2500), milliseconds(4000),
                                    milliseconds(8000), milliseconds(16000)};

// The fault was on for less long than was asked for: a run with it proves nothing about the whole
// duration.
bool CutShort(const TargetStatus& target, milliseconds duration) {
  return target.injected_at && target.reverted_at &&
         *target.reverted_at - *target.injected_at < duration - seconds(1);
}

// A sidecar that started but did not come to the point of touching anything.
bool NeverApplied(const Said& said) { return !said.applied_at; }

}  // namespace

void Planner::End(TargetStatus& target, std::string state, TimePoint at, std::string reason,
                  std::string message) {
  target.state = std::move(state);
  target.clean_at = at;
  if (target.reason.empty()) {
    target.reason = std::move(reason);
    target.message = std::move(message);
  }
}

void Planner::UpdateTarget(TargetStatus& target) {
  const TargetView& view = View(target.uid);
  const Pod* pod = FindPod(target.pod, target.uid);
  const bool overdue_unseen = now_ > target.intent->deadline + kUnseenGrace;
  if (!world_.not_bound
           .empty()) {  // our right to see pods was taken away: only the deadline is left
    if (overdue_unseen)
      return End(target, "Gone", now_, "TargetGone",
                 "the pod cannot be seen any more: " + world_.not_bound);
    return Wake(target.intent->deadline + kUnseenGrace + milliseconds(1));
  }
  if (spec_.pod) return UpdateRemoved(target, pod, view);
  if (pod == nullptr) {
    TakeOver(target, view.said);
    const bool whole = target.reverted_at && (next_.stop || !CutShort(target, spec_.duration));
    return End(target, "Gone", now_, whole ? "" : "TargetGone",
               whole ? "" : "the pod was deleted or replaced during the run");
  }
  const bool there = std::find(pod->sidecars.begin(), pod->sidecars.end(),
                               target.intent->sidecar) != pod->sidecars.end();
  if (there)
    UpdateLaunched(target, *pod, view);
  else
    NotLaunched(target, *pod, view);
  if (!target.Ended() && overdue_unseen && spec_.Outlives()) {
    revert_overdue_ = true;  // nothing but a word of its node can say that it is gone
  } else if (!target.Ended() &&
             overdue_unseen) {  // the kernel took it away; nobody was there to say so
    if (target.injected_at && !target.reverted_at && !spec_.EndsProcess())
      target.reverted_at = *target.injected_at + spec_.duration;
    const bool lost = target.injected_at.has_value();
    End(target, "Clean", now_, lost ? "InjectorLost" : "StartFailed",
        lost ? "nobody saw the fault end; its deadline is over"
             : "the injector was never heard of");
  }
}

// Past the window, by more than the clocks of nodes may differ, and by a fresh word of its node.
bool Planner::SurelyNotStarted(const TargetStatus& target, const TargetView& view) {
  const TimePoint over = target.intent->not_after + kStatusLag;
  if (now_ <= over) {
    Wake(over + milliseconds(1));
    return false;
  }
  if (view.not_started_at && *view.not_started_at > over) return true;
  const bool just_asked = view.log_read_at && *view.log_read_at > now_ - seconds(1);
  if (!just_asked) Do(ReadLog{target.pod, target.uid, target.intent->sidecar});
  Wake(now_ + seconds(1));
  return false;
}

void Planner::NotLaunched(TargetStatus& target, const Pod& pod, const TargetView& view) {
  if (view.launch_error) {
    const Error& error = *view.launch_error;
    if (error.reason == Reason::kNotFound)
      return End(target, "Gone", now_, "TargetGone",
                 "the pod went away before the injector was launched");
    // An attempt before this one, ours or a predecessor's, may still be carried out.
    if (view.launch_uncertain && !SurelyNotStarted(target, view)) return;
    return End(target, "Refused", now_, "Refused", "the injector was refused: " + error.detail);
  }
  const std::string held_back = WhyHeldBack(target, pod);
  if (now_ <= target.intent->not_after) {
    Wake(target.intent->not_after + milliseconds(1));
    // A stop while a launch may still be under way: its window must pass before the target is
    // surely clean.
    if (!next_.stop && held_back.empty())
      Do(LaunchInjector{target.pod, target.uid, SidecarPatch(*target.intent, target.uid)});
    return;
  }
  TakeOver(target, view.said);  // its log may know of it before the watch does
  if (view.said.armed_at) return Wake(now_ + seconds(1));
  if (!SurelyNotStarted(target, view)) return;
  End(target, "Refused", now_, next_.stop ? "" : "StartFailed",
      held_back.empty()
          ? "the injector could not be launched before " + PrintTime(target.intent->not_after, 0)
          : "the injector was not launched: " + held_back);
}

void Planner::TakeOver(TargetStatus& target, const Said& said) const {
  const auto floor = [](const std::optional<TimePoint>& time) -> std::optional<TimePoint> {
    if (!time) return std::nullopt;
    return std::chrono::floor<milliseconds>(*time);
  };
  if (said.applied_at) target.injected_at = floor(said.applied_at);
  if (said.verified_at) target.verified_at = floor(said.verified_at);
  if (said.reverted_at) target.reverted_at = floor(said.reverted_at);
  if (!said.mechanism.empty()) target.mechanism = said.mechanism;
  if (target.verified_at) target.measured_by = "injector";
  if (!said.failure.empty()) {
    target.reason = said.failure == protocol::kPartialEffect ? "WrongDose"
                    : said.failure == protocol::kClockSkew   ? "StartFailed"
                                                             : said.failure;
    target.message = said.message;
  }
  // Figures that move all the time are taken at transitions only: a status is not a channel.
  const bool transition =
      target.verified_at.has_value() && (target.measured.empty() || said.reverted_at);
  if (transition || !said.failure.empty()) {
    target.requested = said.requested;
    target.measured = said.measured;
  }
}

void Planner::UpdateLaunched(TargetStatus& target, const Pod& pod, const TargetView& view) {
  TakeOver(target, view.said);
  if (CHAOS_MUTANT("trust-a-200") && !target.verified_at)
    target.injected_at = target.verified_at = now_;
  const ContainerState* state = pod.State(target.intent->sidecar);
  if (state != nullptr && state->kind == ContainerState::Kind::kTerminated)
    return Terminated(target, pod, *state, view);

  target.state = view.said.reverted_at ? "Reverting"
                 : target.verified_at  ? "Verified"
                 : target.injected_at  ? "Applied"
                 : view.said.armed_at  ? "Armed"
                                       : "Launched";
  const bool waiting = state == nullptr || state->kind != ContainerState::Kind::kRunning;
  if (waiting && !view.said.armed_at && SurelyNotStarted(target, view)) {
    const std::string why =
        state && !state->reason.empty()
            ? state->reason + (state->message.empty() ? "" : ": " + state->message)
            : "its container did not start";
    return End(target, "Refused", now_, next_.stop ? "" : "StartFailed",
               "the injector did not start in time: " + why);
  }
  const TimePoint due = target.injected_at && !spec_.EndsProcess()
                            ? *target.injected_at + spec_.duration
                            : target.intent->deadline;
  if (now_ > due + kOverdue) revert_overdue_ = true;
  if (next_.stop || revert_overdue_) StopTarget(target, pod, view);
  Wake(now_ > due + kOverdue ? target.intent->deadline + kUnseenGrace + milliseconds(1)
                             : due + kOverdue + milliseconds(1));
  if (!target.verified_at) ReadLogs(target, view);
}

void Planner::ReadLogs(const TargetStatus& target, const TargetView& view) {
  if (view.log_reads >= static_cast<int>(std::size(kReadAt))) return;
  const TimePoint due = *next_.intended_at + kReadAt[view.log_reads];
  if (now_ < due) return Wake(due);
  Do(ReadLog{target.pod, target.uid, target.intent->sidecar});
}

// The end as the kubelet reports it, with the record that the injector left in its termination
// message.
void Planner::Terminated(TargetStatus& target, const Pod& pod, const ContainerState& state,
                         const TargetView& view) {
  Said said = view.said;
  const std::optional<protocol::Record> record = protocol::ParseRecord(state.message);
  if (record) said.Add(*record);
  if (!view.said.ended &&
      view.last_reads <
          2) {  // the log has the sentences and figures that the record has no room for
    Do(ReadLog{target.pod, target.uid, target.intent->sidecar, /*last=*/true});
    return Wake(now_ + seconds(1));
  }
  TakeOver(target, said);
  if (!said.undo.empty()) return LeftBehind(target, pod, state, said);
  if (spec_.EndsProcess()) return EndedProcess(target, pod, state, said, record.has_value());
  const TimePoint at = std::chrono::floor<milliseconds>(state.finished.value_or(now_));
  const bool hurt = !NeverApplied(said);
  if (!said.failure.empty()) {
    if (hurt && !target.reverted_at) target.reverted_at = at;
    return End(target, hurt ? "Clean" : "Refused", now_);
  }
  if (said.cut_short == "terminated" && !next_.stop) {
    return pod.meta.deleting
               ? End(target, "Gone", now_, "TargetGone", "the pod was deleted during the run")
               : End(target, "Clean", now_, "InjectorLost",
                     "the injector was told to end (SIGTERM) before its time");
  }
  if (said.reverted_at) {
    const bool unproven = !target.verified_at && !next_.stop;
    if (!unproven && !next_.stop && CutShort(target, spec_.duration)) {
      return End(target, "Clean", now_, pod.meta.deleting ? "TargetGone" : "WrongDose",
                 "the fault ended before the duration was over");
    }
    return End(target, "Clean", now_, unproven ? "NoEffect" : "",
               unproven ? "the injector ended without having measured an effect" : "");
  }
  if (hurt) target.reverted_at = at;  // the kernel takes the fault away with its process
  const std::string how = state.reason.empty()
                              ? "exit code " + std::to_string(state.exit_code)
                              : state.reason + ", exit code " + std::to_string(state.exit_code);
  if (next_.stop && !hurt) return End(target, "Clean", now_);
  End(target, "Clean", now_, hurt ? "InjectorLost" : "StartFailed",
      hurt ? "the injector died (" + how + ") while the fault was on; the fault went with it"
           : "the injector ended before it did anything (" + how + ")");
}

void Planner::StopTarget(const TargetStatus& target, const Pod& pod, const TargetView& view) {
  const std::string stopper = protocol::StopperName(run_);
  const bool there =
      std::find(pod.sidecars.begin(), pod.sidecars.end(), stopper) != pod.sidecars.end();
  if (!there && !view.stopper_error)
    Do(LaunchStopper{target.pod, target.uid, StopperPatch(*target.intent, run_, target.uid)});
}

}  // namespace chaos::experiment
