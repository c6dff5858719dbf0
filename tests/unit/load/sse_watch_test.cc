// What an sse probe says at a moment, from what the stream said before. No socket, no clock.
#include "injectors/load/sse_watch.h"

#include <gtest/gtest.h>

namespace chaos::load {
namespace {

using namespace std::chrono_literals;

protocol::ProbeArguments HiveOnline() {
  protocol::ProbeArguments probe;
  probe.kind = protocol::ProbeKind::kSse;
  probe.match_pointer = "/type";
  probe.match_equals = "queen";
  probe.json_pointer = "/hives_online";
  probe.at_least = 1;
  probe.max_silence = 6s;
  return probe;
}

TEST(SseWatch, BeforeTheFirstEventItSaysHowFarTheConnectionCame) {
  SseWatch watch(HiveOnline());
  EXPECT_FALSE(watch.HasEvent());
  EXPECT_EQ(watch.Judge(1s).message, "not connected yet");
  watch.OnLost("connect timeout after 1s");
  EXPECT_EQ(watch.Judge(2s).message, "connect timeout after 1s");
  watch.OnOpen();
  EXPECT_EQ(watch.Judge(3s).message, "connected, but no matching event yet");
}

TEST(SseWatch, OnlyMatchingEventsCount) {
  SseWatch watch(HiveOnline());
  watch.OnOpen();
  watch.OnEvent(R"({"type":"hive_telemetry","hives_online":0})", 1s);
  watch.OnEvent("not json", 1s);
  EXPECT_FALSE(watch.HasEvent());
  watch.OnEvent(R"({"type":"queen","hives_online":1})", 2s);
  EXPECT_TRUE(watch.Judge(3s).ok);
  EXPECT_EQ(watch.Judge(3s).measured.at("value"), "1");
  EXPECT_EQ(watch.Judge(3s).measured.at("age"), "1.0s");
}

TEST(SseWatch, TheNewestValueDecidesAndIsNamed) {
  SseWatch watch(HiveOnline());
  watch.OnOpen();
  watch.OnEvent(R"({"type":"queen","hives_online":1})", 1s);
  watch.OnEvent(R"({"type":"queen","hives_online":0})", 2s);
  EXPECT_FALSE(watch.Judge(2s).ok);
  EXPECT_EQ(watch.Judge(2s).message, "/hives_online is 0, wanted at least 1");
  watch.OnEvent(R"({"type":"queen"})", 3s);
  EXPECT_EQ(watch.Judge(3s).message, "the event has no /hives_online");
  watch.OnEvent(R"({"type":"queen","hives_online":"one"})", 3s);
  EXPECT_EQ(watch.Judge(3s).message, "/hives_online is \"one\", not a number");
  watch.OnEvent(R"({"type":"queen","hives_online":2})", 4s);
  EXPECT_TRUE(watch.Judge(4s).ok);
}

TEST(SseWatch, AnUpperBoundHoldsToo) {
  auto probe = HiveOnline();
  probe.at_most = 2;
  SseWatch watch(probe);
  watch.OnOpen();
  watch.OnEvent(R"({"type":"queen","hives_online":3})", 1s);
  EXPECT_EQ(watch.Judge(1s).message, "/hives_online is 3, wanted at most 2");
}

TEST(SseWatch, SilenceFailsOnlyBeyondItsLimitAndSaysWhy) {
  SseWatch watch(HiveOnline());
  watch.OnOpen();
  watch.OnEvent(R"({"type":"queen","hives_online":1})", 10s);
  EXPECT_TRUE(watch.Judge(16s).ok);
  EXPECT_EQ(watch.Judge(16200ms).message, "no event for 6.2 s");
  watch.OnLost("connect timeout after 1s");
  EXPECT_TRUE(watch.Judge(15s).ok) << "a short reconnect is no outage";
  EXPECT_EQ(watch.Judge(17s).message, "no event for 7.0 s (connect timeout after 1s)");
}

TEST(SseWatch, WithoutALimitOnSilenceTheStreamMustBeUp) {
  auto probe = HiveOnline();
  probe.max_silence = 0s;
  SseWatch watch(probe);
  watch.OnOpen();
  watch.OnEvent(R"({"type":"queen","hives_online":1})", 1s);
  EXPECT_TRUE(watch.Judge(1000s).ok);
  watch.OnLost("the stream ended");
  EXPECT_EQ(watch.Judge(1001s).message, "the stream ended");
}

TEST(SseWatch, PointersReachIntoListsAndEscapedNames) {
  auto probe = HiveOnline();
  probe.match_pointer.clear();
  SseWatch lists([&] {
    probe.json_pointer = "/workers/1/~0a~1b";
    return probe;
  }());
  lists.OnEvent(R"({"workers":[{},{"~a/b":1}]})", 1s);
  EXPECT_TRUE(lists.Judge(1s).ok) << lists.Judge(1s).message;
  lists.OnEvent(R"({"workers":[{}]})", 1s);
  EXPECT_EQ(lists.Judge(1s).message, "the event has no /workers/1/~0a~1b");
  SseWatch lengths([&] {
    probe.json_pointer = "/worker_ids";
    return probe;
  }());
  lengths.OnEvent(R"({"worker_ids":[]})", 1s);
  EXPECT_EQ(lengths.Judge(1s).message, "/worker_ids is 0, wanted at least 1");
}

TEST(SseWatch, WithoutPointersAnyEventIsASignOfLife) {
  protocol::ProbeArguments probe;
  probe.max_silence = 1s;
  SseWatch watch(probe);
  watch.OnOpen();
  watch.OnEvent("ping", 1s);
  EXPECT_TRUE(watch.Judge(2s).ok);
  EXPECT_FALSE(watch.Judge(2001ms).ok);
}

}  // namespace
}  // namespace chaos::load
