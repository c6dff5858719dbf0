// Where a request to a component or a Service goes. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controllers/world/pod.h"
#include "controllers/world/profile.h"
#include "controllers/world/service.h"

namespace chaos {

struct Destination {
  std::string component, service;  // exactly one
  std::uint16_t port = 0;          // 0 = the profile's, or the Service's first
};

// "http://10.211.0.7:7833": the Service in front of the component, else one of its pods. kNotFound
// when nothing has an address now.
Result<std::string> BaseUrl(const Destination& destination, const Profile& profile,
                            const Pods& pods, const std::vector<Service>& services);

}  // namespace chaos
