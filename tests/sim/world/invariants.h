// What must be true at every moment of every run, whatever goes wrong. Looks at the API server's
// objects, which are all that anybody knows, and at what kernels do to packets and processes, which
// is what really happens.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/cluster/sim_kubelet.h"

namespace chaos::sim {

class Invariants {
 public:
  // Requires: all outlive it. `sees`: the operators' view of the cluster is at most seconds old.
  Invariants(SimApi& api, PodNetwork& network, SimKubelet& kubelet, Timeline& timeline,
             std::function<bool()> sees);

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
  struct PodFacts {
    std::string node, component;
    TimePoint created{};
    bool ready = false;
    nanoseconds ready_until{-1};  // while it is not; below 0: it never was
  };
  // What one kind of kernel keeps, as far as it was looked at.
  struct Source {
    const std::vector<FaultSpan>& spans;
    std::size_t seen = 0;
    std::set<std::size_t> open;
  };
  void LookAt(Source& source);
  void LookAtChange(const Record& record);
  void PodChanged(const Record& record);
  void FaultBegan(const FaultSpan& span);
  void SidecarsAdded(const Record& record);
  void ExperimentChanged(const Record& record);
  void Promised(const Json& experiment);
  void Passed(const Json& experiment);
  const FaultSpan* SpanOf(const std::string& run, const std::string& pod_uid) const;
  void FinalizerGone(const Json& experiment);
  void VerdictsStay(const Record& record);
  void StatusIsWellFormed(const Json& experiment);
  const Intent* FindIntent(const std::string& run, const std::string& pod_uid) const;
  void Remember(const Json& experiment);
  TimePoint NodeTime(const std::string& pod_uid) const;

  SimApi& api_;
  SimKubelet& kubelet_;
  Timeline& timeline_;
  const std::function<bool()> sees_;
  std::map<std::pair<std::string, std::string>, Intent> intents_;  // (run, pod uid), as stored now
  std::map<std::string, std::string> verdicts_;             // experiment uid + spec hash -> verdict
  std::set<std::pair<std::string, std::string>> injected_;  // (run, pod uid) that ever had a fault
  std::map<std::string, PodFacts> pods_;                    // by uid
  std::array<Source, 2> sources_;                           // packets, processes
  std::vector<std::string> broken_;
};

}  // namespace chaos::sim
