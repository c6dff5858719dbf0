// What every Kubernetes object has, and how resources are addressed.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/clock.h"
#include "operator/base/json.h"

namespace chaos::kube {

struct ResourceType {
  std::string_view group;  // "" for the core group
  std::string_view version;
  std::string_view plural;
  std::string_view kind;
  bool namespaced = true;
};

inline constexpr ResourceType kPods{"", "v1", "pods", "Pod", true};
inline constexpr ResourceType kServices{"", "v1", "services", "Service", true};
inline constexpr ResourceType kNamespaces{"", "v1", "namespaces", "Namespace", false};
inline constexpr ResourceType kConfigMaps{"", "v1", "configmaps", "ConfigMap", true};
inline constexpr ResourceType kEvents{"events.k8s.io", "v1", "events", "Event", true};
inline constexpr ResourceType kLeases{"coordination.k8s.io", "v1", "leases", "Lease", true};
inline constexpr ResourceType kJobs{"batch", "v1", "jobs", "Job", true};
inline constexpr ResourceType kExperiments{"chaos.rbee.dev", "v1alpha1", "chaosexperiments",
                                           "ChaosExperiment", true};
inline constexpr ResourceType kLoadTests{"chaos.rbee.dev", "v1alpha1", "loadtests", "LoadTest",
                                         true};
inline constexpr ResourceType kReports{"chaos.rbee.dev", "v1alpha1", "chaosreports", "ChaosReport",
                                       true};
inline constexpr ResourceType kStops{"chaos.rbee.dev", "v1alpha1", "chaosstops", "ChaosStop",
                                     false};

// "/api/v1/namespaces/x/pods/y/log"; empty parts are left out. Requires: names are DNS names
// (nothing to escape).
std::string PathOf(const ResourceType& type, std::string_view ns, std::string_view name = "",
                   std::string_view subresource = "");

struct Key {
  std::string ns;  // empty for cluster-scoped objects
  std::string name;
  auto operator<=>(const Key&) const = default;  // NOLINT(modernize-use-nullptr): clang-tidy 14
  std::string Print() const { return ns.empty() ? name : ns + "/" + name; }
};

struct ObjectMeta {
  Key key;
  std::string uid;
  std::string resource_version;
  std::int64_t generation = 0;
  TimePoint created{};
  bool deleting = false;  // has a deletionTimestamp
  std::vector<std::string> finalizers;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
};

ObjectMeta MetaFromJson(const Json& object);

// True when `a` is surely not older than `b`: integers are compared (KEP-5504), anything else only
// by equality.
bool NotOlder(std::string_view a, std::string_view b);

}  // namespace chaos::kube
