#include "controllers/loadtest/describe.h"

namespace chaos::loadtest {
namespace {

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

void SetProgress(Setter& set, const Status& s, const Facts& facts) {
  const bool finished = s.phase == "Finished";
  const bool refused_at_once = finished && !s.started_at && s.verdict != "Passed";
  if (facts.blocked)
    set.Set("Accepted", ConditionStatus::kFalse, facts.blocked->reason, facts.blocked->message);
  else if (refused_at_once)
    set.Set("Accepted", ConditionStatus::kFalse, s.reason, s.summary);
  else
    set.Set("Accepted", ConditionStatus::kTrue, facts.suspended ? "Suspended" : "Accepted",
            facts.accepted);

  const Condition* live = kube::FindCondition(s.conditions, "LiveData");
  const bool was_live = live != nullptr && live->status == ConditionStatus::kTrue && s.started_at;
  if (facts.live_data.value_or(was_live))
    set.Set("LiveData", ConditionStatus::kTrue, "Heard", "the load pods say what they measure");
  else if (finished || facts.live_data)
    set.Set("LiveData", ConditionStatus::kFalse, "NoLiveData",
            facts.trouble ? facts.trouble->message : "no load pod has said anything");
  else
    set.Set("LiveData", ConditionStatus::kUnknown, "NotYet");

  if (s.phase == "Running" || s.phase == "Stopping")
    set.Set("Running", ConditionStatus::kTrue, s.phase,
            facts.trouble ? facts.trouble->message : "");
  else
    set.Set("Running", ConditionStatus::kFalse, facts.trouble ? facts.trouble->reason : s.phase,
            facts.trouble ? facts.trouble->message : "");
  set.Set("Finished", finished ? ConditionStatus::kTrue : ConditionStatus::kFalse, s.phase);
}

void SetSummary(Setter& set, const Status& s, const Facts& facts) {
  const bool finished = s.phase == "Finished";
  const bool good = finished && s.verdict == "Passed";
  if (finished)
    set.Set("Succeeded", good ? ConditionStatus::kTrue : ConditionStatus::kFalse,
            good ? "Passed" : s.reason, s.summary);
  else
    set.Set("Succeeded", ConditionStatus::kUnknown, s.phase);
  if (finished && !good)
    set.Set("Stalled", ConditionStatus::kTrue, s.reason, s.verdict + ": " + s.summary);
  else
    set.Remove("Stalled");
  if (finished || facts.suspended)
    set.Remove("Reconciling");
  else
    set.Set("Reconciling", ConditionStatus::kTrue, facts.blocked ? facts.blocked->reason : s.phase,
            facts.blocked ? facts.blocked->message : "");
  if (good || facts.suspended)
    set.Set("Ready", ConditionStatus::kTrue, facts.suspended ? "Suspended" : "Passed");
  else
    set.Set("Ready", ConditionStatus::kFalse, finished ? s.reason : s.phase);
}

bool IsFalse(const Condition* condition) {
  return condition != nullptr && condition->status == ConditionStatus::kFalse;
}

}  // namespace

void Describe(Status& status, std::int64_t generation, const Facts& facts, TimePoint now) {
  status.observed_generation = generation;
  Setter set(status.conditions, generation, now);
  SetProgress(set, status, facts);
  SetSummary(set, status, facts);
}

std::vector<Happening> Happenings(const Status& before, const Status& after) {
  std::vector<Happening> happenings;
  const auto warn = [&](const char* reason, const char* action, const std::string& note) {
    happenings.push_back({kube::EventKind::kWarning, reason, action, note});
  };
  const auto tell = [&](const char* reason, const char* action, const std::string& note) {
    happenings.push_back({kube::EventKind::kNormal, reason, action, note});
  };
  const Condition* was = kube::FindCondition(before.conditions, "Accepted");
  const Condition* is = kube::FindCondition(after.conditions, "Accepted");
  const bool blocked = IsFalse(is) && is->reason != "Reading" && after.phase != "Finished";
  if (blocked && !(IsFalse(was) && was->reason == is->reason))
    warn("NotStarted", "Start", is->reason + ": " + is->message);
  if (before.phase != after.phase) {
    if (after.phase == "Queued")
      tell("Queued", "Start", "waits for another load test of this namespace");
    if (after.phase == "Starting")
      tell("Starting", "Start",
           "up to " + std::to_string(after.resolved.max_vus) + " VUs on " +
               std::to_string(after.resolved.pods) + " pod(s) against " + after.resolved.url);
    if (after.phase == "Running") tell("Running", "Start", "the load is on");
  }
  const Condition* ran = kube::FindCondition(before.conditions, "Running");
  const Condition* runs = kube::FindCondition(after.conditions, "Running");
  const bool trouble = after.Live() && runs != nullptr && !runs->message.empty();
  if (trouble && !(ran != nullptr && ran->message == runs->message))
    warn("PodsNotRunning", "Start", runs->message);
  if (after.coverage_missing.size() > before.coverage_missing.size())
    warn("LoadPodsLost", "Measure", after.coverage_missing.back());
  if (after.stop && !before.stop)
    warn("Stopping", "Stop", after.stop->by + ": " + after.stop->reason);
  const bool over = after.phase == "Finished" &&
                    (before.phase != "Finished" || before.finished_at != after.finished_at);
  if (over) {
    const std::string note = (after.reason.empty() ? "" : after.reason + ": ") + after.summary;
    happenings.push_back(
        {after.verdict == "Passed" ? kube::EventKind::kNormal : kube::EventKind::kWarning,
         after.verdict, "Conclude", note});
  }
  return happenings;
}

}  // namespace chaos::loadtest
