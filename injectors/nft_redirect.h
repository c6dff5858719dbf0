// The nft table that brings new connections to a proxy in the same network namespace: owned by this
// process, with elements that time out in the kernel.
#pragma once

#include "injectors/interposer.h"
#include "injectors/netlink.h"

namespace chaos::inject {

// Everything that makes a redirect, as one batch:
//   table inet <name> { flags owner; counter redirected, spared;
//     set served4, served6 (address . port, with timeouts), spared4, spared6
//     chain in { type nat hook prerouting priority dstnat - 5
//       iiftype loopback accept
//       ip saddr @spared4 ip daddr . tcp dport @served4 counter name "spared" accept
//       tcp flags & (fin|syn|rst|ack) == syn ip daddr . tcp dport @served4
//         counter name "redirected" redirect to :<listener4>      … ip6 … } }
// Only a SYN: the first packet that is seen of a connection that is open already would match too.
NftBatch RedirectBatch(const Redirect& redirect, std::uint16_t listener4, std::uint16_t listener6,
                       nanoseconds lasts);
// New connections match nothing any more; those that were redirected go on.
NftBatch ReleaseBatch(const Redirect& redirect, bool v4, bool v6);

inline constexpr const char* kRedirectedCounter = "redirected";
inline constexpr const char* kSparedCounter = "spared";

}  // namespace chaos::inject
