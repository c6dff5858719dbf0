#include "controllers/chaosstop/reconciler.h"

#include "operator/kube/conditions.h"

namespace chaos::stop {

Result<void> Reconciler::Reconcile(const kube::Key& key) {
  const auto stop = p_.stops.Get(key);
  if (!stop || stop->meta.deleting) return {};
  std::int64_t live = 0, stopped = 0;
  const auto count = [&](const auto& run) {
    if (!stop->Covers(run->meta.key.ns)) return;
    live += run->status.Live();
    stopped += run->status.stop && run->status.stop->by == "ChaosStop" &&
               (run->status.stop->reason + ":").starts_with(key.name + ":");
  };
  for (const auto& e : p_.experiments.List()) count(e);
  for (const auto& t : p_.loads.List()) count(t);
  if (stop->observed_generation == stop->meta.generation && stop->live == live &&
      stop->stopped == stopped)
    return {};
  if (!p_.may_write())
    return Error{Reason::kCancelled, "this replica does not lead (any more)", {}, 0};
  std::vector<kube::Condition> conditions = stop->conditions;
  const bool clean = live == 0;
  kube::SetCondition(
      conditions,
      {"Clean", clean ? kube::ConditionStatus::kTrue : kube::ConditionStatus::kFalse,
       clean ? "NothingOn" : "Reverting",
       clean ? "no covered run is live" : std::to_string(live) + " run(s) are being reverted",
       stop->meta.generation, std::chrono::floor<seconds>(p_.clock.Now())});
  const Json body = {
      {"apiVersion", "chaos.rbee.dev/v1alpha1"},
      {"kind", "ChaosStop"},
      {"metadata", {{"name", key.name}, {"resourceVersion", stop->meta.resource_version}}},
      {"status",
       {{"observedGeneration", stop->meta.generation},
        {"live", live},
        {"stopped", stopped},
        {"conditions", kube::ConditionsToJson(conditions)}}}};
  Result<Json> answer =
      p_.client.PatchObject(kube::kStops, "", key.name, "status", kube::Patch::kApply, body);
  if (!answer) return answer.error();
  if (Result<Stop> written = Stop::FromJson(*answer)) p_.stops.Wrote(*std::move(written));
  return {};
}

}  // namespace chaos::stop
