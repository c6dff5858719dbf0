// The nft table of one cut: owned by this process, with elements that time out in the kernel.
#pragma once

#include "injectors/netlink.h"
#include "injectors/node.h"

namespace chaos::inject {

// Everything that ApplyCut adds, as one batch:
//   table inet <name> { flags owner; counter dropped; set peers4, peers6, spared4, spared6;
//     chain out { type filter hook output priority -5; oiftype loopback accept
//                 ip daddr @spared4 accept; ip daddr @peers4 counter name "dropped" drop; … ip6 … }
//     chain in  { the same with hook input, iiftype and saddr } }
// A cut that grows has the sets and rules of both families from the start.
// With a queue, packets go there in place of drop, and the counter counts those that went.
// With ports, the sets hold address . port and match the other side's port of TCP and of UDP.
NftBatch CutBatch(const Cut& cut, nanoseconds lasts);
// More addresses for the sets of a cut that grows.
NftBatch WidenBatch(const Cut& cut, const std::vector<Address>& more, nanoseconds lasts);
NftBatch RemoveBatch(const Cut& cut);

inline constexpr const char* kDroppedCounter = "dropped";
// In CutBatch: which message makes the table. A failure there is about ownership or permission.
inline constexpr int kTableMessage = 0;

}  // namespace chaos::inject
