#include "controllers/world/profile.h"

namespace chaos {

Result<Profile> Profile::FromConfigMap(const Json& config_map) {
  Profile profile;
  profile.name = Text(config_map, {"metadata", "name"});
  const std::string text = Text(config_map, {"data", "profile.json"});
  if (text.empty()) return Invalid("ConfigMap " + profile.name + " has no key profile.json");
  Result<Json> json = ParseJson(text);
  if (!json) return Invalid("ConfigMap " + profile.name + ", profile.json: " + json.error().detail);
  for (const auto& [name, component] : ObjectAt(*json, {"components"}).items()) {
    Component c{TextMap(component, {"labels"}),
                static_cast<std::uint16_t>(Integer(component, {"port"})),
                Text(component, {"protocol"}, "rbee")};
    if (c.labels.empty())
      return Invalid("profile " + profile.name + ", component " + name + ": labels are needed");
    profile.components[name] = std::move(c);
  }
  if (profile.components.empty()) return Invalid("profile " + profile.name + " names no component");
  return profile;
}

Result<Component> FindComponent(const Profile& profile, const std::string& name) {
  const auto found = profile.components.find(name);
  if (found != profile.components.end()) return found->second;
  std::string known;
  for (const auto& [component, unused] : profile.components)
    known += (known.empty() ? "" : ", ") + component;
  return Invalid("profile " + profile.name + " has no component " + name + "; it has " + known);
}

}  // namespace chaos
