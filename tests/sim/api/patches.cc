#include "tests/sim/api/patches.h"

#include <algorithm>
#include <array>

namespace chaos::sim {
namespace {

// Lists of core/v1 that a strategic merge patch merges by key; all others it replaces.
struct MergeKey {
  std::string_view list;
  std::string_view key;
};
constexpr std::array kMergeKeys{
    MergeKey{"ephemeralContainers", "name"}, MergeKey{"containers", "name"},
    MergeKey{"initContainers", "name"},      MergeKey{"env", "name"},
    MergeKey{"volumeMounts", "mountPath"},   MergeKey{"volumes", "name"},
    MergeKey{"ownerReferences", "uid"},      MergeKey{"conditions", "type"},
};

Json StrategicMerge(const Json& existing, const Json& patch);

Json MergeField(const std::string& name, const Json& existing, const Json& patch) {
  if (!patch.is_array() || !existing.is_array()) return StrategicMerge(existing, patch);
  if (name == "finalizers") {
    Json all = existing;
    for (const Json& one : patch) {
      if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
    }
    return all;
  }
  for (const MergeKey& row : kMergeKeys) {
    if (row.list == name) return MergeByKey(existing, patch, std::string(row.key));
  }
  return patch;
}

Json StrategicMerge(const Json& existing, const Json& patch) {
  if (!patch.is_object() || !existing.is_object()) return patch;
  Json merged = existing;
  for (const auto& [name, value] : patch.items()) {
    if (value.is_null()) {
      merged.erase(name);
    } else if (const auto it = merged.find(name); it != merged.end()) {
      *it = MergeField(name, *it, value);
    } else {
      merged[name] =
          value;  // where there is no list yet, nothing is merged: a name given twice stays twice
    }
  }
  return merged;
}

}  // namespace

std::optional<PatchType> PatchTypeOf(std::string_view content_type) {
  if (content_type == "application/merge-patch+json") return PatchType::kMerge;
  if (content_type == "application/strategic-merge-patch+json") return PatchType::kStrategic;
  if (content_type == "application/apply-patch+yaml") return PatchType::kApply;
  if (content_type == "application/json-patch+json") return PatchType::kJson;
  return std::nullopt;
}

Json MergeByKey(const Json& existing, const Json& patch, const std::string& key) {
  const auto place = [&](Json& list, const Json& entry) {
    return std::find_if(list.begin(), list.end(), [&](const Json& one) {
      return one.value(key, Json()) == entry.value(key, Json());
    });
  };
  Json merged = existing;
  Json added = Json::array();
  for (const Json& entry : patch) {
    if (const auto at = place(merged, entry); at != merged.end()) {
      *at = StrategicMerge(*at, entry);
    } else if (const auto again = place(added, entry); again != added.end()) {
      *again = entry;
    } else {
      added.push_back(entry);
    }
  }
  added.insert(added.end(), merged.begin(), merged.end());
  return added;
}

std::variant<Json, std::string> ApplyPatch(const Json& object, PatchType type, const Json& patch) {
  switch (type) {
    case PatchType::kMerge: {
      Json merged = object;
      merged.merge_patch(patch);
      return merged;
    }
    case PatchType::kStrategic:
    case PatchType::kApply:  // one manager with force: what it does not name it does not own
      return StrategicMerge(object, patch);
    case PatchType::kJson:
      try {
        return object.patch(patch);
      } catch (const Json::exception& wrong) {
        return std::string(wrong.what());
      }
  }
  return std::string("unknown patch type");
}

}  // namespace chaos::sim
