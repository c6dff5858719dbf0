// The identity of a run: a hash over the fields that make it, canonical and without defaults, so
// that neither a description nor another author nor an upgrade of the operator fires it again.
#pragma once

#include <string>

#include "operator/base/json.h"

namespace chaos::experiment {

// 16 hex digits. Requires: `spec` as the API server returns it, with or without its schema
// defaults.
std::string SpecHash(const Json& spec);

}  // namespace chaos::experiment
