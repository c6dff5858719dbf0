#include "controllers/chaosexperiment/reconciler.h"

#include <algorithm>
#include <set>

#include "controllers/chaosexperiment/describe.h"
#include "controllers/world/queue.h"
#include "injectors/protocol/names.h"
#include "operator/base/mutant.h"
#include "operator/kube/api_error.h"
#include "operator/kube/finalizer.h"

namespace chaos::experiment {
namespace {

constexpr seconds kServicesFor{5};
constexpr int kMostPeerServiceFailures = 8;

// A refusal that no repetition will change: it is told to the plan instead of being tried again.
bool Final(const Error& error) {
  return error.reason == Reason::kDenied || error.reason == Reason::kInvalid ||
         error.reason == Reason::kNotFound || error.http_status == 500;
}

// A finished experiment that its run has left nothing of.
bool AtRest(const Experiment& e) {
  return !e.status.Live() && e.status.phase == "Finished" &&
         e.status.FindRun(e.spec_hash) != nullptr;
}

}  // namespace

bool NeedsPods(const Experiment& experiment) {
  return !AtRest(experiment) && !experiment.spec.suspend;
}

Reconciler::Reconciler(Parts parts) : p_(std::move(parts)) {}

Result<std::optional<milliseconds>> Reconciler::Reconcile(const kube::Key& key) {
  const std::shared_ptr<const Experiment> experiment = p_.experiments.Get(key);
  if (!experiment) return std::optional<milliseconds>();
  const std::string run =
      RunId(experiment->meta.uid,
            experiment->status.Live() ? experiment->status.active_run : experiment->spec_hash);
  RunMemory& memory = memory_[run];
  const Observed world = Observe(*experiment, memory);
  const TimePoint now = p_.clock.Now();
  const Step step = Plan(*experiment, world, now);
  if (!step.refused_rule.empty() && p_.hooks.refused) p_.hooks.refused(step.refused_rule);
  bool acted = false;
  for (const Action& action : step.actions) {
    if (Result<void> done = Carry({*experiment, run, memory}, action); !done) {
      // Our picture is old, and a watch may need minutes to say so: read, instead of running into
      // it again.
      if (done.error().reason == Reason::kConflict && Refresh(key))
        return std::optional(milliseconds(50));
      return done.error();
    }
    acted = acted || !std::holds_alternative<FollowProbePod>(action);
  }
  if (acted) return std::optional(milliseconds(0));  // look at what has become of it
  if (!step.wake) return std::optional<milliseconds>();
  return std::optional(
      std::max(milliseconds(1), std::chrono::ceil<milliseconds>(*step.wake - now)));
}

bool Reconciler::Refresh(const kube::Key& key) {
  const Result<Json> answer = p_.client.Get(kube::kExperiments, key.ns, key.name);
  if (!answer) return false;
  Result<Experiment> now = Experiment::FromJson(*answer);
  if (!now) return false;
  p_.experiments.Wrote(*std::move(now));
  return true;
}

Observed Reconciler::Observe(const Experiment& experiment, RunMemory& memory) {
  const std::string& ns = experiment.meta.key.ns;
  Observed world;
  world.limits = &p_.limits;
  world.settings = &p_.settings;
  world.ns = p_.namespaces.Get({"", ns});
  world.max_live = MaxLive(world.ns.get());
  for (const auto& stop : p_.stops.List()) {
    if (!stop->meta.deleting && stop->Covers(ns)) world.stop = stop;
  }
  for (const auto& other : p_.experiments.List()) {
    if (other->meta.key == experiment.meta.key) continue;
    if (other->meta.key.ns == ns) world.siblings.push_back(other);
    for (const TargetStatus& target : other->status.targets) {
      world.census.live_targets += other->status.Live() && target.intent && !target.Ended();
    }
  }
  world.samples = &memory.samples;
  world.targets = memory.targets;
  world.probe_pod_error = memory.probe_pod_error;
  world.probe_pod_deleted = memory.probe_pod_deleted;
  world.peer_services_made = memory.peer_services_made;
  world.peer_services_deleted = memory.peer_services_deleted;
  world.peer_service_error = memory.peer_service_error;
  LookAtLoad(experiment, memory, world);
  if (!NeedsPods(experiment)) return world;

  ReadProbeLog(experiment.meta.key, memory);
  PodWatch::Seen seen = p_.pods.Look(ns);
  world.pods_synced = seen.synced;
  world.pods = std::move(seen.pods);
  if (seen.error && seen.error->reason == Reason::kDenied)
    world.not_bound = NotBoundText(ns, p_.limits.operator_namespace);
  Result<Profile> profile = p_.profile();
  if (profile)
    world.profile = *std::move(profile);
  else
    world.profile_error = profile.error().detail;
  TakeSamples(experiment, world, memory);
  if (!experiment.status.intended_at || experiment.status.targets.empty()) {
    ReadServices(experiment, memory);
    world.services = memory.services;
    for (int i = 0; i < std::max(1, experiment.spec.max_targets); ++i)
      world.nonces.push_back(p_.entropy.Hex(16));
  }
  return world;
}

void Reconciler::TakeSamples(const Experiment& experiment, const Observed& world,
                             RunMemory& memory) {
  if (!experiment.status.Live() || !world.pods_synced || !world.profile) return;
  for (const ProbeSpec& probe : experiment.spec.probes) {
    if (!probe.ByOperator()) continue;
    const Result<PodsSeen> seen = AskPods(probe, *world.profile, world.pods);
    if (!seen) continue;
    const TimePoint at = LastTick(p_.clock.Now(), probe.arguments.interval);
    memory.samples.AddOwn(probe.name, {at, seen->good, milliseconds(0)}, seen->message);
  }
}

// The load of the run, and until it is made, the one whose spec it copies.
void Reconciler::LookAtLoad(const Experiment& experiment, RunMemory& memory, Observed& world) {
  const std::string& ns = experiment.meta.key.ns;
  world.load_error = memory.load_error;
  if (experiment.status.load) {
    world.load = p_.loads.Get({ns, experiment.status.load->name});
    const bool ours =
        world.load && world.load->owner && world.load->owner->uid == experiment.meta.uid;
    if (world.load && !ours) {
      world.load.reset();
      world.load_error = Invalid("a load test named " + experiment.status.load->name +
                                 " exists already, and belongs to somebody else");
    }
  }
  const bool copies = experiment.spec.load && !experiment.spec.load->ref.empty();
  if (!copies || world.load || AtRest(experiment) || experiment.spec.suspend) return;
  const nanoseconds now = p_.clock.SinceBoot();
  if (!memory.referred_load || now - memory.referred_load_at >= kServicesFor) {
    Result<Json> answer = p_.client.Get(kube::kLoadTests, ns, experiment.spec.load->ref);
    if (!answer && answer.error().reason == Reason::kNotFound) {
      answer = Error{Reason::kNotFound,
                     "there is no load test " + experiment.spec.load->ref + " in namespace " + ns,
                     {},
                     404};
    }
    memory.referred_load = std::move(answer);
    memory.referred_load_at = now;
  }
  world.referred_load = memory.referred_load;
}

void Reconciler::ReadServices(const Experiment& experiment, RunMemory& memory) {
  const nanoseconds now = p_.clock.SinceBoot();
  if (memory.services && now - memory.services_at < kServicesFor) return;
  memory.services.reset();
  Result<kube::ListAnswer> answer = p_.client.List(kube::kServices, experiment.meta.key.ns);
  if (!answer) {
    p_.log.Warn("services cannot be read",
                {{"namespace", experiment.meta.key.ns}, {"error", answer.error().detail}});
    return;
  }
  std::vector<Service> services;
  for (const Json& item : answer->items) services.push_back(Service::FromJson(item));
  memory.services = std::move(services);
  memory.services_at = now;
}

void Reconciler::ReadProbeLog(const kube::Key& key, RunMemory& memory) {
  memory.probe_log.Read({p_.client, p_.clock, p_.queue, key}, [&](std::string_view line) {
    if (Result<protocol::Event> event = protocol::ParseEvent(line)) memory.samples.Add(*event);
  });
}

void Reconciler::Forget() {
  std::set<std::string> runs;
  for (const auto& e : p_.experiments.List()) {
    const Resolved& resolved = e->status.resolved;
    if (!AtRest(*e) || !resolved.probe_pod.empty() || !resolved.peer_services.empty()) {
      runs.insert(RunId(e->meta.uid, e->status.Live() ? e->status.active_run : e->spec_hash));
    }
  }
  std::erase_if(memory_, [&](const auto& entry) { return !runs.contains(entry.first); });
}

Result<void> Reconciler::Carry(const Context& context, const Action& action) {
  const bool reads_only =
      std::holds_alternative<FollowProbePod>(action) || std::holds_alternative<ReadLog>(action);
  if (!reads_only && !p_.may_write())
    return Error{Reason::kCancelled, "this replica does not lead (any more)", {}, 0};
  return std::visit([&](const auto& what) { return Do(context, what); }, action);
}

Result<void> Reconciler::Do(const Context& c, const WriteStatus& action) {
  const kube::ObjectMeta& meta = c.experiment.meta;
  const Json body = {{"apiVersion", "chaos.rbee.dev/v1alpha1"},
                     {"kind", "ChaosExperiment"},
                     {"metadata",
                      {{"name", meta.key.name},
                       {"namespace", meta.key.ns},
                       {"resourceVersion", meta.resource_version}}},
                     {"status", action.status.ToJson()}};
  Result<Json> answer = p_.client.PatchObject(kube::kExperiments, meta.key.ns, meta.key.name,
                                              "status", kube::Patch::kApply, body);
  if (!answer) {
    if (answer.error().reason == Reason::kInvalid) {
      p_.log.Error("the API server refuses a status",
                   {{"experiment", meta.key.Print()}, {"error", answer.error().detail}});
    }
    return answer.error();
  }
  if (Result<Experiment> written = Experiment::FromJson(*answer))
    p_.experiments.Wrote(*std::move(written));
  const Status& before = c.experiment.status;
  const Status& after = action.status;
  if (!before.intended_at && after.intended_at) c.memory.wrote_intent = true;
  for (const Happening& h : Happenings(before, after)) {
    p_.events.Record({&kube::kExperiments, meta, h.kind, h.reason, h.action, h.note, c.run});
  }
  if (after.phase == "Finished" && !after.verdict.empty() && before.Live() && p_.hooks.injected) {
    for (const TargetStatus& target : after.targets) {
      if (target.intent)
        p_.hooks.injected(after.fault_kind, target.reason.empty() ? "verified" : "failed");
    }
  }
  p_.log.Info("status", {{"experiment", meta.key.Print()},
                         {"run", c.run},
                         {"phase", after.phase},
                         {"verdict", after.verdict},
                         {"reason", after.reason}});
  if (after.phase == "Finished") {  // somebody may have waited for this
    for (const auto& other : p_.experiments.List(meta.key.ns)) p_.queue.Add(other->meta.key);
  }
  return {};
}

Result<void> Reconciler::PatchMeta(const Context& c, const Json& patch) {
  const kube::Key& key = c.experiment.meta.key;
  Result<Json> answer =
      p_.client.PatchObject(kube::kExperiments, key.ns, key.name, "", kube::Patch::kMerge, patch);
  if (!answer) return answer.error();
  if (Result<Experiment> written = Experiment::FromJson(*answer))
    p_.experiments.Wrote(*std::move(written));
  return {};
}

Result<void> Reconciler::Do(const Context& c, const AddFinalizer& action) {
  std::optional<Json> patch = kube::AddFinalizerPatch(c.experiment.meta, protocol::kFinalizer);
  if (!patch) return {};
  (*patch)["metadata"]["annotations"][std::string(protocol::kRanAnnotation)] = action.ran;
  return PatchMeta(c, *patch);
}

Result<void> Reconciler::Do(const Context& c, const RemoveFinalizer&) {
  const std::optional<Json> patch =
      kube::RemoveFinalizerPatch(c.experiment.meta, protocol::kFinalizer);
  return patch ? PatchMeta(c, *patch) : Result<void>();
}

Result<void> Reconciler::Do(const Context& c, const RemoveAbort&) {
  Json patch = {{"metadata", {{"resourceVersion", c.experiment.meta.resource_version}}}};
  patch["metadata"]["annotations"][std::string(protocol::kAbortAnnotation)] = nullptr;
  return PatchMeta(c, patch);
}

Result<void> Reconciler::Do(const Context& c, const CreateProbePod& action) {
  const std::string& ns = c.experiment.meta.key.ns;
  Result<Json> answer = p_.client.Create(kube::kPods, ns, action.pod);
  if (answer) {
    if (Result<Pod> pod = Pod::FromJson(*answer)) p_.pods.Wrote(ns, *std::move(pod));
    return {};
  }
  // 409: it is there already, made by us before (the name is the run's).
  if (answer.error().reason == Reason::kConflict) return {};
  if (answer.error().reason == Reason::kDenied || answer.error().reason == Reason::kInvalid) {
    c.memory.probe_pod_error = answer.error();
    return {};
  }
  return answer.error();
}

Result<void> Reconciler::Do(const Context& c, const CreatePeerService& action) {
  Result<Json> answer = p_.client.Create(kube::kServices, c.experiment.meta.key.ns, action.service);
  // 409: it is there already, made by us before (the name is the run's).
  if (answer || answer.error().reason == Reason::kConflict) {
    c.memory.peer_services_made.insert(Text(action.service, {"metadata", "name"}));
    return {};
  }
  // Worth some patience, but not the run: without it only a peer that comes late is uncovered.
  const bool final =
      answer.error().reason == Reason::kDenied || answer.error().reason == Reason::kInvalid;
  if (!final && ++c.memory.peer_service_failures < kMostPeerServiceFailures) return answer.error();
  c.memory.peer_service_error = answer.error();
  return {};
}

Result<void> Reconciler::Do(const Context& c, const DeletePeerService& action) {
  Result<void> done = p_.client.Delete(kube::kServices, c.experiment.meta.key.ns, action.name);
  const bool gone = done || done.error().reason == Reason::kNotFound;
  // Refused for good: it goes with the experiment, which owns it.
  const bool refused = !gone && done.error().reason == Reason::kDenied &&
                       ++c.memory.peer_service_failures >= kMostPeerServiceFailures;
  if (!gone && !refused) return done;
  c.memory.peer_services_deleted.insert(action.name);
  return {};
}

Result<void> Reconciler::Do(const Context& c, const CreateLoad& action) {
  Result<Json> answer = p_.client.Create(kube::kLoadTests, c.experiment.meta.key.ns, action.load);
  if (answer || answer.error().reason == Reason::kConflict) {
    if (!answer) {  // 409: it is there already, made by us before (the name is the run's)
      answer = p_.client.Get(kube::kLoadTests, c.experiment.meta.key.ns,
                             Text(action.load, {"metadata", "name"}));
      if (!answer) return answer.error();
    }
    if (Result<loadtest::LoadTest> load = loadtest::LoadTest::FromJson(*answer))
      p_.loads.Wrote(*std::move(load));
    return {};
  }
  if (answer.error().reason == Reason::kDenied || answer.error().reason == Reason::kInvalid) {
    c.memory.load_error = answer.error();
    return {};
  }
  return answer.error();
}

Result<void> Reconciler::Do(const Context& c, const FollowProbePod& action) {
  if (c.memory.samples.Ended()) return {};
  c.memory.probe_log.Open({p_.client, p_.clock, p_.queue, c.experiment.meta.key}, action.pod,
                          protocol::kProbeContainer);
  return {};
}

Result<void> Reconciler::Do(const Context& c, const DeleteProbePod& action) {
  Result<void> done = p_.client.Delete(kube::kPods, c.experiment.meta.key.ns, action.pod);
  if (!done && done.error().reason != Reason::kNotFound && done.error().reason != Reason::kDenied)
    return done;
  c.memory.probe_log.Close();
  c.memory.probe_pod_deleted = true;
  return {};
}

Result<Json> Reconciler::PatchSidecar(const Context& c, const std::string& pod, const Json& patch,
                                      bool dry_run) {
  return p_.client.PatchObject(kube::kPods, c.experiment.meta.key.ns, pod, "ephemeralcontainers",
                               kube::Patch::kStrategicMerge, patch,
                               kube::WriteOptions{.dry_run = dry_run});
}

Result<void> Reconciler::Do(const Context& c, const Preflight& action) {
  Result<Json> answer = PatchSidecar(c, action.pod, action.patch, /*dry_run=*/true);
  TargetView& view = c.memory.targets[action.uid];
  if (!answer && !Final(answer.error())) return answer.error();
  view.preflight_done = true;
  view.preflight_error = answer ? std::nullopt : std::optional(answer.error());
  return {};
}

Result<void> Reconciler::Do(const Context& c, const LaunchInjector& action) {
  Result<Json> answer = PatchSidecar(c, action.pod, action.patch, /*dry_run=*/false);
  if (answer) {
    if (Result<Pod> pod = Pod::FromJson(*answer))
      p_.pods.Wrote(c.experiment.meta.key.ns, *std::move(pod));
    return {};
  }
  if (CHAOS_MUTANT("create-under-new-name") && answer.error().reason == Reason::kUnknownOutcome) {
    Json again = action.patch;
    again["spec"]["ephemeralContainers"][0]["name"] = "rbc-again";
    (void)PatchSidecar(c, action.pod, again, /*dry_run=*/false);
  }
  TargetView& view = c.memory.targets[action.uid];
  view.launch_uncertain = view.launch_uncertain || !c.memory.wrote_intent ||
                          answer.error().reason == Reason::kUnknownOutcome;
  if (!Final(answer.error())) return answer.error();
  view.launch_error = answer.error();
  return {};
}

// Beside an injector. `refused` is set where repeating it will not help.
Result<void> Reconciler::LaunchSecond(const Context& c, const std::string& pod, const Json& patch,
                                      std::optional<Error>& refused, const char* then) {
  Result<Json> answer = PatchSidecar(c, pod, patch, /*dry_run=*/false);
  if (answer) {
    if (Result<Pod> written = Pod::FromJson(*answer))
      p_.pods.Wrote(c.experiment.meta.key.ns, *std::move(written));
    return {};
  }
  if (!Final(answer.error())) return answer.error();
  refused = answer.error();
  p_.log.Warn(then, {{"pod", pod}, {"error", answer.error().detail}});
  return {};
}

Result<void> Reconciler::Do(const Context& c, const LaunchStopper& action) {
  return LaunchSecond(c, action.pod, action.patch, c.memory.targets[action.uid].stopper_error,
                      "the stopper was refused; the fault ends at its deadline");
}

Result<void> Reconciler::Do(const Context& c, const LaunchReverter& action) {
  return LaunchSecond(c, action.pod, action.patch, c.memory.targets[action.uid].reverter_error,
                      "what an injector left behind cannot be undone: the second one was refused");
}

Result<void> Reconciler::Do(const Context& c, const RemovePod& action) {
  const std::string& ns = c.experiment.meta.key.ns;
  const kube::DeleteOptions options{
      .uid = action.uid,
      .grace_seconds = action.grace ? static_cast<int>(action.grace->count()) : -1,
      .dry_run = action.dry_run,
      .must_exist = true};
  const TimePoint now = p_.clock.Now();
  const Result<void> done = action.evict ? p_.client.Evict(ns, action.pod, options)
                                         : p_.client.Delete(kube::kPods, ns, action.pod, options);
  TargetView& view = c.memory.targets[action.uid];
  // 429 says either that the server has too much to do, or that a budget forbids it.
  const bool budget = !done && done.error().reason == Reason::kThrottled &&
                      done.error().detail.find("disruption budget") != std::string::npos;
  if (!done && !Final(done.error()) && !budget) {
    view.launch_uncertain = view.launch_uncertain || done.error().reason == Reason::kUnknownOutcome;
    return done;
  }
  const std::optional<Error> error = done ? std::nullopt : std::optional(done.error());
  if (action.dry_run) {
    view.preflight_done = true;
    view.preflight_error = error;
    return {};
  }
  view.launch_uncertain = view.launch_uncertain || (error && !c.memory.wrote_intent);
  view.launch_error = error;
  if (!error && !view.removed_at) view.removed_at = now;
  return {};
}

Result<void> Reconciler::Do(const Context& c, const ReadLog& action) {
  Result<std::string> log = p_.client.Log(c.experiment.meta.key.ns, action.pod, action.container);
  TargetView& view = c.memory.targets[action.uid];
  view.log_read_at = p_.clock.Now();
  if (action.last)
    view.last_reads += log ? 2 : 1;
  else
    ++view.log_reads;
  if (!log) {  // not started yet, or gone: the budget counts it, the next read is planned
    const bool not_started =
        log.error().http_status == 400 || log.error().reason == Reason::kNotFound;
    if (not_started) view.not_started_at = view.log_read_at;
    return {};
  }
  std::string_view rest = *log;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    if (Result<protocol::Event> event = protocol::ParseEvent(rest.substr(0, end)))
      view.said.Add(*event);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  return {};
}

}  // namespace chaos::experiment
