// The inside of Plan: one object per call, so that its parts can share what they have decided so
// far.
#pragma once

#include <array>

#include "controllers/loadtest/describe.h"
#include "controllers/loadtest/plan.h"
#include "controllers/loadtest/verdict.h"

namespace chaos::loadtest {

// What is known of one load pod.
struct PodFate {
  enum class Kind { kMissing, kWaiting, kRunning, kEnded, kLost } kind = Kind::kMissing;
  const Pod* pod = nullptr;
  bool over = false;  // its container has ended
  std::string why;    // of missing, waiting and lost, for people
};

class Planner {
 public:
  Planner(const LoadTest& test, const Observed& world, TimePoint now);
  Step Run();

 private:
  // --- plan_start.cc: no run is live
  void PlanIdle();
  bool RanBefore();
  void PlanStart();
  bool Queued();
  void Start();
  Result<std::vector<std::string>> PromptsOf() const;
  void Block(std::string reason, std::string message);
  void Refuse(const std::string& reason, const std::string& message);

  // --- plan_live.cc: a run is live
  void PlanLive();
  void NoticeStop();
  bool JobIsThere();
  void CreateTheJob();
  void WatchTheStart();
  void WatchThresholds();
  void UpdateCoverage();
  void UpdateFigures();
  void TellPods(std::string_view value);
  void ConcludeRun();
  bool JobMayStillCome() const;
  void PlanClose();

  // --- plan_pods.cc: its pods
  void FindPods();
  PodFate FateOf(int index, const Pod* pod) const;
  void FollowPods();
  bool Settled() const;
  bool AnySaid() const;
  // Whether this process has heard all that the verdict was made of.
  bool HeardAll() const;
  TimePoint HardEnd() const;

  void Conclude(const Judgement& judgement);
  void Finish();
  // `whole`: nothing more will come.
  Measured MeasureNow(bool whole) const;
  bool SameSpec() const { return workload_ && next_.active_run == test_.spec_hash; }
  void Wake(TimePoint at);
  template <class T>
  void Do(T action) {
    step_.actions.emplace_back(std::move(action));
  }

  const LoadTest& test_;
  const Spec& spec_;
  const Observed& world_;
  const TimePoint now_;
  Status next_;
  std::string run_;  // id of the live run, or of the one that would start
  Result<Workload> workload_;
  std::vector<PodFate> pods_;  // by completion index
  Facts facts_;
  bool described_ = true;  // conditions follow the facts; false: they stay as they are
  Step step_;
};

}  // namespace chaos::loadtest
