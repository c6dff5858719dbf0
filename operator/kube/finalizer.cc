#include "operator/kube/finalizer.h"

#include <algorithm>

namespace chaos::kube {
namespace {

Json PatchTo(const ObjectMeta& meta, std::vector<std::string> finalizers) {
  return {{"metadata",
           {{"uid", meta.uid},
            {"resourceVersion", meta.resource_version},
            {"finalizers", std::move(finalizers)}}}};
}

}  // namespace

bool HasFinalizer(const ObjectMeta& meta, std::string_view finalizer) {
  return std::count(meta.finalizers.begin(), meta.finalizers.end(), finalizer) > 0;
}

std::optional<Json> AddFinalizerPatch(const ObjectMeta& meta, std::string_view finalizer) {
  if (meta.deleting || HasFinalizer(meta, finalizer)) return std::nullopt;
  std::vector<std::string> finalizers = meta.finalizers;
  finalizers.emplace_back(finalizer);
  return PatchTo(meta, std::move(finalizers));
}

std::optional<Json> RemoveFinalizerPatch(const ObjectMeta& meta, std::string_view finalizer) {
  if (!HasFinalizer(meta, finalizer)) return std::nullopt;
  std::vector<std::string> finalizers = meta.finalizers;
  std::erase(finalizers, finalizer);
  return PatchTo(meta, std::move(finalizers));
}

}  // namespace chaos::kube
