#include "operator/base/time_text.h"

#include <gtest/gtest.h>

namespace chaos {
namespace {

TEST(ParseDuration, ReadsWhatTheCrdAdmits) {
  struct Row {
    const char* text;
    milliseconds value;
  };
  const Row rows[] = {{"500ms", milliseconds(500)},
                      {"30s", seconds(30)},
                      {"1m30s", seconds(90)},
                      {"2h", seconds(7200)},
                      {"1h0m5s", seconds(3605)},
                      {"0s", seconds(0)},
                      {"99999h", std::chrono::hours(99999)}};
  for (const Row& row : rows) {
    const Result<milliseconds> parsed = ParseDuration(row.text);
    ASSERT_TRUE(parsed) << row.text;
    EXPECT_EQ(*parsed, row.value) << row.text;
  }
}

TEST(ParseDuration, RefusesTheRestWithASentence) {
  for (const char* bad : {"", "30", "s", "30 s", "30 seconds", "-5s", "1.5s", "100000s",
                          "1h1m1s1ms1ms", "30S", "5d"}) {
    const Result<milliseconds> parsed = ParseDuration(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().detail,
              "\"" + std::string(bad) + "\" is not a duration: write 500ms, 30s or 2m30s");
  }
}

TEST(PrintDuration, ComesBackAsItWasRead) {
  for (const char* text : {"0s", "500ms", "30s", "1m30s", "2h", "1h5s", "1s500ms", "1h1m1s1ms"}) {
    EXPECT_EQ(PrintDuration(*ParseDuration(text)), text);
  }
}

TEST(PrintShort, IsForPeople) {
  EXPECT_EQ(PrintShort(milliseconds(2140)), "2.1s");
  EXPECT_EQ(PrintShort(milliseconds(240)), "240ms");
  EXPECT_EQ(PrintShort(seconds(30)), "30.0s");
  EXPECT_EQ(PrintShort(microseconds(0)), "0ms");
}

TEST(Time, ComesBackAsItWasWritten) {
  const TimePoint at = *ParseTime("2026-02-28T23:59:59.123456Z");
  EXPECT_EQ(PrintTime(at, 6), "2026-02-28T23:59:59.123456Z");
  EXPECT_EQ(PrintTime(at), "2026-02-28T23:59:59.123Z");
  EXPECT_EQ(PrintTime(at, 0), "2026-02-28T23:59:59Z");
  EXPECT_EQ(*ParseTime("2026-02-28T23:59:59.123456789Z"), at);
  EXPECT_EQ(PrintTime(*ParseTime("2028-02-29T00:00:00Z"), 0), "2028-02-29T00:00:00Z");
}

TEST(ParseTime, RefusesWhatIsNoTime) {
  for (const char* bad :
       {"", "2026-02-28", "2026-02-28 23:59:59Z", "2026-02-28T23:59:59", "2026-02-30T00:00:00Z",
        "2026-13-01T00:00:00Z", "2026-02-28T24:00:00Z", "2026-02-28T23:59:59+01:00",
        "2026-02-28T23:59:59.Z", "2026-02-28T23:59:59Zx"}) {
    EXPECT_FALSE(ParseTime(bad)) << bad;
  }
}

}  // namespace
}  // namespace chaos
