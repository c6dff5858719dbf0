#include "controllers/chaosexperiment/spec_hash.h"

#include <array>

#include "operator/base/sha256.h"

namespace chaos::experiment {
namespace {

constexpr std::array<const char*, 12> kFields = {"target", "fault",  "duration", "trigger",
                                                 "load",   "probes", "detect",   "recovery",
                                                 "expect", "seed",   "newPods",  "run"};

// Same shape as a spec; a list's only item stands for each of its items. A field equal to its
// default is left out. A default that is added to the schema later must be added here, else old
// objects would run again.
const Json& Defaults() {
  static const Json kDefaults = Json::parse(R"({
    "target": {"mode": "One"},
    "fault": {"partition": {"direction": "Both", "existing": "Drop"}},
    "probes": [{"interval": "1s", "inference": {"maxTokens": 16, "expect": {"minTokens": 1}}}],
    "detect": {"within": "60s"},
    "recovery": {"within": "60s", "stableFor": "5s"},
    "newPods": "Ignore",
    "run": 1
  })");
  return kDefaults;
}

bool Empty(const Json& value) { return (value.is_object() || value.is_array()) && value.empty(); }

Json WithoutDefaults(const Json& value, const Json& defaults) {
  if (value.is_object()) {
    Json kept = Json::object();
    for (const auto& [key, item] : value.items()) {
      if (item.is_null()) continue;
      const auto found = defaults.is_object() ? defaults.find(key) : defaults.end();
      const bool has_default = defaults.is_object() && found != defaults.end();
      if (has_default && *found == item) continue;
      Json rest = WithoutDefaults(item, has_default ? *found : Json());
      if (!(has_default && Empty(rest))) kept[key] = std::move(rest);
    }
    return kept;
  }
  if (value.is_array()) {
    Json kept = Json::array();
    for (const Json& item : value) {
      kept.push_back(
          WithoutDefaults(item, defaults.is_array() && !defaults.empty() ? defaults[0] : Json()));
    }
    return kept;
  }
  return value;
}

}  // namespace

std::string SpecHash(const Json& spec) {
  Json run = Json::object();
  for (const char* field : kFields) {
    if (const Json* value = Find(spec, {field})) run[field] = *value;
  }
  return Sha256Hex(PrintJson(WithoutDefaults(run, Defaults()))).substr(0, 16);
}

}  // namespace chaos::experiment
