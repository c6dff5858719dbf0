#include "operator/kube/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/kube/scripted_transport.h"

namespace chaos::kube {
namespace {

using testing::HasSubstr;
using testing::Not;

class ClientTest : public testing::Test {
 protected:
  void Answer(int status, std::string body) {
    transport_.answer = [=](const Request&) { return Response{status, body, {}}; };
  }
  std::string Sent(std::size_t at = 0) {
    return std::string(Name(transport_.sent().at(at).method)) + " " +
           transport_.sent().at(at).target;
  }
  ScriptedTransport transport_;
  Client client_{transport_, seconds(5)};
};

TEST_F(ClientTest, EveryWriteIsStrictAndNamesItsManager) {
  Answer(200, "{}");
  const Json object{{"metadata", {{"name", "a"}}}};
  ASSERT_TRUE(client_.Create(kPods, "shop", object));
  ASSERT_TRUE(client_.Replace(kPods, "shop", "a", object));
  ASSERT_TRUE(client_.PatchObject(kPods, "shop", "a", "ephemeralcontainers", Patch::kStrategicMerge,
                                  object, {.dry_run = true}));
  ASSERT_TRUE(
      client_.PatchObject(kPods, "shop", "a", "", Patch::kApply, object, {.field_manager = "me"}));
  EXPECT_EQ(Sent(0),
            "POST /api/v1/namespaces/shop/pods?fieldManager=chaos-operator&fieldValidation=Strict");
  EXPECT_EQ(
      Sent(1),
      "PUT /api/v1/namespaces/shop/pods/a?fieldManager=chaos-operator&fieldValidation=Strict");
  EXPECT_EQ(Sent(2),
            "PATCH "
            "/api/v1/namespaces/shop/pods/a/"
            "ephemeralcontainers?fieldManager=chaos-operator&fieldValidation=Strict&dryRun=All");
  EXPECT_EQ(
      Sent(3),
      "PATCH /api/v1/namespaces/shop/pods/a?fieldManager=me&fieldValidation=Strict&force=true");
  EXPECT_EQ(transport_.sent()[2].content_type, "application/strategic-merge-patch+json");
  EXPECT_EQ(transport_.sent()[3].content_type, "application/apply-patch+yaml");
  for (const Request& request : transport_.sent()) EXPECT_EQ(request.timeout, seconds(5));
}

TEST_F(ClientTest, AListFollowsItsPagesAndKeepsTheFirstVersion) {
  transport_.answer = [](const Request& request) {
    const bool second = request.target.find("continue=more%2Fof%20it") != std::string::npos;
    return Response{
        200,
        second
            ? R"({"metadata":{"resourceVersion":"8"},"items":[{"n":3}]})"
            : R"({"metadata":{"resourceVersion":"7","continue":"more/of it"},"items":[{"n":1},{"n":2}]})",
        {}};
  };
  const Result<ListAnswer> list = client_.List(kPods, "", "app in (a,b)", "5");
  ASSERT_TRUE(list);
  EXPECT_EQ(list->items.size(), 3u);
  EXPECT_EQ(list->resource_version, "7");
  EXPECT_THAT(Sent(0), HasSubstr("labelSelector=app%20in%20%28a%2Cb%29&limit=500&resourceVersion=5&"
                                 "resourceVersionMatch=NotOlderThan"));
  EXPECT_THAT(Sent(1), Not(HasSubstr("resourceVersion"))) << "the token says it";
}

TEST_F(ClientTest, AnyVersionIsAskedForWithoutAMatchRule) {
  Answer(200, R"({"metadata":{"resourceVersion":"7"}})");
  ASSERT_TRUE(client_.List(kPods, "", "", "0"));
  ASSERT_TRUE(client_.List(kPods, ""));
  EXPECT_THAT(Sent(0), testing::EndsWith("resourceVersion=0"));
  EXPECT_THAT(Sent(1), Not(HasSubstr("resourceVersion")));
}

TEST_F(ClientTest, APageThatExpiredIsListedAgainInOnePiece) {
  transport_.answer = [](const Request& request) {
    if (request.target.find("continue=") != std::string::npos) return Response{410, "{}", {}};
    const bool paged = request.target.find("limit=") != std::string::npos;
    return Response{200,
                    paged
                        ? R"({"metadata":{"resourceVersion":"7","continue":"x"},"items":[{"n":1}]})"
                        : R"({"metadata":{"resourceVersion":"9"},"items":[{"n":1},{"n":2}]})",
                    {}};
  };
  const Result<ListAnswer> list = client_.List(kPods, "");
  ASSERT_TRUE(list);
  EXPECT_EQ(list->items.size(), 2u);
  EXPECT_EQ(list->resource_version, "9");
  EXPECT_EQ(transport_.sent().size(), 3u);
}

TEST_F(ClientTest, AListWithoutAVersionEnds) {
  Answer(200, "{}");
  ASSERT_TRUE(client_.List(kPods, ""));
  EXPECT_EQ(transport_.sent().size(), 1u);
}

TEST_F(ClientTest, DeletingWhatIsNotThereIsSuccess) {
  Answer(404, "{}");
  EXPECT_TRUE(client_.Delete(kPods, "shop", "a"));
  Answer(
      409,
      R"({"kind":"Status","message":"Precondition failed: UID in precondition: x, UID in object meta: y"})");
  EXPECT_TRUE(client_.Delete(kPods, "shop", "a", {.uid = "x"})) << "that one is not there";
  Answer(409, R"({"kind":"Status","message":"another conflict"})");
  EXPECT_FALSE(client_.Delete(kPods, "shop", "a", {.uid = "x"}));
  Answer(403, "{}");
  EXPECT_FALSE(client_.Delete(kPods, "shop", "a"));
  const Json body = *ParseJson(transport_.sent()[1].body);
  EXPECT_EQ(Text(body, {"preconditions", "uid"}), "x");
  EXPECT_FALSE(body.contains("gracePeriodSeconds"));
}

TEST_F(ClientTest, ACutAnswerIsUnknownForAWriteAndUnavailableForARead) {
  Answer(200, R"({"metadata":{"na)");
  EXPECT_EQ(client_.Get(kPods, "shop", "a").error().reason, Reason::kUnavailable);
  EXPECT_EQ(client_.Create(kPods, "shop", {{"metadata", {{"name", "a"}}}}).error().reason,
            Reason::kUnknownOutcome);
}

TEST_F(ClientTest, AWatchAsksForBookmarksAndBearsSilenceFiveSecondsLonger) {
  client_.Watch(kPods, "shop", "a=b", "41", seconds(300), [] {});
  const Request request = transport_.opened().at(0);
  EXPECT_EQ(request.target,
            "/api/v1/namespaces/shop/"
            "pods?watch=true&allowWatchBookmarks=true&labelSelector=a%3Db&resourceVersion=41&"
            "timeoutSeconds=300");
  EXPECT_EQ(request.timeout, seconds(305));
}

TEST_F(ClientTest, LogsArePlainText) {
  Answer(200, "line\nnot json {");
  EXPECT_EQ(*client_.Log("shop", "a", "c", 20), "line\nnot json {");
  EXPECT_EQ(Sent(), "GET /api/v1/namespaces/shop/pods/a/log?container=c&tailLines=20");
  client_.FollowLog("shop", "a", "c", seconds(9), [] {});
  EXPECT_EQ(transport_.opened().at(0).target,
            "/api/v1/namespaces/shop/pods/a/log?container=c&follow=true");
}

}  // namespace
}  // namespace chaos::kube
