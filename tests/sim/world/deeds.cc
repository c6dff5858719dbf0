// What happens to the cluster from outside, one deed at a time; and whether a verdict told the
// truth about a run.
#include <algorithm>

#include "injectors/protocol/names.h"
#include "tests/sim/world/world.h"

namespace chaos::sim {
namespace {

constexpr const char* kNamespace = "rbee";

void Annotate(Json& object, std::string_view key, const std::string& value) {
  object["metadata"]["annotations"][std::string(key)] = value;
}

}  // namespace

void World::HitLoadPod(Deed deed) {
  std::vector<std::pair<kube::Key, std::string>> pods;
  for (const auto& [key, pod] : api_.server.store().All(*FindResource(kube::kPods))) {
    if (Text(pod->object, {"metadata", "labels", "app.kubernetes.io/name"}) == "chaos-load" &&
        !Find(pod->object, {"metadata", "deletionTimestamp"}))
      pods.emplace_back(key, Text(pod->object, {"metadata", "uid"}));
  }
  if (pods.empty()) return;
  const auto& [key, uid] = pods[random_.Below(pods.size())];
  if (deed == Deed::kKillLoadPod) return kubelet_->KillContainer(uid, "load");
  api_.server.Delete(kube::kPods, key, deed == Deed::kForceLoadPod ? 0 : -1);
}

void World::CrashAnotherWorker() {
  const std::string target = TargetUid();
  std::vector<std::string> others;
  for (const auto& [key, pod] : api_.server.store().All(*FindResource(kube::kPods))) {
    const std::string uid = Text(pod->object, {"metadata", "uid"});
    if (Text(pod->object, {"metadata", "labels", "app.kubernetes.io/component"}) == "worker" &&
        uid != target)
      others.push_back(uid);
  }
  for (const std::string& uid : others) kubelet_->CrashMain(uid, 139);
}

void World::Do(Deed deed) {
  ++deeds_[deed];
  ApiServer& server = api_.server;
  const kube::Key experiment{kNamespace, names_.empty() ? "none" : names_.front()};
  const std::string target = scenario_.process ? "worker" : "queen";
  const auto pod_of = [&](const std::string& component) -> kube::Key {
    for (const auto& [key, pod] : server.store().All(*FindResource(kube::kPods))) {
      if (Text(pod->object, {"metadata", "labels", "app.kubernetes.io/component"}) == component &&
          !Find(pod->object, {"metadata", "deletionTimestamp"}))
        return key;
    }
    return {kNamespace, "none"};
  };
  const auto send = [&](kube::Method method, const std::string& type, const Json& body) {
    return server.Handle({method,
                          PathOf(kube::kExperiments, kNamespace, experiment.name),
                          type,
                          PrintJson(body),
                          {}},
                         "user");
  };
  const bool lasts = !scenario_.process || scenario_.process->Lasts();
  Replica* operator_ = replicas_[random_.Below(replicas_.size())].get();
  switch (deed) {
    case Deed::kAbort:
      return server.Mutate(kube::kExperiments, experiment, [](Json& object) {
        Annotate(object, protocol::kAbortAnnotation, "enough");
      });
    case Deed::kDelete:
      return server.Delete(kube::kExperiments, experiment);
    case Deed::kStop:
      if (!server.store().Find(*FindResource(kube::kStops), {"", "stop"}))
        server.Create(kube::kStops, "",
                      {{"metadata", {{"name", "stop"}}}, {"spec", {{"reason", "incident"}}}});
      return;
    case Deed::kLiftStop:
      return server.Delete(kube::kStops, {"", "stop"});
    case Deed::kReplaceTarget:
      return server.Delete(kube::kPods, pod_of(target));
    case Deed::kForceTarget:
      return server.Delete(kube::kPods, pod_of(target), 0);
    case Deed::kReplacePeer:
      return server.Delete(kube::kPods, pod_of("hive"));
    case Deed::kKillInjector:
      for (const std::string& name : kubelet_->RunningSidecars(TargetUid()))
        kubelet_->KillContainer(TargetUid(), name);
      return;
    case Deed::kKillSandbox:
      return kubelet_->KillSandbox(TargetUid());
    case Deed::kCrashTarget:
      return kubelet_->CrashMain(TargetUid(), 139);
    case Deed::kCrashOther:
      return CrashAnotherWorker();
    case Deed::kAddWorker:
      return deployments_.at("worker")->ScaleUp();
    case Deed::kFreezeInjector:
      return kubelet_->FreezeSidecars(TargetUid());
    case Deed::kDeleteNamespace:
      return server.Delete(kube::kNamespaces, {"", kNamespace});
    case Deed::kJumpNode:
      return kubelet_->node_clock("node-a").Jump(seconds(random_.Below(16)) - seconds(8));
    case Deed::kJumpOperator:
      if (operator_) operator_->clock().Jump(seconds(random_.Below(16)) - seconds(8));
      return;
    case Deed::kKillOperator:
      if (operator_ && operator_->alive()) operator_->Kill();
      return;
    case Deed::kFreezeOperator:
      if (operator_) operator_->Freeze(seconds(5 + random_.Below(40)));
      return;
    case Deed::kStopOperator:
      if (operator_ && operator_->alive() && !operator_->stopping()) operator_->Stop();
      return;
    case Deed::kCompact:
      server.store().Compact(0);
      return api_.watches.EndAll();
    case Deed::kReapply:  // the same content from another field manager
      send(kube::Method::kPatch, "application/merge-patch+json",
           {{"spec", Manifest(0)["spec"]}, {"metadata", {{"labels", {{"tool", "two"}}}}}});
      return;
    case Deed::kEditSpec:
      send(kube::Method::kPatch, "application/merge-patch+json",
           !lasts ? Json{{"spec", {{"description", "another"}, {"baseline", "7s"}}}}
                  : Json{{"spec", {{"description", "another"}, {"duration", "7s"}}}});
      return;
    case Deed::kKillProbePod:
      for (const auto& [key, pod] : Objects(server.store().All(*FindResource(kube::kPods)))) {
        if (key.name.ends_with("-probe")) server.Delete(kube::kPods, key, 0);
      }
      return;
    case Deed::kAbortLoad:
      return server.Mutate(kube::kLoadTests, {kNamespace, "lt-0"}, [](Json& object) {
        Annotate(object, protocol::kAbortAnnotation, "enough");
      });
    case Deed::kDeleteLoad:
      return server.Delete(kube::kLoadTests, {kNamespace, "lt-0"});
    case Deed::kKillLoadPod:
    case Deed::kEvictLoadPod:
    case Deed::kForceLoadPod:
      return HitLoadPod(deed);
    case Deed::kDeleteJob:
      for (const auto& [key, job] : Objects(server.store().All(*FindResource(kube::kJobs)))) {
        kubelet_->JobTaken(key.name);
        server.Delete(kube::kJobs, key);
      }
      return;
    case Deed::kStripStatus: {
      const VersionPtr found = server.store().Find(*FindResource(kube::kExperiments), experiment);
      if (!found || Text(found->object, {"status", "phase"}) != "Finished" ||
          !Texts(found->object, {"metadata", "finalizers"}).empty())
        return;
      Json copy{{"metadata", {{"name", experiment.name}}}, {"spec", found->object["spec"]}};
      if (const Json* annotations = Find(found->object, {"metadata", "annotations"}))
        copy["metadata"]["annotations"] = *annotations;
      server.Delete(kube::kExperiments, experiment);
      if (!Find(server.store().Find(*FindResource(kube::kNamespaces), {"", kNamespace})->object,
                {"metadata", "deletionTimestamp"}))
        server.Create(kube::kExperiments, kNamespace, std::move(copy));
      return;
    }
    case Deed::kCount:
      return;
  }
}

std::string World::Lie() const {
  const Scenario& s = scenario_;
  const bool blind = !s.rbee.notices_after && s.rbee.flaky_per_mille == 0;
  const bool never_back = s.rbee.recovers_after > seconds(s.within_s + 30);
  // Nobody can know whether a process that was asked to end did so for that.
  const bool asks = s.process && s.process->action == protocol::ProcessAction::kTerminate;
  const bool tampered = (s.kernel != KernelMood::kGood && !asks) || !s.rbee.healthy_before;
  const bool stopped = deeds_.contains(Deed::kAbort) || deeds_.contains(Deed::kDelete) ||
                       deeds_.contains(Deed::kStop) || deeds_.contains(Deed::kDeleteNamespace) ||
                       deeds_.contains(Deed::kEditSpec);
  for (const std::string& name : names_) {
    const Outcome outcome = OutcomeOf(name);
    if (outcome.verdict == "Passed") {
      if (tampered) return "Passed, but the fault was broken or nothing worked before";
      if (blind && !s.process) return "Passed, but the queen never notices";
      if (never_back && !s.process) return "Passed, but the hive does not come back in time";
    }
    if (outcome.verdict == "Failed" && tampered && outcome.reason != "ThresholdBreached")
      return "Failed (" + outcome.reason + "), but the fault itself was broken";
    if (outcome.verdict == "Aborted" && !stopped)
      return "Aborted, but nobody asked for it: " + outcome.summary;
  }
  return "";
}

}  // namespace chaos::sim
