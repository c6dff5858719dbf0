// The inside of Plan: one object per call, so that its parts can share what they have decided so
// far.
#pragma once

#include "controllers/chaosexperiment/describe.h"
#include "controllers/chaosexperiment/load.h"
#include "controllers/chaosexperiment/plan.h"
#include "controllers/chaosexperiment/process.h"
#include "controllers/chaosexperiment/verdict.h"

namespace chaos::experiment {

class Planner {
 public:
  Planner(const Experiment& experiment, const Observed& world, TimePoint now);
  Step Run();

  // How a target comes to its end, once and for all.
  static void End(TargetStatus& target, std::string state, TimePoint at, std::string reason = "",
                  std::string message = "");

 private:
  // --- plan_start.cc: no run is live
  void PlanIdle();
  bool CleanUp();
  bool RanBefore();
  void PlanStart();
  bool Queued();
  void Start();
  std::optional<protocol::ProbePodArguments> ProbeArgumentsFor(std::string& error,
                                                               bool& later) const;
  void PlanDryRun();
  void Block(std::string reason, std::string message);
  void Refuse(const std::string& reason, const std::string& message);

  // --- plan_live.cc: a run is live
  void PlanLive();
  void NoticeStop();
  void PlanBaseline();
  bool ProbesReady();
  void WakeForOwnProbes();
  std::optional<TimePoint> BaselineStart() const;
  bool BaselineHolds();
  bool PreflightDone();
  bool Recheck();
  std::optional<Refusal> MayHit(const Pods& targets) const;
  void PlanInjected();
  void Release();

  // --- plan_peers.cc: pods that become peers while the fault is on
  bool FollowReady();
  std::vector<protocol::Follow> FollowFor(const std::vector<Followed>& followed);
  Pods PeerPods() const;
  void NoticeLatePeers();
  void JudgeLatePeers();
  void Uncovered(const std::string& what);

  // --- plan_intent.cc: what is promised before anybody is touched
  void PersistIntents();
  void WaitForNewPod();
  // Whom a fault of the network keeps the target from, and what proves it.
  struct Aim {
    std::vector<protocol::Peer> peers;
    std::vector<protocol::Follow> follow;
    std::vector<protocol::Control> controls;
  };
  Result<void> Promise(TargetStatus& target, const Pod& pod, const std::string& nonce,
                       const Aim& aim);
  Pods TargetPods() const;

  // --- plan_target.cc: one target of a run whose intent is persisted
  void UpdateTarget(TargetStatus& target);
  void UpdateLaunched(TargetStatus& target, const Pod& pod, const TargetView& view);
  bool SurelyNotStarted(const TargetStatus& target, const TargetView& view);
  void NotLaunched(TargetStatus& target, const Pod& pod, const TargetView& view);
  void Terminated(TargetStatus& target, const Pod& pod, const ContainerState& state,
                  const TargetView& view);
  void TakeOver(TargetStatus& target, const Said& said) const;
  // --- plan_process.cc: a fault that ends a process
  std::string WhyHeldBack(const TargetStatus& target, const Pod& pod) const;
  void EndedProcess(TargetStatus& target, const Pod& pod, const ContainerState& state,
                    const Said& said, bool reported);
  void VerifiedByKubelet(TargetStatus& target, const Death& death, const Said& said);
  void NoteBack(TargetStatus& target);

  // --- plan_pod.cc: a fault that takes the pod itself away
  void UpdateRemoved(TargetStatus& target, const Pod* pod, const TargetView& view);
  // --- plan_undo.cc: an injector that died and left something behind
  void LeftBehind(TargetStatus& target, const Pod& pod, const ContainerState& dead,
                  const Said& said);

  void StopTarget(const TargetStatus& target, const Pod& pod, const TargetView& view);
  void ReadLogs(const TargetStatus& target, const TargetView& view);

  // --- requests.cc: a fault that acts on requests
  void NoteUncoveredRequests();

  // --- plan_load.cc: the load that the run owns
  void NoteLoad();
  Result<Json> LoadObject() const;
  bool LoadReady();
  seconds LoadStart() const;
  bool LoadHolds();
  void NoticeBrokenLoad();
  bool LoadEnded();

  void Conclude(const Judgement& judgement);
  void Wake(TimePoint at);
  const Pod* FindPod(const std::string& name, const std::string& uid) const;
  const TargetView& View(const std::string& uid) const;
  template <class T>
  void Do(T action) {
    step_.actions.emplace_back(std::move(action));
  }

  const Experiment& experiment_;
  const Spec& spec_;
  const Observed& world_;
  const TimePoint now_;
  Status next_;
  std::string run_;  // id of the live run, or of the one that would start
  std::optional<Blocked> blocked_;
  bool suspended_ = false, revert_overdue_ = false;
  bool described_ = true;  // conditions follow the facts; false: they stay as they are
  Step step_;
};

}  // namespace chaos::experiment
