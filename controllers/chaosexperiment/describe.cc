#include "controllers/chaosexperiment/describe.h"

#include <algorithm>

#include "injectors/protocol/faults.h"

namespace chaos::experiment {
namespace {

bool AtOnce(const Status& s) {
  const protocol::FaultRow* row = protocol::FindFault(s.fault_kind);
  return row != nullptr && !row->lasts;
}

using kube::Condition;
using kube::ConditionStatus;

class Setter {
 public:
  Setter(std::vector<Condition>& conditions, std::int64_t generation, TimePoint now)
      : conditions_(conditions), generation_(generation), now_(now) {}
  void Set(const char* type, ConditionStatus status, std::string reason, std::string message = "") {
    kube::SetCondition(conditions_, {type, status, std::move(reason), message.substr(0, 1024),
                                     generation_, std::chrono::floor<seconds>(now_)});
  }
  void Remove(const char* type) { kube::RemoveCondition(conditions_, type); }

 private:
  std::vector<Condition>& conditions_;
  const std::int64_t generation_;
  const TimePoint now_;
};

bool AllVerified(const Status& s) {
  return !s.targets.empty() &&
         std::all_of(s.targets.begin(), s.targets.end(),
                     [](const TargetStatus& t) { return t.verified_at.has_value(); });
}
bool AllEnded(const Status& s) {
  return std::all_of(s.targets.begin(), s.targets.end(),
                     [](const TargetStatus& t) { return !t.intent || t.Ended(); });
}

void SetProgress(Setter& set, const Status& s, const Blocked* blocked, bool suspended,
                 bool revert_overdue) {
  const bool finished = s.phase == "Finished";
  const bool refused_at_once = finished && !s.started_at;
  if (blocked)
    set.Set("Accepted", ConditionStatus::kFalse, blocked->reason, blocked->message);
  else if (refused_at_once && s.verdict != "" && s.verdict != "Passed")
    set.Set("Accepted", ConditionStatus::kFalse, s.reason, s.summary);
  else
    set.Set("Accepted", ConditionStatus::kTrue, suspended ? "Suspended" : "Accepted");

  if (AllVerified(s))
    set.Set("Injected", ConditionStatus::kTrue, "Verified",
            "the effect was measured on every target");
  else if (finished)
    set.Set("Injected", ConditionStatus::kFalse, s.reason.empty() ? "NotInjected" : s.reason);
  else
    set.Set("Injected", ConditionStatus::kUnknown, "NotYet");

  if (revert_overdue)
    set.Set("Clean", ConditionStatus::kFalse, "RevertOverdue",
            "a fault may still be on after its deadline");
  else if (!AllEnded(s) && finished)
    set.Set("Clean", ConditionStatus::kUnknown, "Released",
            "given up by hand before it was verified");
  else if (!AllEnded(s))
    set.Set("Clean", ConditionStatus::kFalse, "FaultMayBeOn");
  else
    set.Set("Clean", ConditionStatus::kTrue, "NothingOn");

  const bool recovered = finished && !s.timings.to_recover.empty();
  if (recovered)
    set.Set(
        "Recovered", ConditionStatus::kTrue, "StableAgain",
        "good again " + s.timings.to_recover + (AtOnce(s) ? " after the fault" : " after the end"));
  else if (finished && s.reason == "NotRecovered")
    set.Set("Recovered", ConditionStatus::kFalse, "NotRecovered");
  else
    set.Set("Recovered", ConditionStatus::kUnknown, finished ? "NotMeasured" : "NotYet");

  set.Set("Finished", finished ? ConditionStatus::kTrue : ConditionStatus::kFalse, s.phase);
}

void SetSummary(Setter& set, const Status& s, const Blocked* blocked, bool suspended) {
  const bool finished = s.phase == "Finished";
  const bool good = finished && (s.verdict == "Passed" || s.reason == "DryRun");
  if (!finished)
    set.Set("Succeeded", ConditionStatus::kUnknown, s.phase);
  else if (s.reason == "DryRun")
    set.Set("Succeeded", ConditionStatus::kUnknown, "DryRun", s.summary);
  else
    set.Set("Succeeded", good ? ConditionStatus::kTrue : ConditionStatus::kFalse,
            good ? "Passed" : s.reason, s.summary);

  if (finished && !good)
    set.Set("Stalled", ConditionStatus::kTrue, s.reason, s.verdict + ": " + s.summary);
  else
    set.Remove("Stalled");
  if (finished || suspended)
    set.Remove("Reconciling");
  else
    set.Set("Reconciling", ConditionStatus::kTrue, blocked ? blocked->reason : s.phase,
            blocked ? blocked->message : "");
  if (good || suspended)
    set.Set("Ready", ConditionStatus::kTrue,
            suspended                   ? "Suspended"
            : good && s.verdict.empty() ? "DryRun"
                                        : "Passed");
  else
    set.Set("Ready", ConditionStatus::kFalse, finished ? s.reason : s.phase);
}

}  // namespace

void Describe(Status& status, std::int64_t generation, const Blocked* blocked, bool suspended,
              bool revert_overdue, TimePoint now) {
  status.observed_generation = generation;
  Setter set(status.conditions, generation, now);
  SetProgress(set, status, blocked, suspended, revert_overdue);
  SetSummary(set, status, blocked, suspended);
}

namespace {

std::string WhatWasSeen(const TargetStatus& target) {
  if (!target.exit_code) return "the effect was measured on pod " + target.pod;
  return "container " + target.container + " of pod " + target.pod + " ended with exit code " +
         std::to_string(*target.exit_code) + ", says the kubelet";
}

std::string WhoIsBack(const TargetStatus& target) {
  if (!target.restarts_after) return "what pod " + target.pod + " did is done again";
  return "container " + target.container + " of pod " + target.pod + " runs again (restart count " +
         std::to_string(target.intent ? target.intent->restarts : 0) + " to " +
         std::to_string(*target.restarts_after) + ")";
}

}  // namespace

std::vector<Happening> Happenings(const Status& before, const Status& after) {
  std::vector<Happening> happenings;
  const auto tell = [&](kube::EventKind kind, const char* reason, const char* action,
                        const std::string& note) {
    happenings.push_back({kind, reason, action, note});
  };
  const Condition* was = kube::FindCondition(before.conditions, "Accepted");
  const Condition* is = kube::FindCondition(after.conditions, "Accepted");
  // The first look at a namespace takes milliseconds: nobody need be warned of it.
  const bool blocked = is && is->status == ConditionStatus::kFalse && is->reason != "Reading" &&
                       after.phase != "Finished";
  if (blocked && !(was && was->status == ConditionStatus::kFalse && was->reason == is->reason)) {
    tell(kube::EventKind::kWarning, "NotStarted", "Start", is->reason + ": " + is->message);
  }
  if (before.phase != after.phase) {
    if (after.phase == "Queued")
      tell(kube::EventKind::kNormal, "Queued", "Start",
           "waits for another experiment of this namespace");
    if (after.phase == "Baseline")
      tell(kube::EventKind::kNormal, "Started", "Start",
           std::to_string(after.targets.size()) + " target(s) selected; baseline");
    if (after.phase == "Injecting")
      tell(kube::EventKind::kNormal, "Injecting", "Inject",
           after.fault_kind + " on " + std::to_string(after.targets.size()) + " target(s)");
    if (after.phase == "Recovering")
      tell(kube::EventKind::kNormal, AtOnce(after) ? "Recovering" : "Reverted", "Revert",
           AtOnce(after) ? "every target was hit; waiting for recovery"
                         : "every target is clean; waiting for recovery");
  }
  for (std::size_t i = 0; i < after.targets.size(); ++i) {
    const TargetStatus& target = after.targets[i];
    const bool known = i < before.targets.size() && before.targets[i].uid == target.uid;
    if (target.verified_at && !(known && before.targets[i].verified_at)) {
      tell(kube::EventKind::kNormal, "Verified", "Inject", WhatWasSeen(target));
    }
    if (target.back_at && !(known && before.targets[i].back_at)) {
      tell(kube::EventKind::kNormal, "RunsAgain", "Recover", WhoIsBack(target));
    }
    if (!target.reason.empty() && !(known && before.targets[i].reason == target.reason)) {
      tell(kube::EventKind::kWarning, target.reason.c_str(), "Inject",
           "pod " + target.pod + ": " + target.message);
    }
  }
  if (after.stop && !before.stop)
    tell(kube::EventKind::kWarning, "Stopping", "Stop", after.stop->by + ": " + after.stop->reason);
  if (after.phase == "Finished" &&
      (before.phase != "Finished" || before.finished_at != after.finished_at)) {
    const std::string verdict = after.verdict.empty() ? "Finished" : after.verdict;
    tell(after.verdict == "Passed" || after.verdict.empty() ? kube::EventKind::kNormal
                                                            : kube::EventKind::kWarning,
         verdict.c_str(), "Conclude",
         (after.reason.empty() ? "" : after.reason + ": ") + after.summary);
  }
  return happenings;
}

}  // namespace chaos::experiment
