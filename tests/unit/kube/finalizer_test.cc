#include "operator/kube/finalizer.h"

#include <gtest/gtest.h>

namespace chaos::kube {
namespace {

constexpr std::string_view kOurs = "chaos.rbee.dev/revert";

ObjectMeta With(std::vector<std::string> finalizers) {
  ObjectMeta meta;
  meta.uid = "u";
  meta.resource_version = "41";
  meta.finalizers = std::move(finalizers);
  return meta;
}

TEST(Finalizer, IsAddedBesideForeignOnesUnderTheVersionThatWasRead) {
  const std::optional<Json> patch = AddFinalizerPatch(With({"foreign/a"}), kOurs);
  ASSERT_TRUE(patch);
  EXPECT_EQ(
      PrintJson(*patch),
      R"({"metadata":{"finalizers":["foreign/a","chaos.rbee.dev/revert"],"resourceVersion":"41","uid":"u"}})");
  EXPECT_FALSE(AddFinalizerPatch(With({std::string(kOurs)}), kOurs));
}

TEST(Finalizer, IsNotAddedToWhatIsBeingDeleted) {
  ObjectMeta meta = With({"foreign/a"});
  meta.deleting = true;
  EXPECT_FALSE(AddFinalizerPatch(meta, kOurs));
}

TEST(Finalizer, IsRemovedAndForeignOnesStay) {
  const std::optional<Json> patch =
      RemoveFinalizerPatch(With({"foreign/a", std::string(kOurs), "foreign/b"}), kOurs);
  ASSERT_TRUE(patch);
  EXPECT_EQ(PrintJson((*patch)["metadata"]["finalizers"]), R"(["foreign/a","foreign/b"])");
  EXPECT_EQ(Text(*patch, {"metadata", "resourceVersion"}), "41");
  EXPECT_FALSE(RemoveFinalizerPatch(With({"foreign/a"}), kOurs));
}

}  // namespace
}  // namespace chaos::kube
