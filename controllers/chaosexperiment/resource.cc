#include "controllers/chaosexperiment/resource.h"

namespace chaos::experiment {
namespace {

std::optional<int> Count(const Json& json, const char* key) {
  const Json* found = Find(json, {key});
  if (found == nullptr || !found->is_number_integer()) return std::nullopt;
  return found->get<int>();
}

std::string Figure(const TargetStatus& target, const char* key) {
  const auto found = target.measured.find(key);
  return found == target.measured.end() ? "" : found->second;
}

}  // namespace

std::optional<NamedResource> ReadResource(const Json& fault) {
  if (const Json* json = Find(fault, {"fileDescriptors"})) {
    return NamedResource{"fileDescriptors",
                         protocol::FileDescriptors{Count(*json, "headroom"), Count(*json, "limit"),
                                                   Text(*json, {"process", "match"})}};
  }
  return std::nullopt;
}

// The kernel lets a process change the limits of another of the same user and group, root's too.
// Where nobody says who the target is, root is tried: the injector refuses if that is wrong.
Result<Means> MeansForResource(const Spec& /*spec*/, const Pod& pod, const std::string& container) {
  const auto found = pod.users.find(container);
  const User user = found != pod.users.end() && found->second.Known() ? found->second : User{0, 0};
  return Means{protocol::Tier::kNoCapabilities, container, "", user.uid, user.gid};
}

std::string WhatWasTaken(const Spec& /*spec*/, const TargetStatus& target) {
  std::string text = target.pod + " could open only " + Figure(target, "headroom") +
                     " more files (limit " + Figure(target, "limit") + " instead of " +
                     Figure(target, "limitBefore") + ")";
  if (Figure(target, "accept") == "stalled") text += " and took no more connections";
  return text;
}

}  // namespace chaos::experiment
