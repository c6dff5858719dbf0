// One target of a fault that takes the pod itself away: no injector, the API server says all of it.
#include <algorithm>

#include "controllers/chaosexperiment/planner.h"

namespace chaos::experiment {

void Planner::UpdateRemoved(TargetStatus& target, const Pod* pod, const TargetView& view) {
  const std::string name = "pod " + target.pod;
  const auto applied = [&](TimePoint at) {
    if (!target.injected_at) target.injected_at = std::chrono::floor<milliseconds>(at);
    target.state = "Applied";
    target.requested = {{"action", spec_.pod->evict ? "Evict" : "Delete"}};
    if (spec_.pod->grace) target.requested["gracePeriod"] = PrintDuration(*spec_.pod->grace);
  };
  if (view.removed_at) applied(*view.removed_at);
  if (pod == nullptr) {
    // Somebody else was first, or our own call, of which nobody knows any more.
    const bool others = view.launch_error && view.launch_error->reason == Reason::kNotFound &&
                        !view.launch_uncertain;
    if (!target.injected_at && (others || next_.stop))
      return End(target, "Gone", now_, next_.stop ? "" : "TargetGone",
                 next_.stop ? "" : name + " was deleted by somebody else before the fault");
    const bool known = target.injected_at.has_value();
    if (!known) applied(now_);
    target.verified_at = std::max(now_, *target.injected_at);
    target.measured_by = "apiserver";
    target.measured["gone"] = "yes";
    if (!known) target.measured["report"] = "lost";
    return End(target, "Gone", *target.verified_at);
  }
  if (pod->meta.deleting) {
    const bool ours = target.injected_at || view.launch_uncertain ||
                      (pod->deleted_at && *pod->deleted_at + seconds(1) > *next_.intended_at);
    if (!ours)
      return End(target, "Gone", now_, "TargetGone", name + " was being deleted before the fault");
    applied(pod->deleted_at.value_or(now_));
    if (now_ <= target.intent->deadline) return Wake(target.intent->deadline + milliseconds(1));
    return End(target, "Clean", now_, "NoEffect",
               name +
                   " was told to end and is still there: a finalizer holds it, or its node does "
                   "not answer");
  }
  if (next_.stop) return End(target, "Clean", now_);
  const bool budget = view.launch_error && view.launch_error->reason == Reason::kThrottled;
  if (view.launch_error && !budget && view.launch_error->reason != Reason::kNotFound)
    return End(target, "Refused", now_, "Refused", view.launch_error->detail);
  if (now_ > target.intent->not_after)
    return budget ? End(target, "Refused", now_, "Refused", view.launch_error->detail)
                  : End(target, "Clean", now_, "StartFailed",
                        "the API server was not reached in time, so " + name + " stays");
  if (view.launch_error) Wake(now_ + seconds(1));
  if (view.removed_at) return Wake(now_ + seconds(1));  // the watch will tell
  Do(RemovePod{target.pod, target.uid, spec_.pod->evict, spec_.pod->grace});
}

}  // namespace chaos::experiment
