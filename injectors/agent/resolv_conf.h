// Which DNS servers this pod asks (they are never cut off, whatever addresses a fault names), and
// for what names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace chaos::inject {

// The addresses of the `nameserver` lines of a resolv.conf, without scope ids.
std::vector<std::string> Nameservers(std::string_view resolv_conf);
// What all names of the cluster end in, by the entry "svc.<domain>" of the search list; without one
// "cluster.local".
std::string ClusterDomain(std::string_view resolv_conf);

}  // namespace chaos::inject
