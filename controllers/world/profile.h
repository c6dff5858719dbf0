// What a component of the system under test is: labels, port and protocol, from a ConfigMap.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "controllers/world/selector.h"
#include "operator/base/json.h"
#include "operator/base/result.h"

namespace chaos {

// A profile says what a component is: nothing about rbee is in the code.
struct Component {
  Labels labels;
  std::uint16_t port = 0;
  std::string protocol;
};
struct Profile {
  std::string name;
  std::map<std::string, Component> components;
  static Result<Profile> FromConfigMap(const Json& config_map);
};

// Where labels and ports of a component come from; an error names the components that the profile
// has.
Result<Component> FindComponent(const Profile& profile, const std::string& name);

}  // namespace chaos
