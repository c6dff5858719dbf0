// ChaosExperiment and what else a run looks at, as typed projections of the API objects.
// The schema (crds/) has already refused what is malformed; FromJson is still total and never
// throws.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "controllers/chaosexperiment/status.h"
#include "injectors/protocol/arguments.h"
#include "injectors/protocol/faults.h"
#include "operator/base/json.h"
#include "operator/kube/object.h"

namespace chaos::experiment {

using Labels = std::map<std::string, std::string>;

struct Requirement {
  std::string key;
  std::string op;  // In NotIn Exists DoesNotExist
  std::vector<std::string> values;
};
struct Selector {
  Labels match_labels;
  std::vector<Requirement> match_expressions;
  bool Matches(const Labels& labels) const;
};

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

struct ProbeSpec {
  std::string name;
  bool before = false, during = false, after = false;  // phases in which a failing sample counts
  std::string component, service;                      // where it goes; exactly one
  std::string path;
  std::uint16_t port = 0;              // 0 = the profile's
  protocol::ProbeArguments arguments;  // all but the url
};

struct DetectSpec {
  std::string probe;
  milliseconds within{0};
};
struct AbortWhen {
  std::string probe;
  milliseconds fails_for{0};
};

struct Spec {
  std::string description;
  TargetSpec target;
  std::string fault_key;  // "partition"; empty when the spec names no fault that we know
  PartitionSpec partition;
  milliseconds duration{0};
  std::vector<ProbeSpec> probes;
  std::optional<DetectSpec> detect;
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
};

struct Experiment {
  kube::ObjectMeta meta;
  Spec spec;
  std::string spec_hash;  // 16 hex digits: identity of the run that this spec asks for
  Status status;

  static Result<Experiment> FromJson(const Json& object);
};

// Identity of a run of this very object: 10 hex digits, in every name that the run uses.
std::string RunId(std::string_view uid, std::string_view spec_hash);

struct Stop {
  kube::ObjectMeta meta;
  std::string reason;
  std::vector<std::string> namespaces;  // empty = everywhere
  std::int64_t observed_generation = -1;
  std::int64_t live = -1, stopped = -1;
  std::vector<kube::Condition> conditions;
  bool Covers(std::string_view ns) const;
  static Result<Stop> FromJson(const Json& object);
};

struct Namespace {
  kube::ObjectMeta meta;
  bool terminating = false;
  static Result<Namespace> FromJson(const Json& object);
};

struct ContainerState {
  std::string name;
  enum class Kind { kUnknown, kWaiting, kRunning, kTerminated } kind = Kind::kUnknown;
  std::string reason,
      message;  // of waiting or terminated; message is the record of our own containers
  int exit_code = 0;
  std::optional<TimePoint> started, finished;
};

struct Pod {
  kube::ObjectMeta meta;
  std::string node, phase, pod_ip, host_ip;
  std::vector<std::string> pod_ips;
  bool ready = false, host_network = false;
  std::string unschedulable;  // why no node takes it, in the scheduler's words
  std::vector<std::string> containers;
  std::vector<std::uint16_t> tcp_ports;  // declared by its containers
  std::vector<std::string> sidecars;     // names of its ephemeral containers
  std::vector<ContainerState> states;    // of regular and ephemeral containers
  const ContainerState* State(std::string_view container) const;
  bool Ours() const;  // one that we made
  static Result<Pod> FromJson(const Json& object);
};

struct Service {
  std::string name;
  std::vector<std::string> cluster_ips;  // empty when headless
  Labels selector;
  std::vector<std::uint16_t> tcp_ports;
  static Service FromJson(const Json& object);
};

// A profile says what a component is: nothing about rbee is in the code.
struct Component {
  Labels labels;
  std::uint16_t port = 0;
  std::string protocol;
};
struct Profile {
  std::string name;
  std::map<std::string, Component> components;
  static Result<Profile> FromConfigMap(const Json& config_map);
};

}  // namespace chaos::experiment
