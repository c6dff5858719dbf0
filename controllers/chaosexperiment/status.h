// status of a ChaosExperiment: everything that a fresh operator needs to go on with a run, and a
// user to understand it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controllers/world/run.h"
#include "operator/base/clock.h"
#include "operator/base/json.h"
#include "operator/kube/conditions.h"

namespace chaos::experiment {

// What is persisted before a pod is touched; the sidecar is made of this alone, so a repeat is
// byte-identical.
struct Intent {
  std::string sidecar, image, nonce, arguments;
  TimePoint not_before{}, not_after{};
  TimePoint deadline{};  // no effect can be on after this, whoever is alive
  // Where it runs and as whom. `container`: shares the processes of this one; empty = only the
  // pod's network.
  std::string container, capability;  // capability: "" | NET_ADMIN | SYS_PTRACE
  std::optional<std::int64_t> run_as_user, run_as_group;
  int restarts = 0;  // of `container`, before anything was done to it
  bool operator==(const Intent&) const = default;
};

// Selected Intended Launched Armed Applied Verified Reverting Clean Refused Gone Unknown
struct TargetStatus {
  std::string pod, uid, node, container, mechanism, state, measured_by, sidecars, reason, message;
  std::string placement = "Sidecar";
  std::map<std::string, std::string> requested, measured;
  std::optional<TimePoint> injected_at, verified_at, reverted_at, clean_at;
  // Of a fault that ends a process: the end of its container and the moment from which it runs
  // again (or its replacement is Ready), as the kubelet says it.
  std::optional<TimePoint> ended_at, back_at;
  std::optional<int> exit_code;
  std::optional<int> restarts_after;  // before: in the intent
  std::optional<Intent> intent;
  bool operator==(const TargetStatus&) const = default;
  // True when the fault cannot be on (any more): nothing was launched, or the end was seen.
  bool Ended() const { return state == "Clean" || state == "Refused" || state == "Gone"; }
};

struct PhaseCount {
  std::int64_t samples = 0, failed = 0;
  bool operator==(const PhaseCount&) const = default;
};
struct ProbeStatus {
  std::string name;
  PhaseCount before, during, after;
  std::string last_error;
  bool operator==(const ProbeStatus&) const = default;
};

struct StopStatus {
  std::string reason, by;  // by: Abort | Deletion | ChaosStop | AbortWhen | NamespaceTermination
  std::optional<TimePoint> at;
  bool operator==(const StopStatus&) const = default;
};

struct PeerStatus {
  std::string name;
  std::vector<std::string> addresses;
  bool operator==(const PeerStatus&) const = default;
};

// A headless Service of the run, by which its injectors follow pods that become peers later.
struct PeerService {
  std::string name;
  std::map<std::string, std::string> selector;
  bool operator==(const PeerService&) const = default;
};
struct LatePeer {
  std::string name;
  std::vector<std::string> addresses;
  std::optional<TimePoint> seen_at;  // by the operator
  bool operator==(const LatePeer&) const = default;
};

struct Resolved {
  std::optional<std::int64_t> seed;
  std::int64_t candidates = 0;
  std::string candidates_digest, profile, probe_pod, image;
  std::vector<PeerStatus> peers;
  std::vector<PeerService> peer_services;  // until they are deleted
  std::string not_followed;                // why late peers are not, in spite of these
  std::vector<LatePeer> late_peers;        // that came while the fault was on
  bool operator==(const Resolved&) const = default;
};

struct ByPhase {
  std::string before, during, after;
  bool operator==(const ByPhase&) const = default;
};
// The load that the run owns, in short.
struct LoadStatus {
  std::string name, uid, phase, verdict, reason, report;
  std::optional<TimePoint> stop_at;  // from then on it may end, and is judged
  ByPhase errors, p95;
  std::string p95_of;
  bool operator==(const LoadStatus&) const = default;
};

struct Timings {
  std::string to_inject, to_effect, to_detect, to_reroute, to_restart, back_off, to_recover,
      to_clean, precision;
  bool operator==(const Timings&) const = default;
};

struct Status {
  std::int64_t observed_generation = -1;
  std::string active_run;  // spec hash of the live run
  std::string phase = "Pending";
  std::string verdict, reason, summary, fault_kind;
  std::optional<TimePoint> eligible_at, started_at, baseline_started_at, intended_at, finished_at;
  std::vector<TargetStatus> targets;
  Timings timings;
  std::string coverage;  // "" | Full | Partial
  std::vector<std::string> coverage_missing;
  std::optional<StopStatus> stop;
  std::vector<ProbeStatus> probes;
  Resolved resolved;
  std::optional<LoadStatus> load;
  std::vector<RunRecord> runs;  // last 10, newest last
  std::vector<kube::Condition> conditions;
  bool operator==(const Status&) const = default;

  bool Live() const { return !active_run.empty(); }
  const RunRecord* FindRun(std::string_view spec_hash) const;

  static Status FromJson(const Json& status);
  // The whole status, as the full intent of its one writer.
  Json ToJson() const;
};

}  // namespace chaos::experiment
