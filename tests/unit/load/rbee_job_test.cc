// One inference judged by what its stream said. The streams are those measured on the real
// services, shortened.
#include "injectors/load/rbee_job.h"

#include <gtest/gtest.h>

#include "operator/base/json.h"

namespace chaos::load {
namespace {

using Events = std::vector<std::string>;

Verdict Judge(const Events& events, std::string_view cut = "", int min_tokens = 1,
              const std::string& pattern = "") {
  std::optional<Pattern> wanted;
  if (!pattern.empty()) wanted = *Pattern::Compile(pattern);
  RbeeJob job(min_tokens, wanted);
  for (const std::string& event : events) job.OnEvent(event);
  return job.Judge(cut);
}

std::string Narration(const std::string& actor, const std::string& action,
                      const std::string& human = "…") {
  return R"({"type":"narration","actor":")" + actor + R"(","action":")" + action +
         R"(","human":")" + human + R"(","job_id":"job-1"})";
}
std::string Token(int i, const std::string& text = "x") {
  return R"({"type":"token","t":")" + text + R"(","i":)" + std::to_string(i) + "}";
}
std::string QueenToken(int i, const std::string& text = "x") {
  return R"({"type":"data","action":"token","payload":)" + Token(i, text) + "}";
}
const std::string kQueenStart = Narration("queen_rbee", "infer_start");
const std::string kSuccess = Narration("queen_rbee", "infer_success");
const std::string kStarted =
    R"({"type":"started","job_id":"job-1","model":"model","started_at":"1"})";

TEST(RbeeJob, SucceedsByWhatQueenOrWorkerSay) {
  EXPECT_TRUE(Judge({kQueenStart, QueenToken(0), QueenToken(1), kSuccess, "[DONE]"}).ok);
  EXPECT_TRUE(Judge({kQueenStart, kSuccess, "[DONE]"}).ok)
      << "the real queen keeps the tokens to itself";
  EXPECT_TRUE(Judge({kStarted, Token(0), Token(1), "[DONE]"}).ok);
  EXPECT_TRUE(
      Judge({kStarted, Token(0), R"({"type":"end","tokens_out":1,"stop_reason":"EOS"})", "[DONE]"})
          .ok);
  EXPECT_TRUE(Judge({kQueenStart, kSuccess, R"({"type":"done"})"}).ok);
  EXPECT_EQ(Judge({kStarted, Token(0), Token(1), "[DONE]"}).measured.at("tokens"), "2");
}

TEST(RbeeJob, DoneAloneProvesNothing) {
  struct Row {
    Events events;
    std::string cut, why;
  };
  const std::string no_worker =
      Narration("job_server", "failed", "Job job-1 failed: No available worker found");
  for (const Row& row : {
           Row{{kQueenStart, no_worker, "[DONE]"}, "", "failed: No available worker found"},
           Row{{kQueenStart, Narration("queen_rbee_scheduler", "infer_streaming"), "[DONE]"},
               "",
               "idle cut: [DONE] after 0 tokens, but neither success nor failure was said"},
           Row{{kQueenStart, QueenToken(0), QueenToken(1), QueenToken(2), "[DONE]"},
               "",
               "idle cut: [DONE] after 3 tokens"},
           Row{{kStarted, "[DONE]"}, "", "0 tokens, wanted at least 1"},
           Row{{"[DONE]"}, "", "0 tokens, wanted at least 1"},
           Row{{kStarted, Token(0)},
               "cut off in the body",
               "stream cut after 1 token: cut off in the body"},
           Row{{}, "", "stream cut after 0 tokens, without [DONE]"},
           Row{{kStarted, Token(0), Token(2), "[DONE]"}, "", "token 1 is missing: token 2 came"},
           Row{{kStarted, Token(0), Token(0), "[DONE]"}, "", "token 0 came twice"},
           Row{{kStarted, Token(1), "[DONE]"}, "", "token 0 is missing: token 1 came"},
           Row{{kStarted, Token(0), R"({"type":"end","tokens_out":3})", "[DONE]"},
               "",
               "the end says 3 tokens, but 1 token"},
           Row{{kStarted, R"({"type":"error","code":"VRAM_OOM","message":"out of memory"})",
                "[DONE]"},
               "",
               "failed: VRAM_OOM out of memory"},
           Row{{"ERROR: Job channel not found. This may be a race"},
               "",
               "failed: ERROR: Job channel not found"},
           Row{{"[ERROR] no such model"}, "", "failed: [ERROR] no such model"},
           Row{{"[CANCELLED]"}, "", "failed: cancelled by the server"},
       }) {
    const Verdict verdict = Judge(row.events, row.cut);
    EXPECT_FALSE(verdict.ok) << row.why;
    EXPECT_NE(verdict.message.find(row.why), std::string::npos) << verdict.message;
  }
}

TEST(RbeeJob, AFailureCountsEvenWhenSuccessIsSaidToo) {
  EXPECT_FALSE(
      Judge({kQueenStart, QueenToken(0), Narration("job_server", "failed"), kSuccess, "[DONE]"})
          .ok);
}

TEST(RbeeJob, WhatComesAfterTheEndIsNotHeard) {
  EXPECT_TRUE(Judge({kStarted, Token(0), "[DONE]", Token(7), "[ERROR] late"}).ok);
}

TEST(RbeeJob, TheNumberOfTokensCanBeDemanded) {
  EXPECT_TRUE(Judge({kStarted, Token(0), Token(1), "[DONE]"}, "", 2).ok);
  EXPECT_EQ(Judge({kStarted, Token(0), "[DONE]"}, "", 2).message, "1 token, wanted at least 2");
  EXPECT_EQ(Judge({kQueenStart, kSuccess, "[DONE]"}, "", 2).message, "0 tokens, wanted at least 2");
}

TEST(RbeeJob, TheTextCanBeDemanded) {
  EXPECT_TRUE(Judge({kStarted, Token(0, "4"), Token(1, " it is"), "[DONE]"}, "", 1, "^4 it").ok);
  EXPECT_EQ(Judge({kStarted, Token(0, "5"), "[DONE]"}, "", 1, "^4").message,
            "the text does not match: \"5\"");
  EXPECT_EQ(Judge({kQueenStart, kSuccess, "[DONE]"}, "", 1, "^4").message,
            "no text to compare: the server sent no tokens");
}

TEST(RbeeJob, OddEventsDoNoHarm) {
  EXPECT_TRUE(Judge({"plain narration", "[1,2]", "{}", R"({"type":5})", R"({"type":"token"})",
                     R"({"type":"data"})", R"({"type":"token","t":7,"i":"x"})", "[DONE]"})
                  .ok);
}

TEST(RbeeJob, SaysWhatItWaitsFor) {
  RbeeJob job(1, {});
  EXPECT_EQ(job.Waiting(), "waiting for the first event");
  job.OnEvent(kStarted);
  EXPECT_EQ(job.Waiting(), "waiting for the first token");
  job.OnEvent(Token(0));
  EXPECT_EQ(job.Waiting(), "waiting for token 1");
}

TEST(RbeeJob, TheAnswerToThePostIsCheckedBeforeItIsFollowed) {
  EXPECT_EQ(
      *RbeeStreamOf(200, "application/json", R"({"job_id":"j","sse_url":"/v1/jobs/j/stream"})"),
      "/v1/jobs/j/stream");
  const auto why = [](int status, std::string_view type, std::string_view body) {
    const Result<std::string> stream = RbeeStreamOf(status, type, body);
    return stream ? "accepted" : stream.error().detail;
  };
  EXPECT_EQ(why(200, "text/html", "<!doctype html>"),
            "HTTP 200 with a web page instead of a job: <!doctype html>");
  EXPECT_EQ(why(503, "text/plain", "No idle workers\r\navailable"),
            "HTTP 503: No idle workers  available");
  EXPECT_EQ(why(200, "application/json", "{}"), "the answer to POST /v1/jobs has no sse_url: {}");
  EXPECT_EQ(why(200, "text/plain", "hm"), "the answer to POST /v1/jobs is not JSON: hm");
}

TEST(RbeeJob, TheRequestIsTheOneThatTheRealServicesTake) {
  const std::string prompt = "2+2=\n\"";
  const Json body = *ParseJson(RbeeJobRequest("m", prompt, 3));
  EXPECT_EQ(Text(body, {"operation"}), "infer");
  EXPECT_EQ(Text(body, {"prompt"}), prompt);
  EXPECT_EQ(Integer(body, {"max_tokens"}), 3);
  for (const char* field : {"hive_id", "model", "temperature"})
    EXPECT_TRUE(body.contains(field)) << field;
}

TEST(Pattern, HasLimitsAndSaysWhatIsWrong) {
  EXPECT_TRUE(Pattern::Compile("^a+$")->Matches("aaa"));
  EXPECT_FALSE(Pattern::Compile("^a+$")->Matches("aab"));
  EXPECT_NE(Pattern::Compile("(").error().detail.find("cannot be read"), std::string::npos);
  EXPECT_FALSE(Pattern::Compile(std::string(257, 'a')));
  EXPECT_TRUE(Pattern::Compile("^x*")->Matches(std::string(1 << 20, 'x')));
  // These would take for ever, or a deep stack, in a matcher that tries one way after the other.
  EXPECT_FALSE(Pattern::Compile("^(a+)+$")->Matches(std::string(1000, 'a') + "b"));
  EXPECT_FALSE(Pattern::Compile("(x+x+)+y")->Matches(std::string(1000, 'x')));
  EXPECT_FALSE(Pattern::Compile("(a{999}){999}"));
  EXPECT_FALSE(Pattern::Compile("(a)\\1")) << "a back-reference cannot be matched in bounded time";
}

}  // namespace
}  // namespace chaos::load
