#include "operator/kube/object.h"

#include <algorithm>

#include "operator/base/time_text.h"

namespace chaos::kube {
namespace {

bool IsInteger(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string_view WithoutZeros(std::string_view digits) {
  return digits.substr(std::min(digits.find_first_not_of('0'), digits.size()));
}

}  // namespace

std::string PathOf(const ResourceType& type, std::string_view ns, std::string_view name,
                   std::string_view subresource) {
  std::string path = type.group.empty() ? "/api" : "/apis";
  const auto add = [&path](std::string_view part) {
    if (!part.empty()) path.append("/").append(part);
  };
  add(type.group);
  add(type.version);
  if (type.namespaced && !ns.empty()) {
    add("namespaces");
    add(ns);
  }
  add(type.plural);
  add(name);
  add(subresource);
  return path;
}

ObjectMeta MetaFromJson(const Json& object) {
  ObjectMeta meta;
  meta.key = {Text(object, {"metadata", "namespace"}), Text(object, {"metadata", "name"})};
  meta.uid = Text(object, {"metadata", "uid"});
  meta.resource_version = Text(object, {"metadata", "resourceVersion"});
  meta.generation = Integer(object, {"metadata", "generation"});
  if (Result<TimePoint> created = ParseTime(Text(object, {"metadata", "creationTimestamp"})))
    meta.created = *created;
  meta.deleting = Find(object, {"metadata", "deletionTimestamp"}) != nullptr;
  meta.finalizers = Texts(object, {"metadata", "finalizers"});
  meta.labels = TextMap(object, {"metadata", "labels"});
  meta.annotations = TextMap(object, {"metadata", "annotations"});
  return meta;
}

bool NotOlder(std::string_view a, std::string_view b) {
  if (a == b) return true;
  if (!IsInteger(a) || !IsInteger(b)) return false;
  a = WithoutZeros(a);
  b = WithoutZeros(b);
  return a.size() != b.size() ? a.size() > b.size() : a >= b;
}

}  // namespace chaos::kube
