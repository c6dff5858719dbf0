// Default gateways as the kernel tells them in /proc/net. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "injectors/address.h"

namespace chaos::inject {

// Requires: the text of /proc/net/route. Lines that make no sense are skipped.
std::vector<Address> Gateways4(std::string_view route);
// Requires: the text of /proc/net/ipv6_route.
std::vector<Address> Gateways6(std::string_view ipv6_route);

}  // namespace chaos::inject
