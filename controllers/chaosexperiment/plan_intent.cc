// What is promised before anybody is touched: who, with what, as whom, in which window, until when
// at the latest. Written down first, so that a successor finds it.
#include <algorithm>

#include "controllers/chaosexperiment/bodies.h"
#include "controllers/chaosexperiment/planner.h"
#include "controllers/chaosexperiment/requests.h"
#include "injectors/protocol/names.h"
#include "operator/base/mutant.h"
#include "operator/base/time_text.h"

namespace chaos::experiment {
namespace {

constexpr seconds kGrace{5};     // past a deadline before it counts as overdue
constexpr seconds kRemoval{30};  // for a node to clean up after the containers of a pod

}  // namespace

Pods Planner::TargetPods() const {
  Pods pods;
  for (const TargetStatus& target : next_.targets) {
    for (const auto& pod : world_.pods) {
      if (pod->meta.uid == target.uid) pods.push_back(pod);
    }
  }
  return pods;
}

Result<void> Planner::Promise(TargetStatus& target, const Pod& pod, const std::string& nonce,
                              const Aim& aim) {
  if (spec_.pod) {  // nothing is started: the window and the deadline are all there is to keep
    Intent intent;
    intent.not_before = now_;
    intent.not_after = now_ + world_.settings->start_window;
    intent.deadline = intent.not_after + spec_.pod->grace.value_or(pod.grace) + kRemoval;
    target.placement = "None";
    target.state = "Intended";
    target.intent = std::move(intent);
    return {};
  }
  const Result<Means> means = ChooseMeans(spec_, pod, target.container);
  CHECK(means);  // the guard has asked before
  protocol::InjectArguments a;
  a.run = run_;
  a.nonce = nonce;
  a.not_before = now_ - seconds(30);
  a.not_after = now_ + world_.settings->start_window;
  if (!spec_.EndsProcess()) a.duration = spec_.duration;
  if (spec_.process) {
    a.fault = *spec_.process;
  } else if (spec_.resource) {
    std::visit([&](const auto& fault) { a.fault = fault; }, *spec_.resource);
  } else if (spec_.ActsOnRequests()) {
    const Result<void> told =
        TellOfRequests(spec_, pod, *world_.profile, next_.resolved.seed.value_or(0), a);
    if (!told) return told;
  } else {
    a.fault = protocol::Partition{aim.peers, spec_.partition.ports, spec_.partition.direction,
                                  aim.follow};
  }
  Result<std::optional<protocol::Trigger>> trigger = TriggerFor(
      spec_, pod, *world_.profile, world_.pods, *world_.services, next_.resolved.seed.value_or(0));
  if (!trigger) return trigger.error();
  a.trigger = *trigger;
  a.controls = aim.controls;
  if (!pod.host_ip.empty()) a.protect = {pod.host_ip};
  target.state = "Intended";
  Intent intent;
  intent.sidecar = protocol::SidecarName(run_);
  intent.image = world_.settings->injector_image;
  intent.nonce = a.nonce;
  intent.arguments = PrintJson(protocol::ToJson(a));
  intent.not_before = a.not_before;
  intent.not_after = a.not_after;
  intent.deadline = a.not_after + LongestOn(spec_) + kGrace;
  UseMeans(*means, intent);
  if (const ContainerState* victim = pod.State(means->container))
    intent.restarts = victim->restarts;
  target.intent = std::move(intent);
  if (CHAOS_MUTANT("skip-intent"))
    Do(LaunchInjector{target.pod, target.uid, SidecarPatch(*target.intent, target.uid)});
  return {};
}

void Planner::PersistIntents() {
  Aim aim;
  if (spec_.HasPeers()) {
    const Pods targets = TargetPods();
    Result<Peers> found =
        ResolvePeers(spec_.partition, *world_.profile, world_.pods, *world_.services, targets);
    if (!found) return Conclude({"Inconclusive", "Refused", "NoPeers: " + found.error().detail});
    aim.peers = std::move(found->peers);
    aim.follow = FollowFor(found->followed);
    aim.controls = PickControls(*world_.profile, world_.pods, targets, aim.peers,
                                world_.settings->last_control);
  }
  next_.resolved.peers.clear();
  for (const protocol::Peer& peer : aim.peers)
    next_.resolved.peers.push_back({peer.name, peer.addresses});
  next_.intended_at = now_;
  next_.phase = "Injecting";
  if (world_.samples) KeepBefore(spec_, *world_.samples, now_, next_);
  for (std::size_t i = 0; i < next_.targets.size(); ++i) {
    TargetStatus& target = next_.targets[i];
    const Pod* pod = FindPod(target.pod, target.uid);
    CHECK(pod != nullptr && i < world_.nonces.size());
    if (Result<void> done = Promise(target, *pod, world_.nonces[i], aim); !done)
      return Conclude({"Inconclusive", "Refused", done.error().detail});
  }
}

// The first pod that starts from now on is the target, as soon as its container runs: before that
// an injector beside it could not start either.
void Planner::WaitForNewPod() {
  next_.phase = "Injecting";
  if (next_.stop)
    return Conclude({"Aborted", "Stopped", next_.stop->by + ": " + next_.stop->reason});
  const TimePoint until = *next_.intended_at + spec_.trigger->within;
  if (now_ > until) {
    return Conclude({"Inconclusive", "TriggerNeverFired",
                     "no new pod that matches the target started within " +
                         PrintDuration(spec_.trigger->within)});
  }
  Wake(until + milliseconds(1));
  if (!world_.profile || !world_.services || world_.nonces.empty()) return Wake(now_ + seconds(1));
  const Result<Pods> matching =
      Matching(spec_.target.component, spec_.target.selector, *world_.profile, world_.pods);
  if (!matching) return;
  for (const auto& pod : *matching) {
    const bool fresh = pod->meta.created >= std::chrono::floor<seconds>(*next_.intended_at) ||
                       CHAOS_MUTANT("any-pod-is-new");
    const Result<std::string> container = PickContainer(spec_.target, *pod);
    if (!fresh || pod->meta.deleting || !container || !WhyDown(*pod, *container).empty()) continue;
    std::optional<Refusal> refusal = MayInject(*world_.limits, experiment_, world_.census, *pod);
    if (!refusal) refusal = MayRemove(experiment_, *matching, {pod});
    if (refusal) {
      step_.refused_rule = refusal->rule;
      return Conclude({"Inconclusive", "Refused", refusal->rule + ": " + refusal->message});
    }
    TargetStatus target;
    target.pod = pod->meta.key.name;
    target.uid = pod->meta.uid;
    target.node = pod->node;
    target.container = *container;
    target.sidecars = CountSidecars(*world_.limits, *pod);
    if (Result<void> done = Promise(target, *pod, world_.nonces.front(), {}); !done)
      return Conclude({"Inconclusive", "Refused", done.error().detail});
    next_.targets.push_back(std::move(target));
    return;
  }
}

}  // namespace chaos::experiment
