// Whether anything may start in a namespace at all. Pure.
#pragma once

#include <optional>
#include <string>

#include "controllers/world/namespace.h"
#include "controllers/world/stop.h"
#include "injectors/protocol/faults.h"

namespace chaos {

struct Refusal {
  std::string rule;  // low cardinality: label of chaos_guard_refusals_total
  std::string message;
  bool may_pass_later = false;  // waiting can help: the run stays Pending until startingDeadline
};

// Why pods cannot be seen there, with the command that changes it.
std::string NotBoundText(const std::string& ns, const std::string& operator_namespace);

// `asks`: what needs `tier`, for the message ("safety.maxPrivilege PodCapabilities").
std::optional<Refusal> MayActIn(const std::string& name, const Namespace* ns, const Stop* stop,
                                const std::string& operator_namespace, protocol::Tier tier,
                                const std::string& asks);

}  // namespace chaos
