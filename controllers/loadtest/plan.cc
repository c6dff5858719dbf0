#include "controllers/loadtest/plan.h"

#include <algorithm>

#include "controllers/loadtest/planner.h"
#include "operator/base/mutant.h"

namespace chaos::loadtest {

Step Plan(const LoadTest& test, const Observed& world, TimePoint now) {
  return Planner(test, world, now).Run();
}

Planner::Planner(const LoadTest& test, const Observed& world, TimePoint now)
    : test_(test),
      spec_(test.spec),
      world_(world),
      now_(std::chrono::floor<milliseconds>(now)),  // as it will be read back
      next_(test.status),
      run_(RunId(test.meta.uid, test.status.Live() ? test.status.active_run : test.spec_hash)),
      workload_(WorkOut(test)) {}

Step Planner::Run() {
  if (next_.Live())
    PlanLive();
  else
    PlanIdle();
  if (described_) Describe(next_, test_.meta.generation, facts_, now_);
  if (next_ != test_.status) {
    if (!CHAOS_MUTANT("load-skip-intent"))
      step_.actions.clear();  // intent before act: first the object says it, then it is done
    step_.actions.emplace_back(WriteStatus{next_});
  }
  return std::move(step_);
}

// The verdict is written before the report is made of it, and is final once that is there.
void Planner::Conclude(const Judgement& judgement) {
  next_.verdict = judgement.verdict;
  next_.reason = judgement.reason;
  next_.summary = Summarize(next_, judgement);
  next_.finished_at = now_;
  if (next_.Live())
    next_.phase = "Stopping";
  else
    Finish();
}

void Planner::Finish() {
  const std::string hash = next_.Live() ? next_.active_run : test_.spec_hash;
  next_.phase = "Finished";
  next_.active_run.clear();
  AddRun(next_.runs, {hash, next_.verdict, next_.reason, next_.finished_at});
}

void Planner::Wake(TimePoint at) {
  if (at <= now_) at = now_ + milliseconds(100);
  step_.wake = std::min(at, step_.wake.value_or(at));
}

}  // namespace chaos::loadtest
