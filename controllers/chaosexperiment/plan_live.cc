// Plans for a live run: baseline, intent, the time with the fault, and the end.
#include <algorithm>

#include "controllers/chaosexperiment/bodies.h"
#include "controllers/chaosexperiment/planner.h"
#include "injectors/protocol/names.h"
#include "operator/base/mutant.h"
#include "operator/base/time_text.h"
#include "operator/kube/finalizer.h"

namespace chaos::experiment {
namespace {

constexpr seconds kProbeStart{
    60};  // for the probe pod's first line, and for every probe to be good once
constexpr seconds kSilence{20};  // longer without a line, the probe pod counts as lost

}  // namespace

void Planner::PlanLive() {
  NoteLoad();
  NoticeStop();
  if (next_.intended_at) NoticeBrokenLoad();
  if (next_.stop && CHAOS_MUTANT("drop-finalizer-early")) Do(RemoveFinalizer{});
  if (next_.stop && !Annotation(experiment_.meta, protocol::kAbortAnnotation).empty())
    Do(RemoveAbort{});
  if (next_.intended_at) return PlanInjected();
  if (next_.stop)
    return Conclude({"Aborted", "Stopped", next_.stop->by + ": " + next_.stop->reason});
  PlanBaseline();
}

void Planner::NoticeStop() {
  if (next_.stop) return;
  const auto stop = [&](const char* by, std::string reason) {
    next_.stop = StopStatus{std::move(reason), by, now_};
  };
  const std::string abort = Annotation(experiment_.meta, protocol::kAbortAnnotation);
  if (!abort.empty()) return stop("Abort", abort);
  if (experiment_.meta.deleting) return stop("Deletion", "the experiment was deleted");
  if (world_.stop)
    return stop("ChaosStop", world_.stop->meta.key.name +
                                 (world_.stop->reason.empty() ? "" : ": " + world_.stop->reason));
  if (world_.ns && world_.ns->terminating)
    return stop("NamespaceTermination", "the namespace is being deleted");
  if (experiment_.spec_hash != next_.active_run)
    return stop("SpecChange", "the spec was changed while its run was live");
  if (next_.phase != "Active" || world_.samples == nullptr) return;
  for (const AbortWhen& rule : spec_.abort_when) {
    if (FailingFor(world_.samples->Of(rule.probe), now_, rule.fails_for)) {
      return stop("AbortWhen",
                  "probe " + rule.probe + " has failed for " + PrintDuration(rule.fails_for));
    }
  }
}

void Planner::PlanBaseline() {
  if (!PreflightDone()) return;
  for (const TargetStatus& target : next_.targets) {
    const auto& error = View(target.uid).preflight_error;
    if (!error) continue;
    if (error->reason == Reason::kNotFound) break;  // gone: Recheck selects again
    return Conclude({"Inconclusive", "Refused",
                     "pod " + target.pod +
                         (spec_.pod ? " may not be taken away: " : " refuses the injector: ") +
                         error->detail});
  }
  if (!FollowReady()) return;
  if (spec_.load && !LoadReady()) return;
  const bool watched = !spec_.probes.empty() || spec_.load;
  if (watched && (!ProbesReady() || !BaselineHolds())) return;
  if (!LoadHolds() || !Recheck()) return;
  if (!kube::HasFinalizer(experiment_.meta, protocol::kFinalizer))
    return Do(AddFinalizer{RanWith(experiment_.meta, next_.active_run)});
  PersistIntents();
}

// Asks the API server whether it would take the sidecar, before anything is made.
bool Planner::PreflightDone() {
  bool done = true;
  for (const TargetStatus& target : next_.targets) {
    if (View(target.uid).preflight_done) continue;
    const Pod* pod = FindPod(target.pod, target.uid);
    if (pod == nullptr) continue;  // gone: Recheck selects again
    const Result<Means> means = ChooseMeans(spec_, *pod, target.container);
    if (!means) continue;  // and this one refuses it
    done = false;
    if (spec_.pod) {
      Do(RemovePod{target.pod, target.uid, spec_.pod->evict, spec_.pod->grace, true});
      continue;
    }
    Intent trial;
    trial.sidecar = protocol::SidecarName(run_);
    trial.image = world_.settings->injector_image;
    trial.arguments = "{}";
    UseMeans(*means, trial);
    Do(experiment::Preflight{target.pod, target.uid, SidecarPatch(trial, target.uid)});
  }
  return done;
}

// The probe pod is there and every probe that counts Before has been good once.
bool Planner::ProbesReady() {
  WakeForOwnProbes();
  if (world_.probe_pod_error) {
    Conclude({"Inconclusive", "Refused",
              "the probe pod was refused: " + world_.probe_pod_error->detail});
    return false;
  }
  const Pod* pod = FindPod(next_.resolved.probe_pod, "");
  const bool started = world_.samples && world_.samples->Started();
  const bool wanted = spec_.NeedsProbePod();
  const bool can_create = wanted && world_.profile && world_.services;
  if (pod == nullptr && !started && !can_create)
    Wake(now_ + seconds(1));  // an outage: they come back
  if (pod == nullptr && !started && can_create) {
    std::string error;
    bool later = false;
    const auto arguments = ProbeArgumentsFor(error, later);
    if (arguments)
      Do(CreateProbePod{ProbePod(experiment_, run_, world_.settings->load_image, *arguments)});
    else
      Wake(now_ + seconds(1));
  }
  if (pod != nullptr) Do(FollowProbePod{next_.resolved.probe_pod});
  if (next_.baseline_started_at) return true;

  const std::optional<TimePoint> good = BaselineStart();
  if (good) {
    // Under load, or it would not be the steady state that the fault is compared with.
    next_.baseline_started_at =
        spec_.load ? std::max(now_, *good) : std::chrono::floor<milliseconds>(*good);
    return false;  // written first
  }
  const TimePoint limit =
      *next_.started_at + std::max<microseconds>(kProbeStart, spec_.baseline) + LoadStart();
  if (now_ <= limit) {
    Wake(limit + milliseconds(1));
    return false;
  }
  if (!started && wanted) {
    const std::string why = WhyNotRunning(pod, protocol::kProbeContainer);
    Conclude({"Inconclusive", "NoData",
              "the probe pod " + next_.resolved.probe_pod + " has said nothing for " +
                  PrintDuration(kProbeStart) + (why.empty() ? "" : " (" + why + ")")});
    return false;
  }
  for (const ProbeSpec& probe : spec_.probes) {
    const std::vector<Sample>& samples = world_.samples->Of(probe.name);
    if (!probe.before ||
        std::any_of(samples.begin(), samples.end(), [](const Sample& s) { return s.ok; }))
      continue;
    const std::string last = world_.samples->LastError(probe.name);
    Conclude(samples.empty()
                 ? Judgement{"Inconclusive", "NoData",
                             "probe " + probe.name + " has not given one sample"}
                 : Judgement{"Inconclusive", "SteadyStateNotMet",
                             "probe " + probe.name + " was never good before the fault" +
                                 (last.empty() ? "" : ": " + last)});
    return false;
  }
  return false;
}

// Since when every probe that counts Before has been good once.
std::optional<TimePoint> Planner::BaselineStart() const {
  const bool any = std::any_of(spec_.probes.begin(), spec_.probes.end(),
                               [](const ProbeSpec& p) { return p.before; });
  if (!spec_.NeedsProbePod() && !any) return next_.started_at;
  if (!world_.samples) return std::nullopt;
  if (spec_.NeedsProbePod() && !world_.samples->Started()) return std::nullopt;
  return FirstAllGood(spec_.probes, *world_.samples);
}

bool Planner::BaselineHolds() {
  const TimePoint from = *next_.baseline_started_at;
  const TimePoint end = from + spec_.baseline;
  if (now_ < end) {
    Wake(end);
    return false;
  }
  const std::optional<TimePoint> last = world_.samples ? world_.samples->LastLine() : std::nullopt;
  if (spec_.NeedsProbePod() && (!last || *last < end - seconds(1))) {
    if (now_ <= end + kSilence) {
      Wake(end + kSilence + milliseconds(1));
    } else {
      Conclude({"Inconclusive", "NoData",
                "the probe pod " + next_.resolved.probe_pod + " went silent during the baseline"});
    }
    return false;
  }
  for (const ProbeSpec& probe : spec_.probes) {
    if (!probe.before) continue;
    const PhaseCount count = CountIn(world_.samples->Of(probe.name), {from, now_});
    if (count.failed == 0) continue;
    Conclude({"Inconclusive", "SteadyStateNotMet",
              "probe " + probe.name + " failed in " + std::to_string(count.failed) + " of " +
                  std::to_string(count.samples) +
                  " samples before the fault: " + world_.samples->LastError(probe.name)});
    return false;
  }
  return true;
}

// What was true when the run started must still be true when it hurts somebody.
bool Planner::Recheck() {
  const TimePoint limit =
      *next_.eligible_at + spec_.starting_deadline + spec_.baseline + kProbeStart + LoadStart();
  if (now_ > limit) {
    Conclude({"Inconclusive", "StartingDeadlineExceeded",
              "the fault could not be put on in time, so it never was"});
    return false;
  }
  if (std::optional<Refusal> refusal =
          MayStart(*world_.limits, experiment_, world_.ns.get(), world_.stop.get())) {
    step_.refused_rule = refusal->rule;
    Conclude({"Inconclusive", "Refused", refusal->rule + ": " + refusal->message});
    return false;
  }
  if (!world_.pods_synced || !world_.profile || !world_.services) {
    Wake(now_ + seconds(1));
    return false;
  }
  if (spec_.WaitsForNewPod()) return true;
  for (const TargetStatus& target : next_.targets) {
    const Pod* pod = FindPod(target.pod, target.uid);
    if (pod == nullptr || pod->meta.deleting ||
        pod->phase != "Running") {  // replaced until the first launch
      const std::optional<TimePoint> baseline = next_.baseline_started_at;
      Start();
      next_.baseline_started_at = baseline;
      if (blocked_) {
        Conclude({"Inconclusive", "TargetGone",
                  "pod " + target.pod + " went away before the fault: " + blocked_->message});
        blocked_.reset();
      }
      return false;
    }
    if (std::optional<Refusal> refusal =
            MayInject(*world_.limits, experiment_, world_.census, *pod)) {
      step_.refused_rule = refusal->rule;
      Conclude({"Inconclusive", "Refused", refusal->rule + ": " + refusal->message});
      return false;
    }
  }
  if (std::optional<Refusal> refusal = MayHit(TargetPods())) {
    step_.refused_rule = refusal->rule;
    Conclude({"Inconclusive", "Refused", refusal->rule + ": " + refusal->message});
    return false;
  }
  return true;
}

std::optional<Refusal> Planner::MayHit(const Pods& targets) const {
  const Result<Pods> matching =
      Matching(spec_.target.component, spec_.target.selector, *world_.profile, world_.pods);
  return matching ? MayRemove(experiment_, *matching, targets) : std::nullopt;
}

// The operator's own probes have a schedule, whatever else happens.
void Planner::WakeForOwnProbes() {
  for (const ProbeSpec& probe : spec_.probes) {
    if (!probe.ByOperator()) continue;
    const milliseconds interval = probe.arguments.interval;
    Wake(LastTick(now_, interval) + interval);
  }
}

void Planner::PlanInjected() {
  WakeForOwnProbes();
  if (spec_.NeedsProbePod() && FindPod(next_.resolved.probe_pod, "") != nullptr)
    Do(FollowProbePod{next_.resolved.probe_pod});
  if (!world_.pods_synced && world_.not_bound.empty()) {
    Wake(now_ + seconds(1));
    return;
  }
  if (Annotation(experiment_.meta, protocol::kReleaseAnnotation) == experiment_.meta.uid)
    return Release();
  if (spec_.WaitsForNewPod() && next_.targets.empty()) return WaitForNewPod();
  for (TargetStatus& target : next_.targets) {
    if (!target.Ended()) UpdateTarget(target);
    if (target.Ended() && spec_.AtOnce()) NoteBack(target);
  }
  if (spec_.HasPeers()) NoticeLatePeers();
  if (spec_.ActsOnRequests()) NoteUncoveredRequests();
  const auto ended = [](const TargetStatus& t) { return t.Ended(); };
  if (std::all_of(next_.targets.begin(), next_.targets.end(), ended)) {
    if (spec_.HasPeers()) JudgeLatePeers();
    if (next_.stop) {
      const bool limit = next_.stop->by == "AbortWhen", load = next_.stop->by == "Load";
      static const SampleLog kNone;
      Status figures = next_;
      (void)Judge(spec_, world_.samples ? *world_.samples : kNone, now_,
                  figures);  // for its timings and counts alone
      next_ = std::move(figures);
      return Conclude({limit || load ? "Failed" : "Aborted",
                       limit  ? "LimitBroken"
                       : load ? "ThresholdBreached"
                              : "Stopped",
                       next_.stop->by + ": " + next_.stop->reason});
    }
    static const SampleLog kNone;
    Status judged = next_;
    if (std::optional<Judgement> judgement =
            Judge(spec_, world_.samples ? *world_.samples : kNone, now_, judged)) {
      if (!LoadEnded()) return;
      next_ = std::move(judged);
      const bool with_load = spec_.load && !CHAOS_MUTANT("forget-the-load");
      return Conclude(with_load ? WithLoad(*judgement, world_.load.get()) : *judgement);
    }
    next_.phase = "Recovering";
    Wake(now_ + seconds(1));
    return;
  }
  const bool on =
      std::all_of(next_.targets.begin(), next_.targets.end(),
                  [](const TargetStatus& t) { return t.Ended() || t.verified_at.has_value(); });
  next_.phase = on ? "Active" : "Injecting";
  if (!spec_.abort_when.empty()) Wake(now_ + seconds(1));
}

// Somebody with the right to it says that waiting is over. What was not seen clean stays unknown.
void Planner::Release() {
  for (TargetStatus& target : next_.targets) {
    if (target.Ended()) continue;
    target.state = "Unknown";
    target.message = "given up by annotation " + std::string(protocol::kReleaseAnnotation) +
                     ": not verified clean; a fault can be on until " +
                     PrintTime(target.intent ? target.intent->deadline : now_, 0) +
                     " at the latest";
  }
  Conclude({"Aborted", "Stopped", "released by hand: the targets were not verified clean"});
}

}  // namespace chaos::experiment
