// What happens in one simulated run: the system, the cluster, the faults, and who does what when. A
// value; all of it follows from a seed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "tests/sim/cluster/sim_kubelet.h"
#include "tests/sim/transport/faults.h"

namespace chaos::sim {

enum class Deed {
  kAbort,          // annotate the experiment
  kDelete,         // delete it
  kStop,           // create a ChaosStop
  kLiftStop,       // delete it again
  kReplaceTarget,  // delete the queen's pod; its Deployment makes another
  kForceTarget,    // the same without grace
  kReplacePeer,    // delete the hive's pod
  kKillInjector,   // SIGKILL
  kKillSandbox,    // of the queen's pod
  kDeleteNamespace,
  kJumpNode,        // wall clock of a node
  kJumpOperator,    // wall clock of an operator
  kKillOperator,    // SIGKILL
  kFreezeOperator,  // it stands still for a while, and then goes on
  kStopOperator,    // SIGTERM: a rolling update
  kCompact,         // the API server forgets its history
  kReapply,         // a second tool applies the same manifest
  kEditSpec,        // somebody edits the spec
  kKillProbePod,
  kStripStatus,  // a restore from a backup: the object comes back without its status
  kCrashTarget,  // the target's container ends by itself; drawn for runs that end one
  // From here on: of a load.
  kAbortLoad,
  kDeleteLoad,
  kKillLoadPod,   // SIGKILL of one
  kEvictLoadPod,  // one is deleted, with grace
  kForceLoadPod,  // and without: node lost
  kDeleteJob,
  kCount
};
inline constexpr std::size_t kDeeds = static_cast<std::size_t>(Deed::kCount);
inline constexpr std::size_t kFirstLoadDeed = static_cast<std::size_t>(Deed::kAbortLoad);
std::string_view Name(Deed deed);

struct Event {
  nanoseconds at{0};  // since the experiment was created
  Deed deed = Deed::kAbort;
};

struct SimLoad {
  int pods = 2, vus = 5, seconds = 40;
  bool abort_on_fail = false;
};

struct Scenario {
  std::uint64_t seed = 1;
  int replicas = 1;
  RbeeTraits rbee;
  KubeletTraits kubelet;
  KernelMood kernel = KernelMood::kGood;
  nanoseconds node_clock{0};     // of the queen's node
  bool stable_names = false;     // pods of a StatefulSet
  bool refuse_sidecars = false;  // a policy of somebody else
  std::vector<Event> events;
  Faults faults;
  int crash_per_hundred_thousand = 0;  // of all API calls of an operator
  int experiments = 1;
  std::vector<SimLoad> loads;
  int owned_vus = 0;    // of the load that each experiment owns; 0 = none
  int pod_quota = 100;  // of pods of Jobs
  // Of the experiment: a partition of the queen, or a worker that is killed.
  bool kills = false;
  bool asks_pods = false;  // also a probe that the operator itself asks
  std::optional<seconds> trigger_within;
  int duration_s = 30, baseline_s = 20, within_s = 60, stable_s = 5, detect_s = 30;
};

// Nothing goes wrong: NF-001 as in the samples.
Scenario Calm();
// The same with WC-001: one of two workers is killed while it streams.
Scenario CalmKill();
// Anything may: a few things, wildly.
Scenario Swarm(std::uint64_t seed);

}  // namespace chaos::sim
