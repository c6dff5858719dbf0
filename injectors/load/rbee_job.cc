// A stream with narration comes from a queen, which says infer_success; without that its [DONE] is
// its idle cut (it ends jobs that are silent for two seconds). A stream without narration comes
// from a worker and is counted.
#include "injectors/load/rbee_job.h"

#include <utility>

#include "operator/base/json.h"

namespace chaos::load {
namespace {

constexpr std::size_t kMaxText = 64 << 10;

std::string Tokens(int n) { return std::to_string(n) + (n == 1 ? " token" : " tokens"); }

}  // namespace

std::string RbeeJobRequest(const std::string& model, const std::string& prompt, int max_tokens) {
  return PrintJson({{"operation", "infer"},
                    {"hive_id", "localhost"},
                    {"model", model},
                    {"prompt", prompt},
                    {"max_tokens", max_tokens},
                    {"temperature", 0.0},
                    {"stream", true}});
}

Result<std::string> RbeeStreamOf(int status, std::string_view content_type, std::string_view body) {
  const auto with = [&](std::string why) {
    return Invalid(why + (body.empty() ? "" : ": " + Excerpt(body, 80)));
  };
  if (status < 200 || status > 299) return with("HTTP " + std::to_string(status));
  if (content_type == "text/html")
    return with("HTTP " + std::to_string(status) + " with a web page instead of a job");
  const Result<Json> json = ParseJson(body);
  if (!json) return with("the answer to POST /v1/jobs is not JSON");
  const std::string url = Text(*json, {"sse_url"});
  if (url.empty()) return with("the answer to POST /v1/jobs has no sse_url");
  return url;
}

void RbeeJob::OnEvent(std::string_view data) {
  if (over_) return;
  started_ = true;
  RbeeEvent event = ReadRbeeEvent(data);
  narrated_ |= event.from_queen;
  over_ = event.over;
  switch (event.kind) {
    case RbeeEvent::Kind::kOther:
    case RbeeEvent::Kind::kStarted:
      return;
    case RbeeEvent::Kind::kToken:
      return OnToken(event);
    case RbeeEvent::Kind::kFailed:
      return Fail(std::move(event.text));
    case RbeeEvent::Kind::kSuccess:
      succeeded_ = true;
      return;
    case RbeeEvent::Kind::kEnd:
      succeeded_ = true;
      if (event.number.value_or(tokens_) != tokens_)
        Fail("the end says " + std::to_string(*event.number) + " tokens, but " + Tokens(tokens_) +
             " came");
      return;
  }
}

void RbeeJob::OnToken(const RbeeEvent& token) {
  if (token.number) {
    const std::int64_t i = *token.number;
    if (i < tokens_) Fail("token " + std::to_string(i) + " came twice");
    if (i > tokens_)
      Fail("token " + std::to_string(tokens_) + " is missing: token " + std::to_string(i) +
           " came");
  }
  ++tokens_;
  if (text_.size() + token.text.size() <= kMaxText) text_ += token.text;
}

void RbeeJob::Fail(std::string why) {
  if (failure_.empty()) failure_ = std::move(why);
}

Verdict RbeeJob::Judge(std::string_view cut) const {
  Verdict verdict = Good();
  if (!failure_.empty())
    verdict = Bad("failed: " + failure_);
  else if (!over_) {
    verdict = Bad("stream cut after " + Tokens(tokens_) +
                  (cut.empty() ? ", without [DONE]" : ": " + std::string(cut)));
  } else if (narrated_ && !succeeded_) {
    verdict = Bad("idle cut: [DONE] after " + Tokens(tokens_) +
                  ", but neither success nor failure was said");
  } else {
    verdict = JudgeText();
  }
  verdict.measured["tokens"] = std::to_string(tokens_);
  return verdict;
}

// The real queen keeps the tokens to itself: with its word of success none is enough, unless the
// text matters.
Verdict RbeeJob::JudgeText() const {
  const bool hidden = succeeded_ && tokens_ == 0 && min_tokens_ <= 1;
  if (tokens_ < min_tokens_ && !hidden)
    return Bad(Tokens(tokens_) + ", wanted at least " + std::to_string(min_tokens_));
  if (!wanted_ || wanted_->Matches(text_)) return Good();
  if (tokens_ == 0) return Bad("no text to compare: the server sent no tokens");
  return Bad("the text does not match: \"" + Excerpt(text_, 60) + "\"");
}

std::string RbeeJob::Waiting() const {
  if (!started_) return "waiting for the first event";
  return "waiting for " +
         (tokens_ == 0 ? std::string("the first token") : "token " + std::to_string(tokens_));
}

}  // namespace chaos::load
