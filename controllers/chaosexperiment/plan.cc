#include "controllers/chaosexperiment/plan.h"

#include <algorithm>

#include "controllers/chaosexperiment/planner.h"
#include "operator/base/mutant.h"

namespace chaos::experiment {

Step Plan(const Experiment& experiment, const Observed& world, TimePoint now) {
  return Planner(experiment, world, now).Run();
}

Planner::Planner(const Experiment& experiment, const Observed& world, TimePoint now)
    : experiment_(experiment),
      spec_(experiment.spec),
      world_(world),
      now_(std::chrono::floor<milliseconds>(now)),  // as it will be read back
      next_(experiment.status) {
  const std::string& hash = next_.Live() ? next_.active_run : experiment.spec_hash;
  run_ = RunId(experiment.meta.uid, hash);
}

Step Planner::Run() {
  if (next_.Live())
    PlanLive();
  else
    PlanIdle();
  if (described_) {
    Describe(next_, experiment_.meta.generation, blocked_ ? &*blocked_ : nullptr, suspended_,
             revert_overdue_, now_);
  }
  if (next_ != experiment_.status) {
    if (!CHAOS_MUTANT("skip-intent"))
      step_.actions.clear();  // intent before act: first the object says it, then it is done
    step_.actions.emplace_back(WriteStatus{next_});
  }
  return std::move(step_);
}

void Planner::Conclude(const Judgement& judgement) {
  if (next_.load && world_.load) TakeFrom(*world_.load, *next_.load);
  const std::string hash = next_.Live() ? next_.active_run : experiment_.spec_hash;
  next_.phase = "Finished";
  next_.verdict = judgement.verdict;
  next_.reason = judgement.reason;
  next_.summary = Summarize(spec_, next_, judgement);
  next_.finished_at = now_;
  next_.active_run.clear();
  AddRun(next_.runs, {hash, judgement.verdict, judgement.reason, now_});
}

void Planner::Wake(TimePoint at) {
  if (at <= now_) at = now_ + milliseconds(100);
  step_.wake = std::min(at, step_.wake.value_or(at));
}

const Pod* Planner::FindPod(const std::string& name, const std::string& uid) const {
  for (const auto& pod : world_.pods) {
    const bool same = uid.empty() || pod->meta.uid == uid || CHAOS_MUTANT("drop-uid-check");
    if (pod->meta.key.name == name && same) return pod.get();
  }
  return nullptr;
}

const TargetView& Planner::View(const std::string& uid) const {
  static const TargetView kNothingYet;
  const auto found = world_.targets.find(uid);
  return found == world_.targets.end() ? kNothingYet : found->second;
}

}  // namespace chaos::experiment
