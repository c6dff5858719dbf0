// What must be true at every moment of every run, whatever goes wrong. Looks at the API server's
// objects, which are all that anybody knows, and at the kernel's cuts, which are what really
// happens.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/cluster/sim_kubelet.h"

namespace chaos::sim {

class Invariants {
 public:
  // Requires: all outlive it.
  Invariants(SimApi& api, PodNetwork& network, SimKubelet& kubelet, Timeline& timeline);

  // After each step of the world.
  void Look();
  // Each with the moment at which it broke; empty: all held.
  const std::vector<std::string>& broken() const { return broken_; }
  void Broken(const std::string& what);

 private:
  // A target of a live or finished run, as the object says.
  struct Intent {
    std::string run, nonce;
    TimePoint not_before{}, not_after{}, deadline{};
    bool live = false;  // its run has no verdict yet
    bool held = false;  // our finalizer is on the object
    seconds duration{0};
    milliseconds may_wait{0};  // from armed to applied: its trigger
  };
  void LookAtChange(const Record& record);
  void FaultBegan(const FaultSpan& span);
  void SidecarsAdded(const Record& record);
  void ExperimentChanged(const Record& record);
  void FinalizerGone(const Json& experiment);
  void VerdictsStay(const Record& record);
  void StatusIsWellFormed(const Json& experiment);
  const Intent* FindIntent(const std::string& run, const std::string& pod_uid) const;
  void Remember(const Json& experiment);
  TimePoint NodeTime(const std::string& pod_uid) const;

  SimApi& api_;
  PodNetwork& network_;
  SimKubelet& kubelet_;
  Timeline& timeline_;
  std::map<std::pair<std::string, std::string>, Intent> intents_;  // (run, pod uid), as stored now
  std::map<std::string, std::string> verdicts_;             // experiment uid + spec hash -> verdict
  std::set<std::pair<std::string, std::string>> injected_;  // (run, pod uid) that ever had a fault
  std::map<std::string, std::string> nodes_;                // pod uid -> node
  std::size_t faults_seen_ = 0, ends_seen_ = 0;
  std::set<std::size_t> open_;  // of network_.faults()
  std::vector<std::string> broken_;
};

}  // namespace chaos::sim
