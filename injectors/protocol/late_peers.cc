#include "injectors/protocol/late_peers.h"

#include <algorithm>

#include "operator/base/time_text.h"

namespace chaos::protocol {
namespace {

constexpr std::size_t kMostBytes = 240;
constexpr std::string_view kBetween = ", ", kAfter = " after ", kMore = "…";

}  // namespace

std::string PrintLatePeers(const std::vector<LatePeer>& peers) {
  std::string text;
  for (const LatePeer& peer : peers) {
    std::string item(text.empty() ? "" : kBetween);
    item += peer.address;
    item += kAfter;
    item += PrintDuration(peer.after);
    if (text.size() + item.size() + kBetween.size() + kMore.size() > kMostBytes)
      return text.append(kBetween).append(kMore);
    text += item;
  }
  return text;
}

std::vector<LatePeer> ParseLatePeers(std::string_view text) {
  std::vector<LatePeer> peers;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(kBetween), text.size());
    const std::string_view item = text.substr(0, end);
    text.remove_prefix(std::min(end + kBetween.size(), text.size()));
    const std::size_t split = item.find(kAfter);
    if (split == std::string_view::npos) continue;
    const Result<milliseconds> after = ParseDuration(item.substr(split + kAfter.size()));
    if (after) peers.push_back({std::string(item.substr(0, split)), *after});
  }
  return peers;
}

}  // namespace chaos::protocol
