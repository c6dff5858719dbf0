// What happens in one simulated run: the system, the cluster, the faults, and who does what when. A
// value; all of it follows from a seed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "injectors/protocol/arguments.h"
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
  // From here on: of a process fault.
  kCrashTarget,     // the target's container ends by itself
  kCrashOther,      // another worker's
  kAddWorker,       // the Deployment is scaled up
  kFreezeInjector,  // SIGSTOP
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
inline constexpr std::size_t kFirstProcessDeed = static_cast<std::size_t>(Deed::kCrashTarget);
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

// Of a worker, instead of the partition of the queen.
struct ProcessFault {
  protocol::ProcessAction action = protocol::ProcessAction::kKill;
  int exit_code = 42;    // of Exit
  int grace_s = 3;       // of Terminate
  int duty_cycle = 100;  // of Hang
  bool child = false;    // not the container's first process
  bool half = false;     // of all workers, rounded up
  std::optional<protocol::When> when;
  seconds within{30};  // of the trigger

  bool Lasts() const { return action == protocol::ProcessAction::kHang; }
  bool ForNewPods() const { return when == protocol::When::kDuringRegistration; }
};

enum class Owns { kNothing, kRun, kRef };  // load.run, load.ref

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
  Owns owns = Owns::kNothing;
  int owned_vus = 4;    // of the load that each experiment owns
  int pod_quota = 100;  // of pods of Jobs
  // Of the experiment. No process fault: a partition of the queen from its hive.
  std::optional<ProcessFault> process;
  int workers = 2;
  bool asks_pods = false;  // also a probe that the operator itself asks
  int duration_s = 30, baseline_s = 20, within_s = 60, stable_s = 5, detect_s = 30;
};

// Nothing goes wrong: NF-001 as in the samples.
Scenario Calm();
// The same with WC-001: one of two workers is killed while it streams.
Scenario CalmKill();
// Anything may: a few things, wildly.
Scenario Swarm(std::uint64_t seed);

}  // namespace chaos::sim
