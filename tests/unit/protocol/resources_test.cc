// Faults that take something away: their arguments round-trip, bad ones are refused by name; and
// what a dead injector has left is in its record.
#include <gtest/gtest.h>

#include "injectors/protocol/arguments.h"
#include "injectors/protocol/events.h"
#include "operator/base/time_text.h"

namespace chaos::protocol {
namespace {

std::string Around(const std::string& fault) {
  return R"({"controls":[],"duration":"30s",)" + fault +
         R"(,"nonce":"00112233445566778899aabbccddeeff","notAfter":"2026-11-24T12:01:00.000Z",)"
         R"("notBefore":"2026-11-24T11:59:30.000Z","protect":[],"run":"0123456789","v":1})";
}

TEST(ResourceArguments, RoundTripByteForByte) {
  for (const char* fault :
       {R"("fileDescriptors":{"headroom":0})", R"("fileDescriptors":{"limit":64,"match":"^w"})"}) {
    const Result<InjectArguments> arguments = InjectFromJson(Around(fault));
    ASSERT_TRUE(arguments) << arguments.error().detail;
    EXPECT_EQ(PrintJson(ToJson(*arguments)), Around(fault));
  }
}

TEST(ResourceArguments, BadOnesAreRefusedWithTheFieldThatIsWrong) {
  const struct {
    const char *fault, *says;
  } rows[] = {
      {R"("fileDescriptors":{})",
       "fileDescriptors must be an object with exactly one of headroom and limit"},
      {R"("fileDescriptors":{"headroom":0,"limit":1})",
       "fileDescriptors must be an object with exactly one of headroom and limit"},
      {R"("fileDescriptors":{"headroom":-1})",
       "fileDescriptors.headroom must be from 0 to 1048576"},
      {R"("fileDescriptors":{"limit":1048577})", "fileDescriptors.limit must be from 0 to 1048576"},
      {R"("fileDescriptors":{"headroom":"none"})",
       "fileDescriptors.headroom must be a number that fits"},
      {R"("fileDescriptors":{"headroom":0,"soft":1})",
       "fileDescriptors has an unknown field \"soft\""},
      {R"("fileDescriptors":{"headroom":0},"process":{"action":"Kill"})",
       "arguments must be an object with exactly one fault"},
  };
  for (const auto& row : rows) {
    const Result<InjectArguments> arguments = InjectFromJson(Around(row.fault));
    ASSERT_FALSE(arguments) << row.fault;
    EXPECT_EQ(arguments.error().detail, row.says);
  }
}

TEST(RevertArguments, RoundTripAndNeedWhatToUndo) {
  const std::string text = R"({"run":"0123456789","undo":"files:1:2:3:4:5:6","v":1})";
  const Result<RevertArguments> arguments = RevertFromJson(text);
  ASSERT_TRUE(arguments) << arguments.error().detail;
  EXPECT_EQ(PrintJson(ToJson(*arguments)), text);
  EXPECT_FALSE(RevertFromJson(R"({"run":"0123456789","v":1})"));
  EXPECT_FALSE(RevertFromJson(R"({"run":"x","undo":"files:1:2:3:4:5:6","v":1})"));
}

TEST(RecordOfWhatIsLeft, ComesBeforeAllThatMayBeCutOff) {
  Record record;
  record.state = "verified";
  record.code = "ok";
  record.run = "0123456789";
  record.undo = "files:4194304:18446744073709551615:1048576:1048576:1048576:18446744073709551615";
  record.applied = record.verified = *ParseTime("2026-11-24T12:01:00.000Z");
  record.figures["limit"] = std::string(300, '1');
  const std::string text = PrintRecord(record);
  EXPECT_EQ(text.size(), 300U);
  const std::optional<Record> parsed = ParseRecord(text);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->undo, record.undo);
}

}  // namespace
}  // namespace chaos::protocol
