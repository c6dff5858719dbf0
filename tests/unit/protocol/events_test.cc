// Event lines and records are read by other versions than wrote them: golden bytes, unknown fields,
// cut texts.
#include "injectors/protocol/events.h"

#include <gtest/gtest.h>

#include "operator/base/time_text.h"

namespace chaos::protocol {
namespace {

constexpr const char* kLine =
    R"({"at":"2026-11-24T12:00:00.500Z","event":"verified","measured":{"peersCut":"1/1"},)"
    R"("message":"a sentence","reason":"stopped","requested":{"peersCut":"1/1"},"seq":3,"v":1})";

TEST(Event, GoldenLineRoundTrips) {
  const Result<Event> event = ParseEvent(kLine);
  ASSERT_TRUE(event);
  EXPECT_EQ(PrintEvent(*event), kLine);
  EXPECT_EQ(event->seq, 3);
  EXPECT_EQ(event->measured.at("peersCut"), "1/1");
}

TEST(Event, SampleOfAProbeRoundTrips) {
  const std::string line =
      R"({"at":"2026-11-24T12:00:00.000Z","event":"sample","ms":12,"ok":true,"probe":"health","seq":9,"v":1})";
  const Result<Event> event = ParseEvent(line);
  ASSERT_TRUE(event);
  EXPECT_TRUE(event->ok);
  EXPECT_EQ(event->took, milliseconds(12));
  EXPECT_EQ(PrintEvent(*event), line);
}

TEST(Event, FieldsOfALaterVersionAreIgnored) {
  const Result<Event> event = ParseEvent(
      R"({"v":2,"seq":1,"at":"2026-11-24T12:00:00Z","event":"armed","new":{"a":[1]},"measured":{"n":3}})");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->event, "armed");
  EXPECT_EQ(event->measured.at("n"), "3");
}

TEST(Event, WhatIsNoEventLineIsRefused) {
  for (const char* line : {"", "hello", "{}", "[1]", R"({"seq":1,"event":"armed"})",
                           R"({"seq":0,"event":"armed","at":"2026-11-24T12:00:00Z"})",
                           R"({"seq":1,"event":"","at":"2026-11-24T12:00:00Z"})",
                           R"({"seq":1,"event":"armed","at":"2026-11-24T12:00:0)"}) {
    EXPECT_FALSE(ParseEvent(line)) << line;
  }
}

Record Full() {
  Record record;
  record.state = "reverted";
  record.code = "ok";
  record.run = "0123456789";
  record.applied = *ParseTime("2026-11-24T12:00:00.100Z");
  record.verified = *ParseTime("2026-11-24T12:00:00.600Z");
  record.reverted = *ParseTime("2026-11-24T12:00:30.100Z");
  record.figures = {{"control", "ok"}, {"packetsDropped", "412"}, {"peersCut", "1/1"}};
  return record;
}

constexpr const char* kRecord =
    "v1 reverted ok run=0123456789 applied=2026-11-24T12:00:00.100Z "
    "reverted=2026-11-24T12:00:30.100Z "
    "verified=2026-11-24T12:00:00.600Z control=ok packetsDropped=412 peersCut=1/1 .";

TEST(Record, GoldenTextRoundTrips) {
  EXPECT_EQ(PrintRecord(Full()), kRecord);
  const auto record = ParseRecord(kRecord);
  ASSERT_TRUE(record);
  EXPECT_EQ(PrintRecord(*record), kRecord);
}

TEST(Record, WhereverItIsCutWhatIsWholeIsRightAndTheRestIsMissing) {
  const std::string whole = kRecord;
  const Record full = Full();
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    SCOPED_TRACE(whole.substr(0, length));
    const auto record = ParseRecord(whole.substr(0, length));
    if (length < std::string("v1 reverted ").size()) {
      EXPECT_FALSE(record);
      continue;
    }
    ASSERT_TRUE(record);
    EXPECT_EQ(record->state, full.state);
    EXPECT_TRUE(record->code.empty() || record->code == full.code);
    for (const auto& [key, value] : record->figures) {
      EXPECT_TRUE(full.figures.contains(key) && full.figures.at(key) == value)
          << key << "=" << value;
    }
    EXPECT_TRUE(!record->applied || record->applied == full.applied);
    EXPECT_TRUE(!record->reverted || record->reverted == full.reverted);
    EXPECT_TRUE(!record->verified || record->verified == full.verified);
    EXPECT_TRUE(record->run.empty() || record->run == full.run) << record->run;
  }
}

TEST(Record, IsNeverLongerThan300Bytes) {
  Record record = Full();
  for (int i = 0; i < 100; ++i) record.figures["figure" + std::to_string(i)] = "12345";
  EXPECT_EQ(PrintRecord(record).size(), 300U);
}

TEST(Record, ForeignTextsAreNoRecord) {
  for (const char* text : {"", "hello", "v2 reverted ok", "v1", "v1 ", "v1 reverted"}) {
    EXPECT_FALSE(ParseRecord(text)) << text;
  }
}

}  // namespace
}  // namespace chaos::protocol
