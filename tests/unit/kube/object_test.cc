#include "operator/kube/object.h"

#include <gtest/gtest.h>

namespace chaos::kube {
namespace {

TEST(PathOf, AddressesEveryKindOfResource) {
  EXPECT_EQ(PathOf(kPods, "shop"), "/api/v1/namespaces/shop/pods");
  EXPECT_EQ(PathOf(kPods, ""), "/api/v1/pods");
  EXPECT_EQ(PathOf(kPods, "shop", "a", "log"), "/api/v1/namespaces/shop/pods/a/log");
  EXPECT_EQ(PathOf(kNamespaces, "", "shop"), "/api/v1/namespaces/shop");
  EXPECT_EQ(PathOf(kExperiments, "shop", "x", "status"),
            "/apis/chaos.rbee.dev/v1alpha1/namespaces/shop/chaosexperiments/x/status");
  EXPECT_EQ(PathOf(kStops, "ignored", "now"), "/apis/chaos.rbee.dev/v1alpha1/chaosstops/now");
}

TEST(NotOlder, ComparesIntegersAndOtherwiseOnlyEquality) {
  struct Row {
    std::string_view a, b;
    bool not_older;
  };
  const Row rows[] = {
      {"10", "9", true},
      {"9", "10", false},
      {"9", "9", true},
      {"010", "9", true},
      {"99999999999999999999999", "5", true},
      {"5", "99999999999999999999999", false},
      {"abc", "abc", true},
      {"abc", "abd", false},
      {"abd", "abc", false},
      {"10", "abc", false},
      {"", "5", false},
      {"5", "", false},
      {"", "", true},
      {"0", "00", true},
  };
  for (const Row& row : rows)
    EXPECT_EQ(NotOlder(row.a, row.b), row.not_older) << row.a << " vs " << row.b;
}

TEST(MetaFromJson, ReadsWhatIsThereAndSurvivesWhatIsNot) {
  const Json object =
      *ParseJson(R"({"metadata":{"name":"a","namespace":"shop","uid":"u","resourceVersion":"7",
    "generation":3,"creationTimestamp":"2026-11-24T10:00:00Z","deletionTimestamp":"2026-11-24T11:00:00Z",
    "finalizers":["x/y"],"labels":{"k":"v","odd":1},"annotations":{"n":"m"}}})");
  const ObjectMeta meta = MetaFromJson(object);
  EXPECT_EQ(meta.key.Print(), "shop/a");
  EXPECT_EQ(meta.uid, "u");
  EXPECT_EQ(meta.resource_version, "7");
  EXPECT_EQ(meta.generation, 3);
  EXPECT_TRUE(meta.deleting);
  EXPECT_EQ(meta.finalizers, std::vector<std::string>{"x/y"});
  EXPECT_EQ(meta.labels, (std::map<std::string, std::string>{{"k", "v"}}));
  EXPECT_EQ(meta.annotations.at("n"), "m");
  EXPECT_NE(meta.created, TimePoint{});

  for (const char* odd :
       {"{}", "[]", "null", R"({"metadata":[]})", R"({"metadata":{"labels":[],"name":4}})"}) {
    EXPECT_EQ(MetaFromJson(*ParseJson(odd)).key, Key{}) << odd;
  }
}

}  // namespace
}  // namespace chaos::kube
