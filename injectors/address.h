// IP addresses and networks as values: parsed once at the edge, compared by content.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"

namespace chaos::inject {

struct Address {
  bool v6 = false;
  std::array<std::uint8_t, 16> bytes{};  // network order; IPv4 uses the first four

  std::size_t size() const { return v6 ? 16 : 4; }
  auto operator<=>(const Address&) const = default;  // NOLINT(modernize-use-nullptr)
};

// IPv4-mapped IPv6 addresses are read as the IPv4 addresses that they are.
Result<Address> ParseAddress(std::string_view text);
std::string Print(const Address& address);
bool IsLoopback(const Address& address);

struct Network {
  Address base;         // host bits are zero
  unsigned prefix = 0;  // 0 to 32 or 128

  bool single() const { return prefix == base.size() * 8; }
  bool Contains(const Address& address) const;
  auto operator<=>(const Network&) const = default;  // NOLINT(modernize-use-nullptr)
};

// "10.0.0.7", "10.0.0.0/8", "fd00::/64". Host bits after the prefix are an error, since they hide a
// slip.
Result<Network> ParseNetwork(std::string_view text);
std::string Print(const Network& network);
Network Single(const Address& address);
Address First(const Network& network);
Address Last(const Network& network);
// Sorted, without those that lie inside of another.
std::vector<Network> Merge(std::vector<Network> networks);

}  // namespace chaos::inject
