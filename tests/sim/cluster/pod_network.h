// The network between pods, and the faults that the simulated kernel keeps in it. A cut ends at its
// deadline, when its process ends, when it is removed, or with the pod's network, whichever comes
// first; nobody else is needed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "injectors/node.h"
#include "tests/sim/cluster/kernel.h"
#include "tests/sim/timeline.h"

namespace chaos::sim {

class PodNetwork {
 public:
  explicit PodNetwork(Timeline& timeline) : timeline_(timeline) {}

  void Join(const std::string& pod_uid, const std::string& ip);
  void Leave(const std::string& pod_uid);
  // Something that always answers and is in no pod: the API server, a Service.
  void AddHost(const std::string& ip);
  // Whether packets get from the pod to the address and back, now.
  bool Reaches(const std::string& pod_uid, const inject::Address& to) const;
  std::string IpOf(const std::string& pod_uid) const;

  // False: somebody else has it.
  bool TakeLock(const std::string& pod_uid, const std::string& run, std::uint64_t process);
  Result<void> ApplyCut(const std::string& pod_uid, const std::string& run, std::uint64_t process,
                        const inject::Cut& cut, nanoseconds lasts);
  Result<void> WidenCut(std::uint64_t process, const std::vector<inject::Address>& more);
  void RemoveCut(std::uint64_t process);
  // Everything that the kernel keeps for the process goes with it.
  void ProcessEnded(std::uint64_t process);

  void SetMood(KernelMood mood) { mood_ = mood; }
  KernelMood mood() const { return mood_; }
  const std::vector<FaultSpan>& faults() const { return faults_; }
  // Called whenever a cut comes or goes.
  void OnChange(std::function<void()> on_change) { on_change_ = std::move(on_change); }

 private:
  struct ActiveCut {
    std::uint64_t process;
    std::size_t span;
    inject::Cut cut;
    std::uint64_t id;
  };
  bool Drops(const ActiveCut& active, const inject::Address& address) const;
  void EndCut(const std::string& pod_uid);

  Timeline& timeline_;
  std::map<std::string, std::string> ips_;                              // by pod uid
  std::map<std::string, ActiveCut> cuts_;                               // by pod uid
  std::map<std::pair<std::string, std::string>, std::uint64_t> locks_;  // (pod uid, run) -> process
  std::vector<std::string> hosts_;
  std::vector<FaultSpan> faults_;
  std::uint64_t cut_ids_ = 0;
  KernelMood mood_ = KernelMood::kGood;
  std::function<void()> on_change_ = [] {};
};

}  // namespace chaos::sim
