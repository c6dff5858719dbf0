#include "operator/base/net/log.h"

#include <gtest/gtest.h>

#include "operator/base/json.h"

namespace chaos {
namespace {

constexpr TimePoint kAt{milliseconds(1'764'000'000'123)};

TEST(LogLine, IsOneJsonObjectWithTheFieldsInTheirOrder) {
  EXPECT_EQ(
      LogLine(kAt, LogLevel::kWarn, "watch \"restarted\"", {{"kind", "Pod"}, {"why", "a\nb"}}),
      R"({"time":"2025-11-24T16:00:00.123Z","level":"warn","message":"watch \"restarted\"","kind":"Pod","why":"a\nb"})");
}

TEST(LogLine, SurvivesBytesThatAreNoText) {
  EXPECT_TRUE(
      ParseJson(LogLine(kAt, LogLevel::kError, "\xff", {{"x", std::string("\x00\xfe", 2)}})));
}

TEST(JsonLog, WritesFromItsLevelUpwards) {
  SystemClock clock;
  const auto log = MakeJsonLog(LogLevel::kInfo, clock);
  testing::internal::CaptureStderr();
  log->Debug("not this");
  log->Info("this {} too", {{"n", "1"}});
  log->Error("and this");
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << text;
  EXPECT_NE(text.find(R"("level":"info","message":"this {} too","n":"1"})"), std::string::npos)
      << text;
  EXPECT_EQ(text.find("not this"), std::string::npos);
}

}  // namespace
}  // namespace chaos
