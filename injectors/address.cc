#include "injectors/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace chaos::inject {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// The base of a network with every bit behind the prefix set to `ones`.
Address Fill(const Network& network, bool ones) {
  Address address = network.base;
  for (std::size_t bit = network.prefix; bit < address.size() * 8; ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80 >> (bit % 8));
    address.bytes[bit / 8] &= static_cast<std::uint8_t>(~mask);
    if (ones) address.bytes[bit / 8] |= mask;
  }
  return address;
}

}  // namespace

Result<Address> ParseAddress(std::string_view text) {
  const std::string copy(text);
  Address address;
  if (inet_pton(AF_INET, copy.c_str(), address.bytes.data()) == 1) return address;
  address.v6 = true;
  if (inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) != 1) {
    return Invalid("\"" + copy + "\" is not an IPv4 or IPv6 address");
  }
  if (!std::equal(kMapped.begin(), kMapped.end(), address.bytes.begin())) return address;
  Address mapped;
  std::copy_n(address.bytes.begin() + kMapped.size(), 4, mapped.bytes.begin());
  return mapped;
}

std::string Print(const Address& address) {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(address.v6 ? AF_INET6 : AF_INET, address.bytes.data(), text, sizeof text);
  return text;
}

bool IsLoopback(const Address& address) {
  if (!address.v6) return address.bytes[0] == 127;
  Address one;
  one.v6 = true;
  one.bytes[15] = 1;
  return address == one;
}

bool Network::Contains(const Address& address) const {
  if (address.v6 != base.v6) return false;
  return Fill({address, prefix}, false) == base;
}

Result<Network> ParseNetwork(std::string_view text) {
  const std::size_t slash = text.find('/');
  const Result<Address> base = ParseAddress(text.substr(0, slash));
  if (!base) return base.error();
  if (slash == std::string_view::npos) return Single(*base);
  const std::string_view digits = text.substr(slash + 1);
  Network network{*base, 0};
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), network.prefix);
  if (error != std::errc() || end != digits.data() + digits.size() ||
      network.prefix > base->size() * 8) {
    return Invalid("\"" + std::string(text) + "\" has a prefix that is not from 0 to " +
                   std::to_string(base->size() * 8));
  }
  if (First(network) != network.base) {
    return Invalid("\"" + std::string(text) + "\" has bits behind its prefix: write " +
                   Print(Network{First(network), network.prefix}));
  }
  return network;
}

std::string Print(const Network& network) {
  const std::string base = Print(network.base);
  return network.single() ? base : base + "/" + std::to_string(network.prefix);
}

Network Single(const Address& address) {
  return {address, static_cast<unsigned>(address.size() * 8)};
}

Address First(const Network& network) { return Fill(network, false); }
Address Last(const Network& network) { return Fill(network, true); }

std::vector<Network> Merge(std::vector<Network> networks) {
  // By base, wider first: whatever lies inside of a network follows it.
  std::sort(networks.begin(), networks.end());
  std::vector<Network> merged;
  for (const Network& network : networks) {
    if (merged.empty() || !merged.back().Contains(network.base)) merged.push_back(network);
  }
  return merged;
}

}  // namespace chaos::inject
