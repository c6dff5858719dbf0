// The system under test, as far as probes see it: a queen that notices that it cannot reach its
// hive, and has it back some time after it can again.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "tests/sim/cluster/pod_network.h"

namespace chaos::sim {

struct RbeeTraits {
  std::optional<nanoseconds> notices_after{seconds(3)};  // nullopt: blind
  nanoseconds recovers_after{seconds(2)};
  bool healthy_before = true;               // false: the hive is never online
  int flaky_per_mille = 0;                  // samples that fail for no reason
  bool down = false;                        // nobody answers
  bool streams = true;                      // somebody asks the workers all the time
  nanoseconds registers_after{seconds(4)};  // a worker, after its container began
};

class SimRbee {
 public:
  // Requires: both outlive it.
  SimRbee(PodNetwork& network, const Timeline& timeline, RbeeTraits traits);

  // The pods as they are now; either may be replaced at any time.
  void SetQueen(const std::string& pod_uid) {
    queen_ = pod_uid;
    Look();
  }
  void SetHive(const std::string& ip) {
    hive_ip_ = ip;
    Look();
  }
  // Whether the queen says that its hive is online, now.
  bool HiveOnline() const;
  bool QueenAnswers() const;
  // Of any pod; only workers matter: jobs go to one that is gone until the queen has noticed, or
  // until it is there again.
  void ContainerEnded(const std::string& pod_uid);
  void ContainerRuns(const std::string& pod_uid);
  // Before it has registered, nobody sends it anything.
  void AddWorker(const std::string& pod_uid) {
    workers_.try_emplace(pod_uid).first->second.registered =
        timeline_.Now() + traits_.registers_after;
  }
  // It takes jobs and does not answer.
  void WorkerStands(const std::string& pod_uid, bool stands);
  const std::string& hive_ip() const { return hive_ip_; }
  const RbeeTraits& traits() const { return traits_; }
  // To be called whenever the network may have changed.
  void Look();

 private:
  PodNetwork& network_;
  const Timeline& timeline_;
  const RbeeTraits traits_;
  struct Worker {
    nanoseconds registered{0};
    std::optional<nanoseconds> down_at, up_at, stands_since;
  };
  bool Misleads(const Worker& worker) const;

  std::map<std::string, Worker> workers_;  // by pod uid
  std::string queen_, hive_ip_;
  bool connected_ = false;
  bool noticed_ = false;  // at the last change of connected_
  nanoseconds changed_at_{0};
};

}  // namespace chaos::sim
