// Faults that take a resource away from the target: how they are read, as whom their injector runs,
// and what is said of them. Pure.
#pragma once

#include <optional>
#include <string>

#include "controllers/chaosexperiment/process.h"
#include "controllers/chaosexperiment/types.h"

namespace chaos::experiment {

struct NamedResource {
  std::string key;  // of the fault's row
  protocol::Resource fault;
};
// From spec.fault; nullopt: it is another one.
std::optional<NamedResource> ReadResource(const Json& fault);

// The lowest means with which the fault works. kInvalid: they are above safety.maxPrivilege.
Result<Means> MeansForResource(const Spec& spec, const Pod& pod, const std::string& container);

// "worker-0 had no file left to open": made of the figures that were measured.
std::string WhatWasTaken(const Spec& spec, const TargetStatus& target);

}  // namespace chaos::experiment
