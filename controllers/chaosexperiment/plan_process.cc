// One target of a fault that ends a process. Process 1 takes the injector with it, so the injector
// says `about to`, and the kubelet says what came of it.
#include <algorithm>

#include "controllers/chaosexperiment/planner.h"
#include "operator/base/mutant.h"
#include "operator/base/time_text.h"

namespace chaos::experiment {
namespace {

constexpr seconds kStatusLag{15};  // until the kubelet has surely told of an end
constexpr seconds kTogether{2};    // the victim and its injector end in one moment; the kubelet
                                   // looks once a second

// With the report lost, this is what is left to say that the victim ended by our hand.
bool EndedTogether(const Death& death, const ContainerState& injector) {
  if (!death.shown || !death.ending.finished || !injector.started || !injector.finished)
    return false;
  return *death.ending.finished >= *injector.started &&
         *death.ending.finished <= *injector.finished + kTogether;
}

// An end that something else explains better: the pod went, or the container as a whole, and only
// one process of it was struck. Then it must have come right after the blow.
std::string WhyTooLate(const protocol::Process& process, const Pod& pod, const Death& death,
                       const Said& said) {
  const bool doubtful = pod.meta.deleting || !process.match.empty();
  if (!doubtful || !said.applied_at || !death.ending.finished) return "";
  const bool waits = process.action == protocol::ProcessAction::kTerminate;
  const TimePoint last = *said.applied_at + (waits ? process.grace : milliseconds(0)) + kTogether;
  if (*death.ending.finished <= last) return "";
  return pod.meta.deleting
             ? "it ended when its pod was deleted, long after the fault"
             : "it ended as a whole, too late to come of the end of one process, which nobody saw";
}

}  // namespace

// Empty: it may be launched. A container that is down would take the injector with it when it comes
// back; one that was restarted is not the one that the intent counts from.
std::string Planner::WhyHeldBack(const TargetStatus& target, const Pod& pod) const {
  const std::string& container = target.intent->container;
  if (container.empty()) return "";
  if (std::string down = WhyDown(pod, container); !down.empty()) return down;
  const ContainerState* state = pod.State(container);
  if (state->restarts <= target.intent->restarts) return "";
  return "container " + container + " was restarted by itself before the fault";
}

void Planner::EndedProcess(TargetStatus& target, const Pod& pod, const ContainerState& state,
                           const Said& said, bool reported) {
  const TimePoint at = std::chrono::floor<milliseconds>(state.finished.value_or(now_));
  if (!said.failure.empty()) {
    const bool idle = !said.applied_at && said.failure == protocol::kRefused;
    return End(target, idle ? "Refused" : "Clean", now_);
  }
  if (said.verified_at) return End(target, "Clean", at);  // it outlived what it ended
  const bool tried = said.applied_at.has_value();
  const TimePoint since =
      tried ? *said.applied_at : state.started.value_or(target.intent->not_before);
  const std::optional<Death> death = FindDeath(*target.intent, pod, since);
  const bool lost = !reported && state.exit_code != 0;
  const std::string& container = target.intent->container;

  if (CHAOS_MUTANT("trust-about-to") && tried) {
    VerifiedByKubelet(target, Death{{}, false, 0, at}, said);
    target.back_at = at;
    return End(target, "Clean", at);
  }
  if (CHAOS_MUTANT("any-end-is-ours") && death && death->shown) {
    VerifiedByKubelet(target, *death, said);
    return End(target, "Clean", at);
  }
  if (death && (tried || (lost && EndedTogether(*death, state)))) {
    const auto why = tried ? WhyNotOurs : WhyNotSurelyOurs;
    std::string strange = death->shown ? why(*spec_.process, death->ending) : std::string();
    if (strange.empty()) strange = WhyTooLate(*spec_.process, pod, *death, said);
    if (strange.empty() && (tried || death->shown)) {
      VerifiedByKubelet(target, *death, said);
      return End(target, "Clean", at);
    }
    return End(target, "Clean", at, "NoEffect", "container " + container + ": " + strange);
  }
  const bool may_still_show = !death && (tried || lost);
  if (may_still_show && now_ <= at + kStatusLag) {
    target.state = tried ? "Applied" : "Launched";
    return Wake(std::min(now_ + seconds(1), at + kStatusLag + milliseconds(1)));
  }
  if (tried) {
    return End(
        target, "Clean", at, "NoEffect",
        "the injector was about to end the process, and container " + container + " goes on");
  }
  if (next_.stop) return End(target, "Clean", at);
  if (death) {
    return End(target, "Clean", at, "TargetGone",
               "container " + container + " ended by itself (exit code " +
                   std::to_string(death->ending.exit_code) + ") before the fault");
  }
  End(target, "Clean", at, "StartFailed",
      "the injector ended before it did anything (exit code " + std::to_string(state.exit_code) +
          ")");
}

void Planner::VerifiedByKubelet(TargetStatus& target, const Death& death, const Said& said) {
  const std::optional<TimePoint> finished =
      death.shown ? death.ending.finished : std::optional<TimePoint>();
  if (!target.injected_at) target.injected_at = finished;  // the report was lost: to the second
  target.verified_at = std::max(*target.injected_at, finished.value_or(*target.injected_at));
  target.measured_by = "kubelet";
  target.requested = said.requested;
  target.measured = said.measured;
  target.ended_at = finished;
  if (death.shown) {
    target.exit_code = death.ending.exit_code;
    target.measured["exitCode"] = std::to_string(death.ending.exit_code);
  }
  if (!said.applied_at) target.measured["report"] = "lost";
}

// The victim runs again, or another pod does its work.
void Planner::NoteBack(TargetStatus& target) {
  if (!target.verified_at || !target.injected_at || target.back_at) return;
  const Pod* pod = FindPod(target.pod, target.uid);
  if (pod != nullptr) {
    const std::optional<Death> death = FindDeath(*target.intent, *pod, *target.injected_at);
    if (death && !death->back_at) return;
    if (death) {
      target.back_at = std::max(*death->back_at, *target.injected_at);
      target.restarts_after = death->restarts;
    } else if (spec_.EndsChild()) {  // its container never ended
      target.back_at = target.verified_at;
    }
    return;
  }
  if (!world_.profile) return;
  const Result<Pods> matching =
      Matching(spec_.target.component, spec_.target.selector, *world_.profile, world_.pods);
  if (!matching) return;
  for (const auto& other : *matching) {
    if (!other->ready || other->meta.created < std::chrono::floor<seconds>(*target.injected_at))
      continue;
    const TimePoint since = other->ready_since.value_or(now_);
    target.back_at = std::max(since, *target.injected_at);
    return;
  }
}

}  // namespace chaos::experiment
