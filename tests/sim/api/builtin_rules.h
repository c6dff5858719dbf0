// What a real API server fills in and refuses for the core kinds that the product writes.
#pragma once

#include <optional>
#include <string>

#include "operator/kube/transport.h"
#include "tests/sim/api/resources.h"

namespace chaos::sim {

void AddBuiltinDefaults(const Resource& resource, Json& object);
// A refusal, or nothing.
std::optional<kube::Response> CheckBuiltin(const Resource& resource, const Json& object);

// Requires: `before` and `after` are pods. The rules of pods/ephemeralcontainers: entries are only
// ever added, and what is added must be fit for it. Fills in the defaults of new entries.
std::optional<kube::Response> CheckEphemeralContainers(const Json& before, Json& after);

bool IsDnsName(const std::string& name);

}  // namespace chaos::sim
