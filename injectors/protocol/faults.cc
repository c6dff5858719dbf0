#include "injectors/protocol/faults.h"

#include <array>

namespace chaos::protocol {
namespace {

constexpr std::array kFaults = {
    //       key          where it runs       lowest tier             capabilities  ends lasts
    FaultRow{"partition", Runs::kPodNetwork, Tier::kPodCapabilities, "NET_ADMIN",
             Ends::kWithProcess, true},
    FaultRow{"http", Runs::kPodNetwork, Tier::kPodCapabilities, "NET_ADMIN", Ends::kWithProcess,
             true},
    FaultRow{"stream", Runs::kPodNetwork, Tier::kPodCapabilities, "NET_ADMIN", Ends::kWithProcess,
             true},
    FaultRow{"process.Kill", Runs::kInTarget, Tier::kNoCapabilities, "", Ends::kAtOnce, false},
    FaultRow{"process.Exit", Runs::kInTarget, Tier::kProcessTamper, "", Ends::kAtOnce, false},
    FaultRow{"process.Terminate", Runs::kInTarget, Tier::kNoCapabilities, "", Ends::kAtOnce, false},
    FaultRow{"process.Hang", Runs::kInTarget, Tier::kNoCapabilities, "", Ends::kWithProcess, true},
    FaultRow{"pod.Delete", Runs::kApi, Tier::kApiOnly, "", Ends::kAtOnce, false},
    FaultRow{"pod.Evict", Runs::kApi, Tier::kApiOnly, "", Ends::kAtOnce, false},
    FaultRow{"fileDescriptors", Runs::kInTarget, Tier::kNoCapabilities, "", Ends::kByJournal, true},
};

constexpr std::array<std::string_view, 5> kTierNames = {
    "ApiOnly", "NoCapabilities", "PodCapabilities", "ProcessTamper", "NodePrivileged"};

}  // namespace

std::string_view Name(Tier tier) { return kTierNames[static_cast<std::size_t>(tier)]; }

std::optional<Tier> TierFromName(std::string_view name) {
  for (std::size_t i = 0; i < kTierNames.size(); ++i) {
    if (kTierNames[i] == name) return static_cast<Tier>(i);
  }
  return std::nullopt;
}

std::span<const FaultRow> Faults() { return kFaults; }

const FaultRow* FindFault(std::string_view key) {
  for (const FaultRow& row : kFaults) {
    if (row.key == key) return &row;
  }
  return nullptr;
}

}  // namespace chaos::protocol
