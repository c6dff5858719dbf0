// What a stream that said this, and ended like that, counts as: the table of precedence.
#include "injectors/load/load_judge.h"

#include <gtest/gtest.h>

#include "injectors/load/rbee_event.h"

namespace chaos::load {
namespace {

using protocol::Ending;

std::string Token(int i) { return R"({"type":"token","t":"x","i":)" + std::to_string(i) + "}"; }
std::string QueenToken(int i) {
  return R"({"type":"data","action":"token","payload":)" + Token(i) + "}";
}
std::string Narration(const std::string& actor, const std::string& action) {
  return R"({"type":"narration","actor":")" + actor + R"(","action":")" + action +
         R"(","human":"so it is"})";
}
std::string End(int tokens) {
  return R"({"type":"end","tokens_out":)" + std::to_string(tokens) + R"(,"stop_reason":"EOS"})";
}

const std::string kQueen = Narration("queen_rbee", "infer_start");
const std::string kSuccess = Narration("queen_rbee", "infer_success");
const std::string kFailed = Narration("job_server", "failed");
const std::string kStarted = R"({"type":"started","job_id":"job-1"})";
const std::string kDone = "[DONE]";
const Break kIdle{Ending::kIdleTimeout, "the stream fell silent"};
const Break kCut{Ending::kTruncated, "cut off in the body"};
const Break kStopped{Ending::kInterrupted, "the schedule ended it"};

struct Row {
  const char* name;
  std::vector<std::string> events;
  std::optional<Break> stopped;
  Ending plain;      // three tokens asked for
  Ending expecting;  // and expected
};

TEST(LoadJudge, TableOfPrecedence) {
  using E = Ending;
  const std::vector<Row> rows = {
      {"a queen that streams all",
       {kQueen, QueenToken(0), QueenToken(1), QueenToken(2), kSuccess, kDone},
       {},
       E::kOk,
       E::kOk},
      {"a queen that keeps the tokens", {kQueen, kSuccess, kDone}, {}, E::kOk, E::kEndedShort},
      {"success with fewer tokens",
       {kQueen, QueenToken(0), kSuccess, kDone},
       {},
       E::kOk,
       E::kEndedShort},
      {"all tokens, no word of success",
       {kQueen, QueenToken(0), QueenToken(1), QueenToken(2), kDone},
       {},
       E::kOk,
       E::kOk},
      {"the idle cut", {kQueen, QueenToken(0), kDone}, {}, E::kFalseDone, E::kFalseDone},
      {"the idle cut before any token", {kQueen, kDone}, {}, E::kFalseDone, E::kFalseDone},
      {"only [DONE]", {kDone}, {}, E::kFalseDone, E::kFalseDone},
      {"failed, then [DONE]", {kQueen, kFailed, kDone}, {}, E::kErrorEvent, E::kErrorEvent},
      {"failed and success",
       {kQueen, kFailed, kSuccess, kDone},
       {},
       E::kErrorEvent,
       E::kErrorEvent},
      {"[ERROR]", {"[ERROR] no such model"}, {}, E::kErrorEvent, E::kErrorEvent},
      {"[CANCELLED]", {"[CANCELLED]"}, {}, E::kErrorEvent, E::kErrorEvent},
      {"ERROR:", {"ERROR: Job channel not found", kDone}, {}, E::kErrorEvent, E::kErrorEvent},
      {"an error event",
       {kStarted, Token(0), R"({"type":"error","code":"VRAM_OOM","message":"no"})", kDone},
       {},
       E::kErrorEvent,
       E::kErrorEvent},
      {"a worker that ends", {kStarted, Token(0), Token(1), Token(2), kDone}, {}, E::kOk, E::kOk},
      {"a real worker's last token comes once more",
       {kStarted, Token(0), Token(1), Token(2), Token(3), kDone},
       {},
       E::kOk,
       E::kOk},
      {"an engine error of a worker",
       {kStarted, Token(0), kDone},
       {},
       E::kEndedShort,
       E::kEndedShort},
      {"a worker that says nothing", {kStarted, kDone}, {}, E::kEndedShort, E::kEndedShort},
      {"a worker's clean end", {kStarted, Token(0), End(1), kDone}, {}, E::kOk, E::kEndedShort},
      {"a worker's end without [DONE]",
       {kStarted, Token(0), Token(1), Token(2), End(3)},
       {},
       E::kOk,
       E::kOk},
      {"a worker's end that counts more",
       {kStarted, Token(0), End(3), kDone},
       {},
       E::kTokenGap,
       E::kTokenGap},
      {"a worker's end that counts fewer",
       {kStarted, Token(0), Token(1), Token(2), End(1), kDone},
       {},
       E::kTokenRepeated,
       E::kTokenRepeated},
      {"no [DONE]", {kStarted, Token(0), Token(1), Token(2)}, {}, E::kTruncated, E::kTruncated},
      {"nothing at all", {}, {}, E::kTruncated, E::kTruncated},
      {"success without [DONE]",
       {kQueen, QueenToken(0), kSuccess},
       {},
       E::kTruncated,
       E::kTruncated},
      {"a gap", {kStarted, Token(0), Token(2), Token(3), kDone}, {}, E::kTokenGap, E::kTokenGap},
      {"a repeat",
       {kStarted, Token(0), Token(0), Token(1), kDone},
       {},
       E::kTokenRepeated,
       E::kTokenRepeated},
      {"a gap, then a repeat: the first",
       {kStarted, Token(1), Token(1), Token(1), kDone},
       {},
       E::kTokenGap,
       E::kTokenGap},
      {"a gap, then a cut", {kStarted, Token(1)}, kCut, E::kTokenGap, E::kTokenGap},
      {"a gap, then failed",
       {kQueen, QueenToken(1), kFailed, kDone},
       {},
       E::kErrorEvent,
       E::kErrorEvent},
      {"a cut", {kStarted, Token(0)}, kCut, E::kTruncated, E::kTruncated},
      {"a cut after the end was counted",
       {kStarted, Token(0), End(1)},
       kCut,
       E::kTruncated,
       E::kTruncated},
      {"silence", {kStarted, Token(0)}, kIdle, E::kIdleTimeout, E::kIdleTimeout},
      {"failed, then silence", {kQueen, kFailed}, kIdle, E::kErrorEvent, E::kErrorEvent},
      {"stopped by the schedule", {kStarted, Token(0)}, kStopped, E::kInterrupted, E::kInterrupted},
      {"failed before the schedule stopped it",
       {kQueen, kFailed},
       kStopped,
       E::kErrorEvent,
       E::kErrorEvent},
      {"what follows [DONE] is not heard",
       {kStarted, Token(0), Token(1), Token(2), kDone, "[ERROR] late", Token(0)},
       {},
       E::kOk,
       E::kOk},
      {"odd events",
       {"plain", "{}", "[1]", R"({"type":7})", kStarted, Token(0), Token(1), Token(2), kDone},
       {},
       E::kOk,
       E::kOk},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    RbeeStream stream;
    for (const std::string& event : row.events) stream.OnEvent(event);
    for (const bool expect : {false, true}) {
      const Judgement judgement = JudgeStream(stream, 3, expect, row.stopped);
      EXPECT_EQ(Name(judgement.ending), Name(expect ? row.expecting : row.plain));
      EXPECT_EQ(judgement.message.empty(), judgement.ending == Ending::kOk) << judgement.message;
    }
  }
}

TEST(LoadJudge, TheAnswerToThePost) {
  std::string url;
  const auto ending = [&](int status, std::string_view type, std::string_view body) {
    return JudgeCreated(status, type, body, url).ending;
  };
  EXPECT_EQ(ending(200, "application/json", R"({"sse_url":"/v1/jobs/1/stream"})"), Ending::kOk);
  EXPECT_EQ(url, "/v1/jobs/1/stream");
  EXPECT_EQ(ending(503, "text/html", "<html>"), Ending::kHttpError);
  EXPECT_EQ(ending(200, "text/html", "<html>"), Ending::kWrongContent);
  EXPECT_EQ(ending(200, "application/json", "{"), Ending::kProtocolError);
  EXPECT_EQ(ending(200, "application/json", "{}"), Ending::kProtocolError);
}

TEST(LoadJudge, WhatIsNoStream) {
  EXPECT_EQ(JudgeNoStream(404, "text/html").ending, Ending::kHttpError);
  EXPECT_EQ(JudgeNoStream(200, "text/html").ending, Ending::kWrongContent);
  EXPECT_EQ(JudgeNoStream(200, "").ending, Ending::kWrongContent);
}

TEST(LoadJudge, PlainHttp) {
  EXPECT_EQ(JudgeAnswer(200, "text/plain", "ok", {}, "").ending, Ending::kOk);
  EXPECT_EQ(JudgeAnswer(302, "text/plain", "", {}, "").ending, Ending::kHttpError);
  EXPECT_EQ(JudgeAnswer(404, "text/plain", "", {404}, "").ending, Ending::kOk);
  EXPECT_EQ(JudgeAnswer(200, "text/plain", "", {404}, "").ending, Ending::kHttpError);
  EXPECT_EQ(JudgeAnswer(200, "text/plain", "all good", {}, "good").ending, Ending::kOk);
  EXPECT_EQ(JudgeAnswer(200, "text/plain", "all bad", {}, "good").ending, Ending::kWrongContent);
  EXPECT_EQ(JudgeAnswer(500, "text/plain", "all bad", {}, "good").ending, Ending::kHttpError);
  EXPECT_EQ(JudgeAnswer(200, "text/html", "<html>", {}, "").ending, Ending::kWrongContent);
  EXPECT_EQ(JudgeAnswer(200, "text/html", "<html>good", {}, "good").ending, Ending::kOk);
}

TEST(RbeeEvent, TheQuickWayKnowsTheShapesThatAreSent) {
  for (const char* text :
       {R"({"type":"token","t":"w084 w148","i":7})", R"({"i":7,"t":"w","type":"token"})",
        R"({"type":"data","action":"token","payload":{"type":"token","t":"","i":7}})",
        R"({"action":"token","payload":{"i":7,"t":"\n\"","type":"token"},"type":"data"})"}) {
    const auto quick = ReadQuickToken(text);
    ASSERT_TRUE(quick) << text;
    EXPECT_EQ(quick->index, 7);
    EXPECT_EQ(quick->from_worker, std::string_view(text).find("payload") == std::string::npos);
    EXPECT_EQ(ReadRbeeEvent(text).number, 7);
  }
}

TEST(RbeeEvent, TheQuickWayNeverGuesses) {
  for (const char* text :
       {R"({"type":"token","t":"a","i":-1})", R"({"type":"token","t":"a","i":01})",
        R"({"type":"token","t":"a","i":1.5})", R"({"type":"token","t":"a\u0041","i":1})",
        R"({"type":"token","t":"a","i":1,"i":2})", R"({"type":"token","t":"a"b","i":1})",
        R"({"type":"token","t":"a","i":1} )", R"({"type":"token","t":"a","i":1)",
        R"({"type":"token","t":"a\","i":1})",
        R"({"type":"data","action":"token","payload":{"type":"token","t":"","i":7})",
        "{\"type\":\"token\",\"t\":\"\xff\",\"i\":1}",
        R"({"type":"token","t":"a","i":12345678901})", ""}) {
    EXPECT_FALSE(ReadQuickToken(text)) << text;
  }
}

}  // namespace
}  // namespace chaos::load
