// The resource types that the simulated API server knows, and how a request's target names them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "operator/kube/object.h"

namespace chaos::sim {

struct Resource {
  kube::ResourceType type;
  bool custom = false;  // from a CRD: no strategic merge patch, generation counts spec changes
  bool status_apart = false;  // has a status subresource
};

// Points into one static table: compare by address.
const Resource* FindResource(std::string_view group, std::string_view version,
                             std::string_view plural);
const Resource* FindResource(const kube::ResourceType& type);
std::string ApiVersion(const Resource& resource);   // "v1", "chaos.rbee.dev/v1alpha1"
std::string GroupPlural(const Resource& resource);  // "pods", "chaosexperiments.chaos.rbee.dev"

// "/api/v1/namespaces/x/pods/y/log?follow=true" taken apart.
struct Target {
  const Resource* resource = nullptr;
  kube::Key key;  // name empty for a collection
  std::string subresource;
  std::map<std::string, std::string> query;

  std::string Query(const std::string& name) const;
  bool Asked(const std::string& name) const;  // "true" or "1"
};
std::optional<Target> ParseTarget(std::string_view target);

// Label selectors: "a=b,c!=d,e in (f,g),h,!i". Field selectors: only metadata.name and
// metadata.namespace.
bool MatchesLabels(const Json& object, std::string_view selector);
bool MatchesFields(const Json& object, std::string_view selector);

}  // namespace chaos::sim
