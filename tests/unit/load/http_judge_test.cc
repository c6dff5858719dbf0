// Which HTTP answers are good ones, and what is said of the others.
#include "injectors/load/http_judge.h"

#include <gtest/gtest.h>

namespace chaos::load {
namespace {

TEST(HttpJudge, Any2xxIsGoodUnlessStatusesAreListed) {
  protocol::ProbeArguments probe;
  for (const int good : {200, 204, 299}) EXPECT_TRUE(JudgeHttp(probe, good, "").ok) << good;
  for (const int bad : {199, 300, 404, 503}) EXPECT_FALSE(JudgeHttp(probe, bad, "").ok) << bad;
  probe.status_in = {404, 503};
  EXPECT_TRUE(JudgeHttp(probe, 503, "").ok);
  EXPECT_FALSE(JudgeHttp(probe, 200, "").ok);
  EXPECT_EQ(JudgeHttp(probe, 500, "oh\nno").message, "HTTP 500: oh no");
  EXPECT_EQ(JudgeHttp(probe, 500, "").measured.at("status"), "500");
}

TEST(HttpJudge, TheBodyMustContainWhatWasAskedFor) {
  protocol::ProbeArguments probe;
  probe.body_contains = "healthy";
  EXPECT_TRUE(JudgeHttp(probe, 200, R"({"status":"healthy"})").ok);
  EXPECT_EQ(JudgeHttp(probe, 200, "<!doctype html>").message,
            "the body does not contain \"healthy\" but begins with \"<!doctype html>\"");
}

TEST(HttpJudge, AWebPageIsNoStream) {
  EXPECT_EQ(NotAStream(200, "text/event-stream"), "");
  EXPECT_EQ(NotAStream(200, "text/html"), "HTTP 200 with a web page instead of a stream");
  EXPECT_EQ(NotAStream(404, "text/event-stream"), "HTTP 404");
  EXPECT_EQ(NotAStream(200, "application/json"),
            "HTTP 200 with application/json instead of a stream");
}

TEST(Verdict, ForeignTextIsCutAtACharacterAndKeptOnOneLine) {
  EXPECT_EQ(Excerpt("a\r\nb\x1b[1m", 20), "a  b [1m");
  EXPECT_EQ(Excerpt("äöü", 3), "ä…");
  EXPECT_EQ(Excerpt("äöü", 4), "äö…");
  EXPECT_EQ(Excerpt("äöü", 6), "äöü");
}

}  // namespace
}  // namespace chaos::load
