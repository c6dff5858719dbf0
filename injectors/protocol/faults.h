// What is true of a fault is one row here; admission, RBAC, documentation and tests read the table.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace chaos::protocol {

// Privilege tiers, lowest first: what the injector may use, and so what the author must be allowed
// to ask for.
enum class Tier { kApiOnly, kNoCapabilities, kPodCapabilities, kProcessTamper, kNodePrivileged };
std::string_view Name(Tier tier);  // "PodCapabilities"
std::optional<Tier> TierFromName(std::string_view name);

enum class Runs { kPodNetwork, kInTarget, kApi };  // where the injector sits
enum class Ends {                                  // what ends the fault when its injector is gone
  kAtOnce,                                         // nothing lasts
  kWithProcess,  // the kernel takes it away with the injector's process, and at the deadline
  kByJournal,    // a fresh process must undo it from the journal
};

struct FaultRow {
  std::string_view key;  // in spec.fault; "process.Kill" is action Kill of fault process
  Runs runs;
  Tier lowest_tier;
  std::string_view capabilities;  // comma separated, as in a securityContext; empty = none
  Ends ends;
  bool lasts;  // needs a duration
};

std::span<const FaultRow> Faults();
// nullptr when no fault has this key.
const FaultRow* FindFault(std::string_view key);

}  // namespace chaos::protocol
