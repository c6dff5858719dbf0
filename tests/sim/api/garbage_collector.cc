#include "tests/sim/api/garbage_collector.h"

#include <array>

namespace chaos::sim {
namespace {

constexpr milliseconds kCollectAfter{400};
constexpr seconds kLookAgain{5};

// What may have an owner or live in a namespace here.
const std::array kCollected{kube::kPods,    kube::kServices,    kube::kConfigMaps,
                            kube::kJobs,    kube::kExperiments, kube::kLoadTests,
                            kube::kReports, kube::kEvents,      kube::kLeases};

}  // namespace

GarbageCollector::GarbageCollector(ApiServer& api, Timeline& timeline)
    : api_(api), timeline_(timeline) {
  api_.store().Observe([this](const Record& record) { Look(record); });
}

void GarbageCollector::Look(const Record& record) {
  if (record.resource->type.plural == "namespaces" && record.after &&
      Find(record.after->object, {"metadata", "deletionTimestamp"})) {
    timeline_.After(kCollectAfter, [this, name = record.key.name] { EmptyNamespace(name); });
  }
  if (!record.after) {
    const std::string uid = Text(record.last->object, {"metadata", "uid"});
    timeline_.After(kCollectAfter, [this, ns = record.key.ns, uid] { CollectDependents(ns, uid); });
  } else if (!record.before) {
    const Json* owners = Find(record.after->object, {"metadata", "ownerReferences"});
    if (owners == nullptr || owners->empty()) return;
    const std::string uid = Text(owners->front(), {"uid"});
    timeline_.After(kLookAgain, [this, ns = record.key.ns, uid] {
      if (!Exists(uid)) CollectDependents(ns, uid);
    });
  }
}

bool GarbageCollector::Exists(const std::string& uid) const {
  for (const kube::ResourceType& type : kCollected) {
    for (const auto& [key, version] : api_.store().All(*FindResource(type))) {
      if (Text(version->object, {"metadata", "uid"}) == uid) return true;
    }
  }
  return false;
}

void GarbageCollector::CollectDependents(const std::string& ns, const std::string& owner_uid) {
  for (const kube::ResourceType& type : kCollected) {
    std::vector<kube::Key> found;
    for (const auto& [key, version] : api_.store().All(*FindResource(type))) {
      const Json* owners = Find(version->object, {"metadata", "ownerReferences"});
      if (key.ns == ns && owners != nullptr && owners->size() == 1 &&
          Text(owners->front(), {"uid"}) == owner_uid)
        found.push_back(key);
    }
    for (const kube::Key& key : found) api_.Delete(type, key);
  }
}

void GarbageCollector::EmptyNamespace(const std::string& ns) {
  bool empty = true;
  for (const kube::ResourceType& type : kCollected) {
    std::vector<kube::Key> found;
    for (const auto& [key, version] : api_.store().All(*FindResource(type))) {
      if (key.ns == ns) found.push_back(key);
    }
    for (const kube::Key& key : found) {
      empty = false;
      const VersionPtr now = api_.store().Find(*FindResource(type), key);
      if (now && !Find(now->object, {"metadata", "deletionTimestamp"})) api_.Delete(type, key);
    }
  }
  const Resource& namespaces = *FindResource(kube::kNamespaces);
  if (empty && api_.store().Find(namespaces, {"", ns})) {
    api_.store().Erase(namespaces, {"", ns});
  } else if (!empty) {
    timeline_.After(seconds(1), [this, ns] { EmptyNamespace(ns); });
  }
}

}  // namespace chaos::sim
