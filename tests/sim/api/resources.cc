#include "tests/sim/api/resources.h"

#include <array>
#include <vector>

namespace chaos::sim {
namespace {

const std::array kResources{
    Resource{kube::kPods, false, true},
    Resource{kube::kServices, false, true},
    Resource{kube::kNamespaces, false, true},
    Resource{kube::kConfigMaps, false, false},
    Resource{kube::kEvents, false, false},
    Resource{kube::kLeases, false, false},
    Resource{kube::kJobs, false, true},
    Resource{kube::kExperiments, true, true},
    Resource{kube::kLoadTests, true, true},
    Resource{kube::kReports, true, false},
    Resource{kube::kStops, true, true},
    Resource{{"", "v1", "nodes", "Node", false}, false, true},
    Resource{{"", "v1", "serviceaccounts", "ServiceAccount", true}, false, false},
    Resource{{"discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", true}, false, false},
};

std::string Unescape(std::string_view text) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 32) - 'a' + 10; };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::vector<std::string> Split(std::string_view text, char by) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = text.find(by);
    if (end != 0) parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return parts;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// Commas inside of "in (a,b)" do not separate requirements.
std::vector<std::string> Requirements(std::string_view selector) {
  std::vector<std::string> parts(1);
  int depth = 0;
  for (const char c : selector) {
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (c == ',' && depth == 0) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

bool Holds(const Json& labels, std::string_view requirement) {
  requirement = Trim(requirement);
  const auto value_of = [&](std::string_view key) -> const std::string* {
    const auto it = labels.find(std::string(Trim(key)));
    return it == labels.end() ? nullptr : it->get_ptr<const std::string*>();
  };
  for (const auto& [word, wanted] : {std::pair{" notin (", false}, {" in (", true}}) {
    const std::size_t at = requirement.find(word);
    if (at == std::string_view::npos) continue;
    const std::size_t open = requirement.find('(', at) + 1;
    const std::string* value = value_of(requirement.substr(0, at));
    bool found = false;
    for (const std::string& one :
         Split(requirement.substr(open, requirement.find(')', open) - open), ','))
      found = found || (value != nullptr && *value == Trim(one));
    return found == wanted;
  }
  if (const std::size_t at = requirement.find("!="); at != std::string_view::npos) {
    const std::string* value = value_of(requirement.substr(0, at));
    return value == nullptr || *value != Trim(requirement.substr(at + 2));
  }
  if (const std::size_t at = requirement.find('='); at != std::string_view::npos) {
    const std::string* value = value_of(requirement.substr(0, at));
    const std::size_t from = requirement.find_first_not_of('=', at);
    const std::string_view wanted = from == std::string_view::npos ? "" : requirement.substr(from);
    return value != nullptr && *value == Trim(wanted);
  }
  if (requirement.starts_with('!')) return value_of(requirement.substr(1)) == nullptr;
  return value_of(requirement) != nullptr;
}

}  // namespace

const Resource* FindResource(std::string_view group, std::string_view version,
                             std::string_view plural) {
  for (const Resource& one : kResources) {
    if (one.type.group == group && one.type.version == version && one.type.plural == plural)
      return &one;
  }
  return nullptr;
}

const Resource* FindResource(const kube::ResourceType& type) {
  return FindResource(type.group, type.version, type.plural);
}

std::string ApiVersion(const Resource& resource) {
  const std::string version(resource.type.version);
  return resource.type.group.empty() ? version : std::string(resource.type.group) + "/" + version;
}

std::string GroupPlural(const Resource& resource) {
  const std::string plural(resource.type.plural);
  return resource.type.group.empty() ? plural : plural + "." + std::string(resource.type.group);
}

std::string Target::Query(const std::string& name) const {
  const auto it = query.find(name);
  return it == query.end() ? "" : it->second;
}

bool Target::Asked(const std::string& name) const {
  const std::string value = Query(name);
  return value == "true" || value == "1";
}

std::optional<Target> ParseTarget(std::string_view target) {
  Target out;
  const std::size_t mark = target.find('?');
  if (mark != std::string_view::npos) {
    for (const std::string& pair : Split(target.substr(mark + 1), '&')) {
      const std::size_t equals = pair.find('=');
      const std::string value =
          equals == std::string::npos ? "" : Unescape(pair.substr(equals + 1));
      out.query[pair.substr(0, equals)] = value;
    }
  }
  const std::vector<std::string> parts = Split(target.substr(0, mark), '/');
  std::size_t next = 0;
  const auto take = [&]() { return next < parts.size() ? parts[next++] : std::string(); };
  const std::string root = take();
  if (root != "api" && root != "apis") return std::nullopt;
  const std::string group = root == "api" ? "" : take();
  const std::string version = take();
  // "/api/v1/namespaces/x" is the namespace itself, "/api/v1/namespaces/x/pods" is in it.
  const bool scoped = next < parts.size() && parts[next] == "namespaces" &&
                      parts.size() > next + 2 && parts[next + 2] != "status" &&
                      parts[next + 2] != "finalize";
  if (scoped) {
    take();
    out.key.ns = take();
  }
  out.resource = FindResource(group, version, take());
  if (out.resource == nullptr) return std::nullopt;
  out.key.name = take();
  out.subresource = take();
  return out;
}

bool MatchesLabels(const Json& object, std::string_view selector) {
  if (selector.empty()) return true;
  static const Json kNone = Json::object();
  const Json* labels = Find(object, {"metadata", "labels"});
  for (const std::string& requirement : Requirements(selector)) {
    if (!Holds(labels != nullptr && labels->is_object() ? *labels : kNone, requirement))
      return false;
  }
  return true;
}

bool MatchesFields(const Json& object, std::string_view selector) {
  for (const std::string& requirement : Split(selector, ',')) {
    const std::size_t equals = requirement.find('=');
    const std::string field = requirement.substr(0, equals);
    const std::string wanted = requirement.substr(requirement.find_first_not_of('=', equals));
    if (field == "metadata.name" && Text(object, {"metadata", "name"}) != wanted) return false;
    if (field == "metadata.namespace" && Text(object, {"metadata", "namespace"}) != wanted)
      return false;
    if (field == "spec.nodeName" && Text(object, {"spec", "nodeName"}) != wanted) return false;
    if (field == "regarding.name" && Text(object, {"regarding", "name"}) != wanted) return false;
    if (field == "status.phase" && Text(object, {"status", "phase"}) != wanted) return false;
  }
  return true;
}

}  // namespace chaos::sim
