// A Service as far as a run may call it or cut it off.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controllers/world/selector.h"
#include "operator/base/json.h"

namespace chaos {

struct Service {
  std::string name;
  std::vector<std::string> cluster_ips;  // empty when headless
  Labels selector;
  std::vector<std::uint16_t> tcp_ports;
  static Service FromJson(const Json& object);
};

}  // namespace chaos
