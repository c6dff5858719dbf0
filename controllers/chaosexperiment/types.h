// ChaosExperiment as a typed projection of the API object.
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

}  // namespace chaos::experiment
