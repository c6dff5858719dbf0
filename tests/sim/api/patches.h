// The patch types of the API server, as far as the product uses them.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "operator/base/json.h"

namespace chaos::sim {

enum class PatchType { kMerge, kStrategic, kApply, kJson };
// nullptr-like: none for an unknown content type.
std::optional<PatchType> PatchTypeOf(std::string_view content_type);

// Merges lists of objects by `key` the way a strategic merge patch does: entries of that key are
// merged, new ones are put in front, and of two entries with one key in the patch the last one
// silently wins.
Json MergeByKey(const Json& existing, const Json& patch, const std::string& key);

// The patched object; a text where the patch itself is wrong (422).
std::variant<Json, std::string> ApplyPatch(const Json& object, PatchType type, const Json& patch);

}  // namespace chaos::sim
