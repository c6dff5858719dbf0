// Plans for a load test of which no run is live: may it start, and with what?
#include <algorithm>

#include "controllers/loadtest/bodies.h"
#include "controllers/loadtest/planner.h"
#include "injectors/protocol/names.h"
#include "operator/base/time_text.h"

namespace chaos::loadtest {
namespace {

// What blocks a start may change without an event of ours: a right, a Service, a profile.
constexpr seconds kLookAgain{5};

// Would start now if nobody were in front of it.
bool Waiting(const LoadTest& t) {
  if (t.status.Live() || t.meta.deleting || t.spec.suspend || t.owner) return false;
  if (FindRun(t.status.runs, t.spec_hash) != nullptr) return false;
  const kube::Condition* accepted = kube::FindCondition(t.status.conditions, "Accepted");
  return !(accepted && accepted->status == kube::ConditionStatus::kFalse);
}

// The load of an experiment goes with its experiment: it takes nobody's place.
InLine PlaceOf(const LoadTest& t) {
  return {{t.meta.created, t.meta.key},
          t.status.Live() && !t.owner,
          Waiting(t),
          t.owner ? std::nullopt : t.status.finished_at};
}

void ForgetRun(Status& status) {
  Status fresh;
  fresh.runs = std::move(status.runs);
  fresh.conditions = std::move(status.conditions);
  fresh.eligible_at = status.eligible_at;
  status = std::move(fresh);
}

}  // namespace

void Planner::PlanIdle() {
  if (test_.meta.deleting) {
    described_ = false;
    return;
  }
  const bool shown = next_.phase == "Finished" && !next_.runs.empty() &&
                     next_.runs.back().spec_hash == test_.spec_hash;
  if (shown && !Annotation(test_.meta, protocol::kAbortAnnotation).empty()) Do(RemoveAbort{});
  if (shown) return;  // described again: only observedGeneration can differ
  if (RanBefore()) return;
  PlanStart();
}

// Neither re-applying, nor two tools flipping a field, nor a restore from a backup runs a spec
// twice.
bool Planner::RanBefore() {
  if (const RunRecord* ran = FindRun(next_.runs, test_.spec_hash)) {
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
  if (!SaysItRan(test_.meta, test_.spec_hash)) return false;
  ForgetRun(next_);
  Conclude(
      {"Inconclusive", "Restored",
       "the annotation " + std::string(protocol::kRanAnnotation) + std::string(kRestoredText)});
  return true;
}

bool Planner::Queued() {
  std::vector<InLine> others;
  for (const auto& other : world_.siblings) others.push_back(PlaceOf(*other));
  const InLine self = PlaceOf(test_);
  if (!test_.owner && MustWait(self, others, world_.max_live)) return true;
  if (!next_.eligible_at)
    next_.eligible_at = EligibleAt(self, others, test_.meta.generation <= 1, now_);
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
  if (spec_.suspend) {
    facts_.suspended = true;
    next_.summary = "suspended: set spec.suspend to false to run it";
    return;
  }
  next_.summary.clear();
  if (const std::string abort = Annotation(test_.meta, protocol::kAbortAnnotation);
      !abort.empty()) {
    next_.stop = StopStatus{abort, "Abort", now_};
    return Conclude({"Aborted", "Stopped", "aborted before it started: " + abort});
  }
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
  facts_.blocked = Blocked{std::move(reason), std::move(message)};
}

void Planner::Refuse(const std::string& reason, const std::string& message) {
  Conclude({"Inconclusive", "Refused", reason + ": " + message});
}

// kNotFound: the ConfigMap is not there, which may change.
Result<std::vector<std::string>> Planner::PromptsOf() const {
  if (spec_.prompts.config_map.empty()) return spec_.prompts.texts;
  if (!world_.prompts) return Error{Reason::kNotFound, "the prompts are being read", {}, 0};
  return *world_.prompts;
}

// Resolves what is left open and, when all of it holds, makes the run live.
void Planner::Start() {
  if (!workload_) return Refuse("BadSpec", workload_.error().detail);
  if (workload_->length > world_.settings->max_length) {
    return Refuse("Duration", "the load lasts " + PrintDuration(workload_->length) +
                                  " and this operator's limit is " +
                                  PrintDuration(world_.settings->max_length));
  }
  if (std::optional<Refusal> refusal =
          MayActIn(test_.meta.key.ns, world_.ns.get(), world_.stop.get(),
                   world_.settings->operator_namespace, protocol::Tier::kApiOnly, "a load test")) {
    step_.refused_rule = refusal->rule;
    return refusal->may_pass_later ? Block(refusal->rule, refusal->message)
                                   : Refuse(refusal->rule, refusal->message);
  }
  if (!world_.profile) return Block("NoProfile", world_.profile_error);
  if (!world_.not_bound.empty()) return Block("NotBound", world_.not_bound);
  if (!world_.pods_synced || !world_.services)
    return Block("Reading", "the pods of the namespace are being read");
  const auto failed = [&](const char* reason, const Error& error) {
    error.reason == Reason::kNotFound ? Block(reason, error.detail) : Refuse(reason, error.detail);
  };
  Result<std::string> url = BaseUrl(spec_.target, *world_.profile, world_.pods, *world_.services);
  if (!url) return failed("NoTarget", url.error());
  std::string protocol = spec_.protocol;
  if (protocol.empty()) {
    const Result<Component> component = FindComponent(*world_.profile, spec_.target.component);
    protocol = component ? component->protocol : "http";
  }
  Result<std::vector<std::string>> prompts = PromptsOf();
  if (!prompts) return failed("NoPrompts", prompts.error());
  if (protocol == "rbee" && prompts->empty())
    return Refuse("NoPrompts", "spec.request.prompts is needed with protocol rbee");

  ForgetRun(next_);
  next_.active_run = test_.spec_hash;
  next_.phase = "Starting";
  next_.started_at = now_ + world_.settings->start_delay;
  next_.ends_at = *next_.started_at + workload_->length;
  next_.job = JobName(run_);
  next_.resolved = {spec_.seed.value_or(DefaultSeed(test_.meta.uid, spec_.run)),
                    protocol == "http" ? *url + spec_.path : *url,
                    protocol,
                    world_.settings->load_image,
                    workload_->pods,
                    workload_->max_vus,
                    workload_->length};
  LoadTest trial = test_;
  trial.status = next_;
  const std::string arguments =
      PrintJson(protocol::ToJson(ArgumentsOf(trial, *workload_, run_, *prompts)));
  if (arguments.size() > kMostArgumentBytes) {
    ForgetRun(next_);
    next_.phase = "Pending";
    return Refuse("BadSpec",
                  "prompts and body are too long: together with everything else at "
                  "most 96 KiB are handed to a pod");
  }
}

}  // namespace chaos::loadtest
