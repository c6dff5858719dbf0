// Plans for an experiment of which no run is live: may it start, and with whom?
#include <algorithm>
#include <regex>

#include "controllers/chaosexperiment/planner.h"
#include "controllers/world/queue.h"
#include "injectors/protocol/names.h"
#include "operator/base/time_text.h"
#include "operator/kube/finalizer.h"

namespace chaos::experiment {
namespace {

constexpr seconds kLookAgain{
    5};  // what blocks a start may change without an event of ours: a right, a Service, a profile

bool ValidRegex(const std::string& text) {
  try {
    std::regex check(text);
    return true;
  } catch (const std::regex_error&) {
    return false;
  }
}

// Would start now if nobody were in front of it.
bool Waiting(const Experiment& e) {
  if (e.status.Live() || e.meta.deleting || e.spec.suspend || !e.spec.dry_run.empty()) return false;
  if (e.status.FindRun(e.spec_hash) != nullptr) return false;
  const kube::Condition* accepted = kube::FindCondition(e.status.conditions, "Accepted");
  return !(accepted && accepted->status == kube::ConditionStatus::kFalse);
}

InLine PlaceOf(const Experiment& e) {
  return {{e.meta.created, e.meta.key}, e.status.Live(), Waiting(e), e.status.finished_at};
}

void ForgetRun(Status& status) {
  Status fresh;
  fresh.runs = std::move(status.runs);
  fresh.conditions = std::move(status.conditions);
  fresh.eligible_at = status.eligible_at;
  fresh.resolved.probe_pod = status.resolved.probe_pod;
  fresh.resolved.peer_services = status.resolved.peer_services;
  status = std::move(fresh);
}

}  // namespace

void Planner::PlanIdle() {
  const bool clean = CleanUp();
  if (experiment_.meta.deleting) {
    described_ = false;
    return;
  }
  const std::string& hash = experiment_.spec_hash;
  const bool shown =
      next_.phase == "Finished" && !next_.runs.empty() && next_.runs.back().spec_hash == hash;
  if (shown && !Annotation(experiment_.meta, protocol::kAbortAnnotation).empty()) Do(RemoveAbort{});
  if (shown) return NoteLoad();  // described again: else only observedGeneration can differ
  if (next_.reason == "DryRun" && !spec_.dry_run.empty() &&
      next_.observed_generation == experiment_.meta.generation)
    return;
  if (RanBefore()) return;
  if (!clean) {  // the names of what is left must not be forgotten
    described_ = false;
    return;
  }
  PlanStart();
}

// What a finished run left: its probe pod, its Services, our finalizer. False: not all has gone
// yet.
bool Planner::CleanUp() {
  std::erase_if(next_.resolved.peer_services, [&](const PeerService& service) {
    const bool gone = world_.peer_services_deleted.contains(service.name);
    if (!gone) Do(DeletePeerService{service.name});
    return gone;
  });
  if (!next_.resolved.probe_pod.empty()) {
    if (world_.probe_pod_deleted)
      next_.resolved.probe_pod.clear();
    else
      Do(DeleteProbePod{next_.resolved.probe_pod});
  }
  if (kube::HasFinalizer(experiment_.meta, protocol::kFinalizer)) Do(RemoveFinalizer{});
  return next_.resolved.probe_pod.empty() && next_.resolved.peer_services.empty();
}

// Neither re-applying, nor two tools flipping a field, nor a restore from a backup runs a spec
// twice.
bool Planner::RanBefore() {
  if (const RunRecord* ran = next_.FindRun(experiment_.spec_hash)) {
    const RunRecord record = *ran;
    ForgetRun(next_);
    next_.phase = "Finished";
    next_.verdict = record.verdict;
    next_.reason = record.reason;
    next_.finished_at = record.at;
    next_.summary = RanBeforeText(record);
    AddRun(next_.runs, record);  // newest last: what is shown
    return true;
  }
  if (!SaysItRan(experiment_.meta, experiment_.spec_hash)) return false;
  ForgetRun(next_);
  Conclude(
      {"Inconclusive", "Restored",
       "the annotation " + std::string(protocol::kRanAnnotation) + std::string(kRestoredText)});
  return true;
}

bool Planner::Queued() {
  std::vector<InLine> others;
  for (const auto& other : world_.siblings) others.push_back(PlaceOf(*other));
  const InLine self = PlaceOf(experiment_);
  if (MustWait(self, others, world_.max_live)) return true;
  if (!next_.eligible_at)
    next_.eligible_at = EligibleAt(self, others, experiment_.meta.generation <= 1, now_);
  return false;
}

void Planner::PlanStart() {
  if (next_.phase == "Finished") {  // a new spec after a finished one
    ForgetRun(next_);
    next_.eligible_at.reset();
  }
  next_.phase = "Pending";
  next_.verdict.clear();
  next_.reason.clear();
  next_.fault_kind = spec_.fault_key;
  if (spec_.suspend) {
    suspended_ = true;
    next_.summary = "suspended: set spec.suspend to false to run it";
    return;
  }
  next_.summary.clear();
  if (const std::string abort = Annotation(experiment_.meta, protocol::kAbortAnnotation);
      !abort.empty()) {
    next_.stop = StopStatus{abort, "Abort", now_};
    return Conclude({"Aborted", "Stopped", "aborted before it started: " + abort});
  }
  if (!spec_.dry_run.empty()) return PlanDryRun();
  if (Queued()) {
    next_.phase = "Queued";
    return;
  }
  const TimePoint limit = *next_.eligible_at + spec_.starting_deadline;
  if (now_ > limit) {  // after an outage no backlog fires
    const kube::Condition* last = kube::FindCondition(next_.conditions, "Accepted");
    const std::string why = last && last->status == kube::ConditionStatus::kFalse
                                ? "; last reason: " + last->reason + ": " + last->message
                                : "";
    return Conclude({"Inconclusive", "StartingDeadlineExceeded",
                     "could not start within " + PrintDuration(spec_.starting_deadline) + why});
  }
  Start();
  if (next_.phase == "Pending") {
    Wake(limit + milliseconds(1));
    Wake(now_ + kLookAgain);
  }
}

void Planner::Block(std::string reason, std::string message) {
  blocked_ = Blocked{std::move(reason), std::move(message)};
}

void Planner::Refuse(const std::string& reason, const std::string& message) {
  Conclude({"Inconclusive", "Refused", reason + ": " + message});
}

std::optional<protocol::ProbePodArguments> Planner::ProbeArgumentsFor(std::string& error,
                                                                      bool& later) const {
  if (!world_.profile || !world_.services) {  // a live run, and just now they cannot be read
    error = world_.profile ? "the Services of the namespace cannot be read" : world_.profile_error;
    later = true;
    return std::nullopt;
  }
  // Twice the longest a run can take, so that a forgotten probe pod ends by itself.
  const milliseconds whole = spec_.baseline + std::chrono::minutes(2) + LongestOn(spec_) +
                             spec_.recovery_within + spec_.recovery_stable_for;
  protocol::ProbePodArguments arguments{run_, 2 * whole, {}};
  for (const ProbeSpec& probe : spec_.probes) {
    if (probe.ByOperator()) {
      if (probe.component.empty()) continue;
      if (Result<Component> known = FindComponent(*world_.profile, probe.component); !known) {
        error = "probe " + probe.name + ": " + known.error().detail;
        return std::nullopt;
      }
      continue;
    }
    protocol::ProbeArguments item = probe.arguments;
    if (!ValidRegex(item.expect_matches)) {
      error = "probe " + probe.name +
              ": expect.matches is not a regular expression: " + item.expect_matches;
      return std::nullopt;
    }
    Result<std::string> url = ProbeUrl(probe, *world_.profile, world_.pods, *world_.services);
    if (!url) {
      error = url.error().detail;
      later = url.error().reason == Reason::kNotFound;
      return std::nullopt;
    }
    item.url = *url;
    if (item.kind == protocol::ProbeKind::kInference)
      item.protocol = FindComponent(*world_.profile, probe.component)->protocol;
    arguments.probes.push_back(std::move(item));
  }
  return arguments;
}

// Selects, resolves and, when all of it holds, makes the run live; `next_` says what came of it.
void Planner::Start() {
  if (std::optional<Refusal> refusal =
          MayStart(*world_.limits, experiment_, world_.ns.get(), world_.stop.get())) {
    step_.refused_rule = refusal->rule;
    return refusal->may_pass_later ? Block(refusal->rule, refusal->message)
                                   : Refuse(refusal->rule, refusal->message);
  }
  if (!world_.profile) return Block("NoProfile", world_.profile_error);
  if (!world_.not_bound.empty()) return Block("NotBound", world_.not_bound);
  if (!world_.pods_synced || !world_.services)
    return Block("Reading", "the pods of the namespace are being read");

  const std::int64_t seed = spec_.seed.value_or(DefaultSeed(experiment_.meta.uid, spec_.run));
  const auto failed = [&](const char* reason, const Error& error) {
    error.reason == Reason::kNotFound ? Block(reason, error.detail) : Refuse(reason, error.detail);
  };
  Result<Selection> selection = Selection{};
  if (!spec_.WaitsForNewPod())
    selection = SelectTargets(spec_.target, spec_.max_targets, *world_.profile, world_.pods, seed);
  if (!selection) return failed("NoTargets", selection.error());
  Result<Peers> peers = Peers{};
  if (spec_.HasPeers())
    peers = ResolvePeers(spec_.partition, *world_.profile, world_.pods, *world_.services,
                         selection->targets);
  if (!peers) return failed("NoPeers", peers.error());
  std::string probe_error;
  bool later = false;
  if (!ProbeArgumentsFor(probe_error, later)) {
    return later ? Block("NoProbeTarget", probe_error) : Refuse("BadProbe", probe_error);
  }
  std::optional<Refusal> refusal;
  for (const auto& pod : selection->targets) {
    refusal = MayInject(*world_.limits, experiment_, world_.census, *pod);
    if (refusal) break;
  }
  if (!refusal && !spec_.WaitsForNewPod()) refusal = MayHit(selection->targets);
  if (refusal) {
    step_.refused_rule = refusal->rule;
    return refusal->may_pass_later ? Block(refusal->rule, refusal->message)
                                   : Refuse(refusal->rule, refusal->message);
  }
  std::optional<LoadStatus> load = next_.load;
  if (spec_.load && !load) {
    if (const Result<Json> object = LoadObject(); !object) return failed("NoLoad", object.error());
    load.emplace().name = LoadName(experiment_.meta.key.name, run_);
  }
  const std::optional<TimePoint> started = next_.started_at;
  ForgetRun(next_);
  next_.load = std::move(load);
  next_.fault_kind = spec_.fault_key;
  next_.active_run =
      experiment_.status.Live() ? experiment_.status.active_run : experiment_.spec_hash;
  next_.phase = "Baseline";
  next_.started_at = started ? started : now_;
  next_.resolved.seed = seed;
  next_.resolved.candidates = selection->candidates;
  next_.resolved.candidates_digest = selection->digest;
  next_.resolved.profile = world_.profile->name;
  next_.resolved.image = world_.settings->injector_image;
  if (spec_.NeedsProbePod()) next_.resolved.probe_pod = protocol::ProbePodName(run_);
  for (const protocol::Peer& peer : peers->peers)
    next_.resolved.peers.push_back({peer.name, peer.addresses});
  // A run that selects again has them already.
  for (std::size_t i = 0; !experiment_.status.Live() && i < peers->followed.size(); ++i) {
    next_.resolved.peer_services.push_back(
        {protocol::PeersServiceName(run_, i), peers->followed[i].selector});
  }
  next_.coverage = peers->uncovered.empty() ? "Full" : "Partial";
  next_.coverage_missing = peers->uncovered;
  for (const auto& pod : selection->targets) {
    TargetStatus target;
    target.pod = pod->meta.key.name;
    target.uid = pod->meta.uid;
    target.node = pod->node;
    target.container = *PickContainer(spec_.target, *pod);
    target.state = "Selected";
    target.sidecars = CountSidecars(*world_.limits, *pod);
    next_.targets.push_back(std::move(target));
  }
}

// Plan: what would be hit. Preflight: also whether the API server would take the sidecar. Neither
// counts as a run.
void Planner::PlanDryRun() {
  if (!next_.eligible_at) next_.eligible_at = now_;
  Start();
  if (!next_.Live()) return;
  next_.active_run.clear();
  next_.resolved.probe_pod.clear();
  next_.resolved.peer_services.clear();
  next_.load.reset();
  std::string who;
  for (const TargetStatus& target : next_.targets) who += (who.empty() ? "" : ", ") + target.pod;
  if (spec_.WaitsForNewPod()) who = "the first new pod";
  std::string text = "would hit " + who + " with " + spec_.fault_key;
  if (spec_.dry_run == "Preflight") {
    if (!PreflightDone()) {  // asks for it and comes back
      described_ = false;
      next_ = experiment_.status;
      return;
    }
    for (TargetStatus& target : next_.targets) {
      if (const auto& error = View(target.uid).preflight_error)
        text = "pod " + target.pod + " would refuse the injector: " + error->detail;
      else
        text += "; the API server accepts the injector";
    }
  }
  next_.phase = "Finished";
  next_.reason = "DryRun";
  next_.summary = text;
  next_.finished_at = now_;
}

}  // namespace chaos::experiment
