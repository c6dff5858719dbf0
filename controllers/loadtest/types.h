// LoadTest as a typed projection of the API object.
// The schema (crds/) has already refused what is malformed; FromJson is still total and never
// throws.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controllers/loadtest/status.h"
#include "controllers/world/address.h"
#include "injectors/protocol/load.h"
#include "operator/base/json.h"
#include "operator/kube/object.h"

namespace chaos::loadtest {

struct ThresholdSpec {
  std::string metric, expression;
  std::string phase;  // "" | Before | During | After
  bool abort_on_fail = false;
  milliseconds delay_abort_eval{0};
  std::int64_t min_samples = 1;
  bool operator==(const ThresholdSpec&) const = default;
};

struct Prompts {
  std::vector<std::string> texts;
  std::string config_map, key;  // where they are read from instead, one a line
};

struct PodTemplate {
  std::map<std::string, std::string> labels, annotations;
  Json fields = Json::object();     // of a pod's spec, as they stand there
  Json resources = Json::object();  // of the container
};

struct Spec {
  std::string description;
  Destination target;
  std::string protocol;  // "" = the profile's of the component
  std::string pattern;   // Ramp | Stress | Spike, or:
  std::optional<protocol::Executor> executor;
  double scale = 1, time_scale = 1;
  protocol::LoadRequest request;  // all but url and protocol
  std::string path;               // http
  Prompts prompts;
  milliseconds think_min{0}, think_max{0};
  std::vector<ThresholdSpec> thresholds;
  int pods = 0;  // 0 = Auto
  PodTemplate pod_template;
  std::optional<std::int64_t> seed;
  std::int64_t run = 1;
  bool suspend = false;
  milliseconds starting_deadline{0};
};

struct OwnerReference {
  std::string name, uid;  // of a ChaosExperiment
};

struct LoadTest {
  kube::ObjectMeta meta;
  std::optional<OwnerReference> owner;
  Spec spec;
  std::string spec_hash;  // 16 hex digits: identity of the run that this spec asks for
  Status status;

  static Result<LoadTest> FromJson(const Json& object);
};

// The identity of a run, see world/run.h.
std::string SpecHash(const Json& spec);

}  // namespace chaos::loadtest
