// A stream with narration comes from a queen, which says infer_success; without that its [DONE] is
// its idle cut (it ends jobs that are silent for two seconds). A stream without narration comes
// from a worker and is counted.
#include "injectors/load/rbee_job.h"

namespace chaos::load {
namespace {

constexpr std::size_t kMaxText = 64 << 10;

std::string Tokens(int n) { return std::to_string(n) + (n == 1 ? " token" : " tokens"); }

}  // namespace

std::string RbeeJobRequest(const protocol::ProbeArguments& probe) {
  return PrintJson({{"operation", "infer"},
                    {"hive_id", "localhost"},
                    {"model", probe.model},
                    {"prompt", probe.prompt},
                    {"max_tokens", probe.max_tokens},
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
  if (data == "[DONE]") {
    over_ = true;
  } else if (data.starts_with("[ERROR]") || data.starts_with("ERROR:")) {
    Fail(Excerpt(data));
    over_ = true;
  } else if (data.starts_with("[CANCELLED]")) {
    Fail("cancelled by the server");
    over_ = true;
  } else if (const Json event = Json::parse(data, nullptr, /*allow_exceptions=*/false);
             event.is_object()) {
    OnJson(event);
  }  // anything else is narration as plain text
}

void RbeeJob::OnJson(const Json& event) {
  const std::string type = Text(event, {"type"});
  if (type == "token") return OnToken(event);
  if (type == "data") {
    const Json* payload = Find(event, {"payload"});
    if (payload != nullptr && payload->is_object() && payload->contains("t")) OnToken(*payload);
  } else if (type == "error") {
    Fail(Text(event, {"code"}) + " " + Excerpt(Text(event, {"message"})));
  } else if (type == "end") {
    succeeded_ = true;
    const std::int64_t said = Integer(event, {"tokens_out"}, tokens_);
    if (said != tokens_)
      Fail("the end says " + std::to_string(said) + " tokens, but " + Tokens(tokens_) + " came");
  } else if (type == "done") {
    over_ = true;
  } else if (type == "narration" || type.empty()) {
    OnNarration(event);
  }
}

void RbeeJob::OnNarration(const Json& event) {
  const std::string action = Text(event, {"action"});
  if (Text(event, {"actor"}).starts_with("queen")) narrated_ = true;
  if (action == "infer_success") succeeded_ = true;
  if (action != "failed") return;
  std::string human = Text(event, {"human"}, "the server said failed");
  const std::string prefix = "Job " + Text(event, {"job_id"}) + " failed: ";
  if (human.starts_with(prefix)) human.erase(0, prefix.size());
  Fail(Excerpt(human));
}

void RbeeJob::OnToken(const Json& token) {
  const Json* index = Find(token, {"i"});
  if (index != nullptr && index->is_number_integer()) {
    const auto i = index->get<std::int64_t>();
    if (i < tokens_) Fail("token " + std::to_string(i) + " came twice");
    if (i > tokens_)
      Fail("token " + std::to_string(tokens_) + " is missing: token " + std::to_string(i) +
           " came");
  }
  ++tokens_;
  const std::string text = Text(token, {"t"});
  if (text_.size() + text.size() <= kMaxText) text_ += text;
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
