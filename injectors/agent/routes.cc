#include "injectors/agent/routes.h"

#include <charconv>
#include <cstring>
#include <string>

namespace chaos::inject {
namespace {

std::vector<std::vector<std::string_view>> Words(std::string_view text) {
  std::vector<std::vector<std::string_view>> lines(1);
  std::size_t start = std::string_view::npos;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : '\n';
    const bool blank = c == ' ' || c == '\t' || c == '\n';
    if (blank && start != std::string_view::npos) {
      lines.back().push_back(text.substr(start, i - start));
      start = std::string_view::npos;
    } else if (!blank && start == std::string_view::npos) {
      start = i;
    }
    if (c == '\n') lines.emplace_back();
  }
  return lines;
}

bool Hex(std::string_view text, std::uint32_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, 16);
  return !text.empty() && error == std::errc() && end == text.data() + text.size();
}

// 32 hex digits in the order of the bytes.
bool Hex6(std::string_view text, Address& out) {
  out.v6 = true;
  if (text.size() != 32) return false;
  for (std::size_t i = 0; i < 16; ++i) {
    std::uint32_t byte = 0;
    if (!Hex(text.substr(2 * i, 2), byte)) return false;
    out.bytes[i] = static_cast<std::uint8_t>(byte);
  }
  return true;
}

}  // namespace

// Iface Destination Gateway Flags RefCnt Use Metric Mask …: addresses as numbers of this machine.
std::vector<Address> Gateways4(std::string_view route) {
  std::vector<Address> gateways;
  for (const auto& words : Words(route)) {
    std::uint32_t destination = 0, gateway = 0, mask = 0;
    if (words.size() < 8 || !Hex(words[1], destination) || !Hex(words[2], gateway) ||
        !Hex(words[7], mask))
      continue;
    if (destination != 0 || mask != 0 || gateway == 0) continue;
    Address address;
    std::memcpy(address.bytes.data(), &gateway, sizeof gateway);
    gateways.push_back(address);
  }
  return gateways;
}

// Destination, its prefix, source, its prefix, next hop, …
std::vector<Address> Gateways6(std::string_view ipv6_route) {
  std::vector<Address> gateways;
  for (const auto& words : Words(ipv6_route)) {
    Address destination, hop;
    if (words.size() < 5 || words[1] != "00" || !Hex6(words[0], destination) ||
        !Hex6(words[4], hop))
      continue;
    Address any;
    any.v6 = true;
    if (destination == any && hop != any) gateways.push_back(hop);
  }
  return gateways;
}

}  // namespace chaos::inject
