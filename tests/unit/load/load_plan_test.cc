#include "injectors/load/load_plan.h"

#include <gtest/gtest.h>

namespace chaos::load {
namespace {

using namespace std::chrono_literals;

protocol::LoadArguments Rbee() {
  protocol::LoadArguments a;
  a.executor = {.start_vus = 1, .stages = {{1s, 1}}};
  a.request.url = "http://queen:7833";
  a.request.model = "tiny";
  a.request.prompts = {"hi", "ho"};
  return a;
}

TEST(LoadPlan, RendersOneOpenerPerPrompt) {
  const Result<LoadPlan> plan = MakeLoadPlan(Rbee());
  ASSERT_TRUE(plan);
  ASSERT_EQ(plan->openers.size(), 2u);
  EXPECT_TRUE(plan->openers[1].starts_with("POST /v1/jobs HTTP/1.1\r\nHost: queen:7833\r\n"));
  EXPECT_NE(plan->openers[1].find(R"("prompt":"ho")"), std::string::npos);
  std::string get;
  plan->RenderStream("/v1/jobs/1/stream", get);
  EXPECT_TRUE(get.starts_with("GET /v1/jobs/1/stream HTTP/1.1\r\nHost: queen:7833\r\n"));
  EXPECT_TRUE(get.ends_with("\r\nAccept: text/event-stream\r\n\r\n"));
}

TEST(LoadPlan, RendersAPlainRequest) {
  protocol::LoadArguments a = Rbee();
  a.request.protocol = "http";
  a.request.url = "http://queen/x?y";
  a.request.method = "POST";
  a.request.body = "abc";
  a.request.content_type = "text/plain";
  EXPECT_EQ(MakeLoadPlan(a)->openers,
            std::vector<std::string>{"POST /x?y HTTP/1.1\r\nHost: queen\r\nUser-Agent: "
                                     "rbee-chaos-load\r\nAccept: */*\r\nContent-Type: "
                                     "text/plain\r\nContent-Length: 3\r\n\r\nabc"});
}

TEST(LoadPlan, RefusesWithTheNameOfTheField) {
  const auto why = [](void (*change)(protocol::LoadArguments&)) {
    protocol::LoadArguments a = Rbee();
    change(a);
    const auto plan = MakeLoadPlan(a);
    return plan ? "accepted" : plan.error().detail.substr(0, plan.error().detail.find(':'));
  };
  EXPECT_EQ(why([](auto& a) { a.request.url = "ftp://x"; }), "request.url");
  EXPECT_EQ(why([](auto& a) { a.request.model = ""; }), "request.model");
  EXPECT_EQ(why([](auto& a) { a.executor.stages.clear(); }), "executor.stages");
  EXPECT_EQ(why([](auto& a) { a.request.connect_timeout = 0ms; }), "request.connectTimeout");
  EXPECT_EQ(why([](auto& a) {
              a.request.protocol = "http";
              a.request.method = "GET / HTTP/1.1\r\nX:";
            }),
            "request.method");
  EXPECT_EQ(why([](auto& a) {
              a.request.protocol = "http";
              a.request.content_type = "a\r\nX: b";
            }),
            "request.contentType");
}

TEST(LoadPlan, ThePodsNumberIsOneOfThem) {
  EXPECT_EQ(*PodIndex(nullptr, 3), 0);
  EXPECT_EQ(*PodIndex("2", 3), 2);
  for (const char* text : {"3", "-1", "", "1x"}) EXPECT_FALSE(PodIndex(text, 3)) << text;
}

TEST(LoadPlan, ReadsThrottlingOfBothCgroupVersions) {
  EXPECT_EQ(Throttled("usage_usec 5\nnr_throttled 2\nthrottled_usec 12345\n"), 12ms);
  EXPECT_EQ(Throttled("nr_periods 1\nnr_throttled 2\nthrottled_time 12345678\n"), 12ms);
  EXPECT_EQ(Throttled("usage_usec 5\n"), 0ms);
  EXPECT_EQ(Throttled(""), 0ms);
}

}  // namespace
}  // namespace chaos::load
