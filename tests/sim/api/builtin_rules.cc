#include "tests/sim/api/builtin_rules.h"

#include <algorithm>
#include <array>

#include "operator/base/time_text.h"
#include "tests/sim/api/replies.h"

namespace chaos::sim {
namespace {

void SetDefault(Json& object, const char* name, Json value) {
  if (!object.contains(name)) object[name] = std::move(value);
}

void AddContainerDefaults(Json& container) {
  SetDefault(container, "terminationMessagePath", "/dev/termination-log");
  SetDefault(container, "terminationMessagePolicy", "File");
  SetDefault(container, "imagePullPolicy", "IfNotPresent");
  SetDefault(container, "resources", Json::object());
  if (!container.contains("env")) return;
  for (Json& variable : container["env"]) {
    if (!variable.contains("valueFrom") || !variable["valueFrom"].contains("fieldRef")) continue;
    SetDefault(variable["valueFrom"]["fieldRef"], "apiVersion", "v1");
  }
}

// metav1.MicroTime takes exactly six fractional digits.
bool IsMicroTime(const std::string& text) {
  const std::size_t dot = text.find('.');
  return dot != std::string::npos && text.ends_with('Z') && text.size() - dot == 8 &&
         ParseTime(text);
}

std::optional<kube::Response> CheckTimes(const Json& object,
                                         std::initializer_list<std::string_view> parents,
                                         std::string_view name) {
  const Json* parent = parents.size() == 0 ? &object : Find(object, parents);
  if (parent == nullptr || !parent->contains(std::string(name))) return std::nullopt;
  const Json& value = (*parent)[std::string(name)];
  if (value.is_null() || (value.is_string() && IsMicroTime(value.get<std::string>())))
    return std::nullopt;
  return BadRequest("parsing time " + PrintJson(value) +
                    " as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse");
}

std::optional<kube::Response> CheckLease(const Resource& resource, const Json& lease) {
  for (const char* name : {"renewTime", "acquireTime"}) {
    if (auto refused = CheckTimes(lease, {"spec"}, name)) return refused;
  }
  if (Integer(lease, {"spec", "leaseDurationSeconds"}, 1) <= 0) {
    return Unprocessable(resource, Text(lease, {"metadata", "name"}),
                         "spec.leaseDurationSeconds: Invalid value: must be greater than 0");
  }
  return std::nullopt;
}

std::optional<kube::Response> CheckEvent(const Resource& resource, const Json& event) {
  if (auto refused = CheckTimes(event, {}, "eventTime")) return refused;
  struct Field {
    const char* name;
    bool required;
    std::size_t longest;
  };
  constexpr std::array kFields{Field{"reportingController", true, 253},
                               Field{"reportingInstance", true, 128},
                               Field{"action", true, 128},
                               Field{"reason", true, 128},
                               Field{"note", false, 1024},
                               Field{"eventTime", true, 64}};
  for (const Field& field : kFields) {
    const std::string value = Text(event, {field.name});
    const std::string problem = value.empty() && field.required ? "Required value"
                                : value.size() > field.longest  ? "Invalid value: too long"
                                                                : "";
    if (!problem.empty())
      return Unprocessable(resource, Text(event, {"metadata", "name"}),
                           std::string(field.name) + ": " + problem);
  }
  const std::string type = Text(event, {"type"});
  if (type != "Normal" && type != "Warning")
    return Unprocessable(resource, Text(event, {"metadata", "name"}),
                         "type: Invalid value: \"" + type + "\"");
  return std::nullopt;
}

const Json* FindByName(const Json* list, const std::string& name) {
  if (list == nullptr || !list->is_array()) return nullptr;
  const auto it = std::find_if(list->begin(), list->end(),
                               [&](const Json& one) { return Text(one, {"name"}) == name; });
  return it == list->end() ? nullptr : &*it;
}

std::string WrongWithNew(const Json& pod, const Json& container, const std::string& at) {
  const std::string name = Text(container, {"name"});
  if (name.empty()) return at + ".name: Required value";
  if (FindByName(Find(pod, {"spec", "containers"}), name))
    return at + ".name: Duplicate value: \"" + name + "\"";
  if (Text(container, {"image"}).empty()) return at + ".image: Required value";
  const std::string target = Text(container, {"targetContainerName"});
  if (!target.empty() && !FindByName(Find(pod, {"spec", "containers"}), target))
    return at + ".targetContainerName: Not found: \"" + target + "\"";
  for (const char* forbidden :
       {"resources", "ports", "livenessProbe", "readinessProbe", "lifecycle"}) {
    if (const Json* given = Find(container, {forbidden}); given != nullptr && !given->empty())
      return at + "." + forbidden + ": Forbidden: cannot be set for an Ephemeral Container";
  }
  return "";
}

}  // namespace

bool IsDnsName(const std::string& name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  };
  const auto edge = [](char c) { return c == '-' || c == '.'; };
  return !name.empty() && name.size() <= 253 && std::all_of(name.begin(), name.end(), fits) &&
         !edge(name.front()) && !edge(name.back());
}

void AddBuiltinDefaults(const Resource& resource, Json& object) {
  if (resource.type.plural != "pods") return;
  Json& spec = object["spec"];
  SetDefault(spec, "restartPolicy", "Always");
  SetDefault(spec, "terminationGracePeriodSeconds", 30);
  SetDefault(spec, "serviceAccountName", "default");
  SetDefault(spec, "dnsPolicy", "ClusterFirst");
  for (const char* list : {"initContainers", "containers"}) {
    if (!spec.contains(list)) continue;
    for (Json& container : spec[list]) AddContainerDefaults(container);
  }
}

std::optional<kube::Response> CheckBuiltin(const Resource& resource, const Json& object) {
  if (resource.type.plural == "leases") return CheckLease(resource, object);
  if (resource.type.plural == "events") return CheckEvent(resource, object);
  if (resource.type.plural == "pods") {
    const Json* containers = Find(object, {"spec", "containers"});
    if (containers == nullptr || containers->empty())
      return Unprocessable(resource, Text(object, {"metadata", "name"}),
                           "spec.containers: Required value");
  }
  return std::nullopt;
}

std::optional<kube::Response> CheckEphemeralContainers(const Json& before, Json& after) {
  const Resource& pods = *FindResource(kube::kPods);
  const std::string name = Text(before, {"metadata", "name"});
  const Json* old_list = Find(before, {"spec", "ephemeralContainers"});
  const Json* new_list = Find(after, {"spec", "ephemeralContainers"});
  for (const Json& old : old_list != nullptr ? *old_list : Json::array()) {
    const std::string old_name = Text(old, {"name"});
    const Json* now = FindByName(new_list, old_name);
    if (now == nullptr) {
      return Unprocessable(pods, name,
                           "spec.ephemeralContainers: Forbidden: existing ephemeral containers \"" +
                               old_name + "\" may not be removed");
    }
    if (*now != old) {
      return Unprocessable(pods, name,
                           "spec.ephemeralContainers: Forbidden: existing ephemeral containers \"" +
                               old_name + "\" may not be changed\n");
    }
  }
  if (new_list == nullptr) return std::nullopt;
  Json& list = after["spec"]["ephemeralContainers"];
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (FindByName(old_list, Text(list[i], {"name"}))) continue;
    if (FindByName(&list, Text(list[i], {"name"})) != &list[i]) {
      return Unprocessable(pods, name,
                           "spec.ephemeralContainers[" + std::to_string(i) +
                               "].name: Duplicate value: \"" + Text(list[i], {"name"}) + "\"");
    }
    const std::string wrong =
        WrongWithNew(before, list[i], "spec.ephemeralContainers[" + std::to_string(i) + "]");
    if (!wrong.empty()) return Unprocessable(pods, name, wrong);
    AddContainerDefaults(list[i]);
  }
  return std::nullopt;
}

}  // namespace chaos::sim
