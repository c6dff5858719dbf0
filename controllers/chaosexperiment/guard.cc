#include "controllers/chaosexperiment/guard.h"

#include <algorithm>

#include "controllers/chaosexperiment/process.h"
#include "controllers/chaosexperiment/select.h"
#include "injectors/protocol/names.h"
#include "operator/base/mutant.h"
#include "operator/base/time_text.h"

namespace chaos::experiment {
namespace {

int Sidecars(const Pod& pod) {
  return static_cast<int>(
      std::count_if(pod.sidecars.begin(), pod.sidecars.end(), protocol::IsOurContainer));
}

std::optional<Refusal> MayTouchProcess(const Spec& spec, const Pod& target) {
  if (!spec.InTarget()) return std::nullopt;
  Result<std::string> container = PickContainer(spec.target, target);
  if (!container) return Refusal{"Container", container.error().detail, false};
  if (spec.process && target.restart_policy == "Never") {
    return Refusal{
        "RestartPolicy",
        "pod " + target.meta.key.name +
            " is never restarted (restartPolicy Never, as in a Job): a process that ends "
            "there would not come back; hit pods of a Deployment or StatefulSet",
        false};
  }
  Result<Means> means = ChooseMeans(spec, target, *container);
  if (!means) return Refusal{"Tier", means.error().detail, false};
  if (std::string why = WhyDown(target, *container); !why.empty())
    return Refusal{"ContainerDown", std::move(why), true};
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> MayRemove(const Experiment& experiment, const Pods& matching,
                                 const Pods& targets) {
  if (!experiment.spec.TakesOut()) return std::nullopt;
  const auto is_target = [&](const auto& pod) {
    return std::any_of(targets.begin(), targets.end(),
                       [&](const auto& t) { return t->meta.uid == pod->meta.uid; });
  };
  std::size_t others = 0, ready = 0;
  for (const auto& pod : matching) {
    if (is_target(pod)) continue;
    ++others;
    ready += pod->ready;
  }
  if (ready > 0 || CHAOS_MUTANT("forget-last-ready")) return std::nullopt;
  const std::string hit = std::to_string(targets.size());
  return Refusal{"LastReady",
                 others == 0
                     ? "nothing would be left of the " + hit +
                           " pod(s) that match: scale "
                           "them up, or hit fewer"
                     : "of the " + std::to_string(others) +
                           " matching pods that would be left none is ready: scale them up, "
                           "or wait until one is",
                 others > 0};
}

std::optional<Refusal> MayStart(const Limits& limits, const Experiment& experiment,
                                const Namespace* ns, const Stop* stop) {
  const Spec& spec = experiment.spec;
  std::optional<Refusal> refusal =
      MayActIn(experiment.meta.key.ns, ns, stop, limits.operator_namespace, spec.max_privilege,
               "safety.maxPrivilege " + std::string(protocol::Name(spec.max_privilege)));
  if (refusal) return refusal;
  const protocol::FaultRow* fault = protocol::FindFault(spec.fault_key);
  if (fault == nullptr) {
    return Refusal{"UnknownFault",
                   "this operator carries out no fault of this kind: upgrade it, or use one of "
                   "spec.fault's fields",
                   false};
  }
  if (fault->lowest_tier > spec.max_privilege) {
    return Refusal{"Tier",
                   std::string(fault->key) + " needs at least safety.maxPrivilege: " +
                       std::string(protocol::Name(fault->lowest_tier)),
                   false};
  }
  if (fault->lasts && spec.duration <= milliseconds(0))
    return Refusal{"Duration", std::string(fault->key) + " needs spec.duration", false};
  if (spec.AtOnce() && spec.duration > milliseconds(0))
    return Refusal{"Duration", spec.fault_key + " happens at once: remove spec.duration", false};
  if (spec.Waits(protocol::When::kDuringRegistration) && !spec.inject_new_pods)
    return Refusal{"NewPods",
                   "trigger DuringRegistration waits for a pod that starts during the run: set "
                   "spec.newPods: Inject",
                   false};
  if (spec.WaitsForNewPod() && spec.target.mode != Mode::kOne)
    return Refusal{"NewPods",
                   "the first new pod is the target: set target.mode: One with trigger "
                   "DuringRegistration",
                   false};
  if (spec.duration > limits.max_duration) {
    return Refusal{"Duration",
                   "spec.duration " + PrintDuration(spec.duration) +
                       " is above this operator's limit of " + PrintDuration(limits.max_duration),
                   false};
  }
  return std::nullopt;
}

std::optional<Refusal> MayInject(const Limits& limits, const Experiment& experiment,
                                 const Census& census, const Pod& target) {
  const std::string pod = "pod " + target.meta.key.name;
  if (target.Ours()) return Refusal{"OwnPod", pod + " belongs to this operator", false};
  const bool sidecar = !experiment.spec.pod;  // else nothing enters the pod
  if (target.host_network && sidecar)
    return Refusal{"HostNetwork",
                   pod + " uses the network of its node: a fault there would hit the whole node",
                   false};
  if (target.meta.deleting || target.phase != "Running")
    return Refusal{"NotRunning", pod + " is not running (any more)", false};
  if (experiment.spec.pod && target.controller.empty())
    return Refusal{"NotReplaced",
                   pod +
                       " belongs to no controller, so nothing would replace it: hit pods of a "
                       "Deployment, StatefulSet or DaemonSet",
                   false};
  if (std::optional<Refusal> refusal = MayTouchProcess(experiment.spec, target)) return refusal;
  // The sidecar of this run may be there already: only a new one is counted.
  const std::string mine = protocol::SidecarName(RunId(experiment.meta.uid, experiment.spec_hash));
  const bool launched =
      std::find(target.sidecars.begin(), target.sidecars.end(), mine) != target.sidecars.end();
  // The injector, a stopper, and one that undoes what the injector may leave.
  const int needed = experiment.spec.Outlives() ? 3 : 2;
  if (sidecar && !launched && Sidecars(target) + needed > limits.max_sidecars) {
    return Refusal{"SidecarLimit",
                   pod + " already has " + CountSidecars(limits, target) +
                       " sidecars of earlier runs, which cannot be removed: replace the pod "
                       "(kubectl delete pod " +
                       target.meta.key.name + ")",
                   false};
  }
  if (census.live_targets + 1 > limits.max_live_targets) {
    return Refusal{"LiveTargets",
                   std::to_string(census.live_targets) +
                       " targets are hit in this cluster already and the limit is " +
                       std::to_string(limits.max_live_targets),
                   false};
  }
  return std::nullopt;
}

std::string CountSidecars(const Limits& limits, const Pod& pod) {
  return std::to_string(Sidecars(pod)) + "/" + std::to_string(limits.max_sidecars);
}

}  // namespace chaos::experiment
