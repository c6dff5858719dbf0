// Peers that came after the launch and were cut off too, as one figure of the injector: "10.1.0.9
// after 4s, fd00::9 after 12s500ms".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "operator/base/clock.h"

namespace chaos::protocol {

struct LatePeer {
  std::string address;
  milliseconds after{0};  // from applied to its own cut
  bool operator==(const LatePeer&) const = default;
};

inline constexpr std::string_view kLatePeers = "latePeers";

// At most 240 bytes: those that do not fit are left out, and "…" says so.
std::string PrintLatePeers(const std::vector<LatePeer>& peers);
// As much as can be read.
std::vector<LatePeer> ParseLatePeers(std::string_view text);

}  // namespace chaos::protocol
