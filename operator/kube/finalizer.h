// The patch bodies that add or take away one finalizer. They carry the resource version they were
// made from, so a write in between makes them lose (409) instead of dropping somebody else's
// finalizer.
#pragma once

#include <optional>
#include <string_view>

#include "operator/base/json.h"
#include "operator/kube/object.h"

namespace chaos::kube {

bool HasFinalizer(const ObjectMeta& meta, std::string_view finalizer);
// For Patch::kMerge. nullopt: nothing to do. A finalizer cannot be added to an object that is being
// deleted: also nullopt.
std::optional<Json> AddFinalizerPatch(const ObjectMeta& meta, std::string_view finalizer);
std::optional<Json> RemoveFinalizerPatch(const ObjectMeta& meta, std::string_view finalizer);

}  // namespace chaos::kube
