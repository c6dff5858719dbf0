// Plans for a live run: its Job, what the pods say, when it must stop, and the end.
#include <algorithm>

#include "controllers/loadtest/bodies.h"
#include "controllers/loadtest/planner.h"
#include "controllers/loadtest/report.h"
#include "injectors/protocol/names.h"
#include "operator/base/mutant.h"
#include "operator/base/time_text.h"

namespace chaos::loadtest {
namespace {

constexpr seconds kLiveDataBy{10};  // after T0
constexpr seconds kStartBy{60};     // after T0 without a word from any pod: it never starts
constexpr seconds kFigures{10};     // numbers go to the status no more often
constexpr seconds kDecide{2};       // as k6 does
constexpr seconds kLookForPods{5}, kLookForPodsLater{30};
constexpr seconds kHearAgain{20};  // for a successor that must read the logs once more
// An API server carries a request out within its --request-timeout of a minute, or never.
constexpr seconds kLateRequest{75};
constexpr std::string_view kStopValue = "stop", kReadValue = "read";

}  // namespace

void Planner::PlanLive() {
  if (!next_.started_at || !next_.ends_at || !next_.eligible_at || !next_.resolved.seed) {
    Conclude({"Inconclusive", "Restored", "the status of the live run is not whole any more"});
    return Finish();
  }
  if (!next_.verdict.empty()) return PlanClose();
  NoticeStop();
  if (next_.stop && !Annotation(test_.meta, protocol::kAbortAnnotation).empty()) Do(RemoveAbort{});
  const bool blind = !world_.not_bound.empty();  // our right to see pods was taken away
  if (!world_.pods_synced && !blind) return Wake(now_ + seconds(1));
  FindPods();
  if (now_ > HardEnd()) return ConcludeRun();
  Wake(HardEnd() + milliseconds(1));
  if (blind) return;
  if (!JobIsThere()) return;
  FollowPods();
  if (AnySaid() && now_ >= *next_.started_at && next_.phase == "Starting") next_.phase = "Running";
  WatchTheStart();
  WatchThresholds();
  UpdateCoverage();
  UpdateFigures();
  if (next_.stop) {
    next_.phase = "Stopping";
    TellPods(kStopValue);
  }
  if (Settled()) return ConcludeRun();
  Wake(now_ < *next_.started_at ? *next_.started_at : now_ + kDecide);
  Wake(*next_.ends_at);
}

void Planner::NoticeStop() {
  if (next_.stop) return;
  const auto stop = [&](const char* by, std::string reason) {
    next_.stop = StopStatus{std::move(reason), by, now_};
  };
  const std::string abort = Annotation(test_.meta, protocol::kAbortAnnotation);
  if (!abort.empty()) return stop("Abort", abort);
  if (test_.meta.deleting) return stop("Deletion", "the load test was deleted");
  if (world_.stop)
    return stop("ChaosStop", world_.stop->meta.key.name +
                                 (world_.stop->reason.empty() ? "" : ": " + world_.stop->reason));
  if (world_.ns && world_.ns->terminating)
    return stop("NamespaceTermination", "the namespace is being deleted");
  if (test_.spec_hash != next_.active_run || !workload_)
    return stop("SpecChange", "the spec was changed while its run was live");
  if (world_.owner && world_.owner->stop_at && now_ >= *world_.owner->stop_at)
    return stop("Owner", "the experiment needs the load no more");
}

// False: nothing else can be done before it is, or the run is concluded.
bool Planner::JobIsThere() {
  const bool any_pod =
      std::any_of(pods_.begin(), pods_.end(), [](const PodFate& f) { return f.pod != nullptr; });
  const bool known = any_pod || AnySaid() || (world_.job && world_.job->exists);
  if (world_.job && world_.job->exists && world_.job->t0 != *next_.started_at) {
    // Made by an attempt that was given up as lost: what the pods were told holds.
    next_.started_at = world_.job->t0;
    next_.ends_at = *next_.started_at + next_.resolved.length;
  }
  if (known) return true;
  const bool may_create = next_.phase == "Starting" && !next_.stop;
  if (!world_.job) {
    if (world_.job_error && now_ < *world_.job_read_at + kLookForPods) {
      Wake(*world_.job_read_at + kLookForPods);
      return true;  // the limits of the start are watched
    }
    if (may_create && (now_ < *next_.started_at || world_.job_error))
      CreateTheJob();
    else
      Do(ReadJob{next_.job, false});
    return false;
  }
  // It surely is not there.
  if (!may_create) {
    ConcludeRun();
    return false;
  }
  if (now_ >= *next_.started_at) {  // nobody was told that T0: another one, in front of us
    if (now_ > *next_.eligible_at + spec_.starting_deadline) {
      next_.stop = StopStatus{"the Job could not be made in time", "StartFailed", now_};
      ConcludeRun();
      return false;
    }
    next_.started_at = now_ + world_.settings->start_delay;
    next_.ends_at = *next_.started_at + next_.resolved.length;
    return false;
  }
  CreateTheJob();
  return false;
}

void Planner::CreateTheJob() {
  if (!SaysItRan(test_.meta, next_.active_run))
    return Do(MarkRan{RanWith(test_.meta, next_.active_run)});
  Result<std::vector<std::string>> prompts = PromptsOf();
  if (!prompts) {  // read when the run started; it comes back, or the start is too late
    facts_.trouble = Blocked{"NoPrompts", prompts.error().detail};
    if (now_ > *next_.started_at + kStartBy) {
      next_.stop = StopStatus{prompts.error().detail, "StartFailed", now_};
      return ConcludeRun();
    }
    return Wake(now_ + seconds(1));
  }
  const std::string arguments =
      PrintJson(protocol::ToJson(ArgumentsOf(test_, *workload_, run_, *prompts)));
  Do(CreateJob{Job(test_, *workload_, run_, arguments)});
}

// Why pods do not run is said at once, and not waited for for ever.
void Planner::WatchTheStart() {
  bool missing = false;
  std::string why;
  for (const PodFate& fate : pods_) {
    missing = missing || fate.kind == PodFate::Kind::kMissing;
    if (why.empty() && fate.kind == PodFate::Kind::kWaiting &&
        fate.why.find(": ") != std::string::npos)
      why = fate.why;
  }
  const bool refused = missing && world_.job && !world_.job->refused.empty();
  if (refused) why = world_.job->refused;
  if (world_.job_error) why = "the Job was refused: " + world_.job_error->detail;
  if (!why.empty())
    facts_.trouble = Blocked{refused || world_.job_error ? "PodsRefused" : "PodsWaiting", why};

  if (missing && !world_.job_error && !next_.stop && now_ < *next_.ends_at) {
    const TimePoint due =
        world_.job_read_at
            ? *world_.job_read_at +
                  (now_ < *next_.started_at + kStartBy ? kLookForPods : kLookForPodsLater)
            : now_;
    if (now_ >= due && world_.job_read_at)
      Do(ReadJob{next_.job, true});
    else if (!world_.job_read_at)
      Do(ReadJob{next_.job, false});
    Wake(due);
  }

  const bool live = std::any_of(world_.log->pods().begin(), world_.log->pods().end(),
                                [](const auto& entry) { return entry.second.elapsed_ms > 0; });
  const bool was_live = kube::IsTrue(next_.conditions, "LiveData");
  if (live) facts_.live_data = true;
  if (live || was_live || next_.stop) return;
  if (now_ <= *next_.started_at + kLiveDataBy)
    return Wake(*next_.started_at + kLiveDataBy + milliseconds(1));
  facts_.live_data = false;
  const bool guarded = std::any_of(spec_.thresholds.begin(), spec_.thresholds.end(),
                                   [](const ThresholdSpec& t) { return t.abort_on_fail; });
  const std::string words = why.empty() ? "no load pod has said anything" : why;
  if (guarded) {
    next_.stop =
        StopStatus{"no live data " + PrintDuration(kLiveDataBy) +
                       " after the start, and abortOnFail cannot be kept without: " + words,
                   "NoLiveData", now_};
  } else if (now_ > *next_.started_at + kStartBy) {
    next_.stop = StopStatus{words, "StartFailed", now_};
  } else {
    Wake(*next_.started_at + kStartBy + milliseconds(1));
  }
}

Measured Planner::MeasureNow(bool whole) const {
  TimePoint until = std::min(now_, *next_.ends_at);
  if (next_.stop && next_.stop->at) until = std::min(until, *next_.stop->at);
  if (!whole || workload_->executor.DealsIterations()) {
    // The lines of the last second are on their way, and a number of iterations may be done sooner
    // than planned: as far as the farthest has come.
    milliseconds farthest{0};
    for (const auto& [index, pod] : world_.log->pods())
      farthest = std::max(farthest, milliseconds(pod.elapsed_ms));
    until = std::min(until, *next_.started_at + farthest);
  }
  return Measure(*workload_, *world_.log, world_.owner, *next_.started_at, until);
}

void Planner::WatchThresholds() {
  if (next_.stop || !SameSpec() || !AnySaid()) return;
  const milliseconds elapsed = std::chrono::floor<milliseconds>(now_ - *next_.started_at);
  const auto due = [&](const Threshold& t) {
    return t.spec.abort_on_fail && elapsed >= t.spec.delay_abort_eval;
  };
  if (std::none_of(workload_->thresholds.begin(), workload_->thresholds.end(), due)) return;
  const std::vector<protocol::Decision> decisions =
      DecideAll(*workload_, MeasureNow(false), spec_.request.expect_tokens);
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    const Threshold& t = workload_->thresholds[i];
    if (!due(t) || decisions[i].holds.value_or(true)) continue;
    next_.stop = StopStatus{t.spec.metric + " " + t.spec.expression + " was broken after " +
                                PrintShort(elapsed) + " (abortOnFail)",
                            "Threshold", now_};
    return;
  }
}

void Planner::UpdateCoverage() {
  if (now_ < *next_.started_at) return;
  int there = 0;
  std::vector<std::string> missing;
  for (const PodFate& fate : pods_) {
    const bool here = fate.kind == PodFate::Kind::kRunning || fate.kind == PodFate::Kind::kEnded;
    there += here;
    if (!here) missing.push_back(fate.why.substr(0, 256));
  }
  next_.coverage_pods = std::to_string(there) + "/" + std::to_string(pods_.size());
  next_.coverage_missing = std::move(missing);
}

void Planner::UpdateFigures() {
  if (!SameSpec() || !AnySaid() || now_ < *next_.started_at) return;
  const milliseconds elapsed = std::chrono::floor<milliseconds>(now_ - *next_.started_at);
  const bool due = !next_.progress || elapsed >= next_.progress->elapsed + kFigures ||
                   CHAOS_MUTANT("load-write-storm");
  // That requests flow is told at once: an experiment may wait for it.
  const bool flows_not_yet = next_.progress && next_.progress->requests == 0;
  if (!due && !flows_not_yet) return;
  const Measured measured = MeasureNow(false);
  if (!due && measured.phases.all.Judged() == 0) return;
  const milliseconds heard = measured.elapsed;
  // A successor that has not read everything again must not take anything back.
  if (next_.progress && heard < next_.progress->elapsed) return;
  FillFigures(*workload_, measured, *world_.log, spec_.request.expect_tokens, next_);
}

void Planner::TellPods(std::string_view value) {
  for (const PodFate& fate : pods_) {
    if (fate.pod == nullptr || fate.over || fate.pod->meta.deleting) continue;
    const std::string& uid = fate.pod->meta.uid;
    const auto told = world_.told.find(uid);
    const std::string has = told != world_.told.end()
                                ? told->second
                                : Annotation(fate.pod->meta, protocol::kLoadStopAnnotation);
    if (has != value) Do(TellPod{fate.pod->meta.key.name, uid, std::string(value)});
  }
}

void Planner::ConcludeRun() {
  PodsEnd end;
  std::string never;
  for (const PodFate& fate : pods_) {
    if (fate.kind == PodFate::Kind::kEnded) {
      ++end.ended;
      continue;
    }
    const bool silent = fate.kind == PodFate::Kind::kRunning;
    end.lost.push_back(silent ? "pod " + std::to_string(&fate - pods_.data()) + " fell silent"
                              : fate.why);
    if (never.empty()) never = end.lost.back();
  }
  if (!AnySaid() && !kube::IsTrue(next_.conditions, "LiveData")) {
    const std::string refused = world_.job ? world_.job->refused : "";
    end.never_started = "no load pod has said anything: " + (refused.empty() ? never : refused);
  }
  next_.coverage_pods = std::to_string(end.ended) + "/" + std::to_string(pods_.size());
  next_.coverage_missing.clear();
  for (const std::string& why : end.lost) next_.coverage_missing.push_back(why.substr(0, 256));
  if (!SameSpec()) {
    const StopStatus stop =
        next_.stop.value_or(StopStatus{"the spec was changed", "SpecChange", {}});
    return Conclude({"Aborted", "Stopped", stop.by + ": " + stop.reason});
  }
  const Measured measured = MeasureNow(true);
  if (AnySaid()) FillFigures(*workload_, measured, *world_.log, spec_.request.expect_tokens, next_);
  Conclude(Judge(test_, *workload_, measured, end, next_));
}

// It was asked for, and neither it nor its refusal was ever seen: deleted now, it could come
// afterwards, with nobody left to end it.
bool Planner::JobMayStillCome() const {
  const bool seen = (world_.job && world_.job->exists) || AnySaid() ||
                    std::any_of(pods_.begin(), pods_.end(),
                                [](const PodFate& fate) { return fate.pod != nullptr; });
  return !seen && !world_.job_error && world_.not_bound.empty() &&
         SaysItRan(test_.meta, next_.active_run);
}

// The verdict stands: the report, the pods, the Job, and then it is final.
void Planner::PlanClose() {
  if (!world_.report_written && !world_.report_error) {
    if (world_.not_bound.empty()) {
      if (!world_.pods_synced) return Wake(now_ + seconds(1));
      FindPods();
      FollowPods();
      if (!HeardAll() && now_ < *next_.finished_at + kHearAgain)
        return Wake(*next_.finished_at + kHearAgain + milliseconds(1));
    }
    return Do(WriteReport{
        Report(test_, run_, SameSpec() ? &*workload_ : nullptr, *world_.log, world_.owner)});
  }
  if (!world_.job_deleted) {
    FindPods();
    TellPods(kReadValue);
    const TimePoint surely = *next_.finished_at + kLateRequest;
    if (JobMayStillCome() && now_ <= surely) return Wake(surely + milliseconds(1));
    return Do(DeleteJob{next_.job});
  }
  if (world_.report_error)
    next_.summary = (next_.summary + "; the report was refused: " + world_.report_error->detail)
                        .substr(0, 1000);
  else
    next_.report = ReportName(test_, run_);
  Finish();
}

}  // namespace chaos::loadtest
