// ChaosExperiment as a typed projection of the API object.
// The schema (crds/) has already refused what is malformed; FromJson is still total and never
// throws.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "controllers/chaosexperiment/status.h"
#include "controllers/world/selector.h"
#include "injectors/protocol/arguments.h"
#include "injectors/protocol/faults.h"
#include "operator/base/json.h"
#include "operator/kube/object.h"

namespace chaos::experiment {

enum class Mode { kOne, kAll, kFixed, kPercent };
struct TargetSpec {
  std::string component;  // exactly one of component and selector
  std::optional<Selector> selector;
  std::string container;
  Mode mode = Mode::kOne;
  int value = 0;  // a count for kFixed, 1..100 for kPercent
};

struct PeerSpec {
  std::string component, service, cidr;  // exactly one of these and selector
  std::optional<Selector> selector;
  std::vector<std::uint16_t>
      verify_ports;  // on which connects are tried; what is cut is not narrowed by them
};
struct PartitionSpec {
  std::vector<PeerSpec> peers;
  std::vector<std::uint16_t> ports;
  protocol::Direction direction = protocol::Direction::kBoth;
};

// The pod itself is taken away, through the API alone.
struct PodRemoval {
  bool evict = false;  // asks the PodDisruptionBudget; else it is deleted whatever that says
  std::optional<seconds> grace;  // nullopt: the pod's own
};

struct TriggerSpec {
  protocol::When when = protocol::When::kRandomWithin;
  std::int64_t after_bytes = 1;  // DuringInference: sent on an open stream of the target
  milliseconds within{0};        // later than this it never fires
};

struct ProbeSpec {
  std::string name;
  bool before = false, during = false, after = false;  // phases in which a failing sample counts
  std::string component, service;                      // where it goes; exactly one
  std::string path;
  std::uint16_t port = 0;              // 0 = the profile's
  protocol::ProbeArguments arguments;  // all but the url
  // A `pods` probe is asked by the operator itself: good while at least so many matching pods are
  // ready.
  std::optional<int> pods_ready;
  std::optional<Selector> selector;
  bool ByOperator() const { return pods_ready.has_value(); }
};

struct DetectSpec {
  std::string probe;
  milliseconds within{0};
};
struct AbortWhen {
  std::string probe;
  milliseconds fails_for{0};
};

// What is asked for is kept as it was written: it becomes the spec of a LoadTest.
struct LoadSpec {
  Json run = Json::object();
  std::string ref;  // the LoadTest whose spec is copied; exactly one of it and run
  Json thresholds = Json::array();
};

struct Spec {
  std::string description;
  TargetSpec target;
  std::string fault_key;  // "partition", "process.Kill"; empty: no fault that we know
  PartitionSpec partition;
  std::optional<protocol::Process> process;
  std::optional<PodRemoval> pod;
  std::optional<protocol::Resource> resource;
  // Their ports: as written; none means those of the target.
  std::optional<protocol::Http> http;
  std::optional<protocol::Stream> stream;
  std::optional<TriggerSpec> trigger;
  bool inject_new_pods = false;
  milliseconds duration{0};
  std::vector<ProbeSpec> probes;
  std::optional<DetectSpec> detect;
  std::optional<LoadSpec> load;
  milliseconds recovery_within{0}, recovery_stable_for{0};
  milliseconds baseline{0};
  std::vector<AbortWhen> abort_when;
  int max_targets = 1;
  protocol::Tier max_privilege = protocol::Tier::kNoCapabilities;
  std::optional<std::int64_t> seed;
  std::int64_t run = 1;
  bool suspend = false;
  std::string dry_run;  // "" | Plan | Preflight
  milliseconds starting_deadline{0};

  // The injector shares the processes of the target's container.
  bool InTarget() const;
  // Of an injector that died something is left, which a second one has to undo.
  bool Outlives() const;
  bool ActsOnRequests() const { return http || stream; }
  // The fault ends a process.
  bool EndsProcess() const { return process && process->AtOnce(); }
  // One that is not the first of its container, which goes on then.
  bool EndsChild() const { return EndsProcess() && !process->match.empty(); }
  // Nothing of the fault lasts: there is no revert, only a victim or its replacement to come back.
  bool AtOnce() const { return EndsProcess() || pod; }
  // At least one ready replica has to be left.
  bool TakesOut() const { return process || pod; }
  bool HasPeers() const { return fault_key == "partition"; }
  bool Waits(protocol::When when) const { return trigger && trigger->when == when; }
  // The target is a pod that does not exist yet.
  bool WaitsForNewPod() const {
    return inject_new_pods && Waits(protocol::When::kDuringRegistration);
  }
  bool NeedsProbePod() const {
    return std::any_of(probes.begin(), probes.end(),
                       [](const ProbeSpec& p) { return !p.ByOperator(); });
  }
};

struct Experiment {
  kube::ObjectMeta meta;
  Spec spec;
  std::string spec_hash;  // 16 hex digits: identity of the run that this spec asks for
  Status status;

  static Result<Experiment> FromJson(const Json& object);
};

}  // namespace chaos::experiment
