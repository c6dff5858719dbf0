// Which DNS servers this pod asks: they are never cut off, whatever addresses a fault names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace chaos::inject {

// The addresses of the `nameserver` lines of a resolv.conf, without scope ids.
std::vector<std::string> Nameservers(std::string_view resolv_conf);

}  // namespace chaos::inject
