#include "injectors/load/load_judge.h"

#include <algorithm>

#include "injectors/load/http_judge.h"
#include "injectors/load/rbee_event.h"
#include "injectors/load/rbee_job.h"
#include "injectors/load/verdict.h"

namespace chaos::load {
namespace {

using protocol::Ending;

std::string Tokens(std::int64_t n) { return std::to_string(n) + (n == 1 ? " token" : " tokens"); }

}  // namespace

bool RbeeStream::OnEvent(std::string_view data) {
  if (over) return false;
  if (const auto token = ReadQuickToken(data)) {
    worker |= token->from_worker;
    OnToken(token->index);
    return true;
  }
  return Slow(data);
}

bool RbeeStream::Slow(std::string_view data) {
  RbeeEvent event = ReadRbeeEvent(data);
  worker |= event.from_worker;
  over = event.over;
  switch (event.kind) {
    case RbeeEvent::Kind::kOther:
      return false;
    case RbeeEvent::Kind::kStarted:
      return false;
    case RbeeEvent::Kind::kToken:
      OnToken(event.number);
      return true;
    case RbeeEvent::Kind::kFailed:
      if (failure.empty()) failure = std::move(event.text);
      return false;
    case RbeeEvent::Kind::kSuccess:
      succeeded = true;
      return false;
    case RbeeEvent::Kind::kEnd:
      succeeded = ended = true;
      if (event.number && !disorder) {
        if (*event.number > tokens) disorder = Ending::kTokenGap;
        if (*event.number < tokens - 1) disorder = Ending::kTokenRepeated;
      }
      return false;
  }
  return false;
}

void RbeeStream::OnToken(std::optional<std::int64_t> index) {
  if (index && !disorder) {
    if (*index < tokens) disorder = Ending::kTokenRepeated;
    if (*index > tokens) disorder = Ending::kTokenGap;
  }
  ++tokens;
}

Judgement JudgeStream(const RbeeStream& stream, int max_tokens, bool expect_tokens,
                      const std::optional<Break>& stopped) {
  const std::string after = " after " + Tokens(stream.tokens);
  if (!stream.failure.empty()) return {Ending::kErrorEvent, stream.failure};
  if (stream.disorder)
    return {*stream.disorder, *stream.disorder == Ending::kTokenGap ? "a token was left out" + after
                                                                    : "a token came twice" + after};
  if (stopped) return {stopped->ending, stopped->message + after};
  if (!stream.over && !stream.ended)
    return {Ending::kTruncated, "the stream ended without [DONE]" + after};
  const bool all = stream.tokens >= max_tokens;
  if (stream.succeeded && (all || !expect_tokens)) return {};
  if (all) return {};
  if (stream.worker || stream.succeeded)
    return {Ending::kEndedShort,
            "the stream ended" + after + ", asked for " + std::to_string(max_tokens)};
  return {Ending::kFalseDone, "[DONE]" + after + ", but neither success nor failure was said"};
}

Judgement JudgeNoStream(int status, std::string_view content_type) {
  const bool good = status >= 200 && status <= 299;
  return {good ? Ending::kWrongContent : Ending::kHttpError,
          "stream: " + NotAStream(status, content_type)};
}

Judgement JudgeCreated(int status, std::string_view content_type, std::string_view body,
                       std::string& sse_url) {
  Result<std::string> url = RbeeStreamOf(status, content_type, body);
  if (url) {
    sse_url = *std::move(url);
    return {};
  }
  const bool good = status >= 200 && status <= 299;
  const Ending ending = !good                         ? Ending::kHttpError
                        : content_type == "text/html" ? Ending::kWrongContent
                                                      : Ending::kProtocolError;
  return {ending, url.error().detail};
}

bool Accepted(int status, const std::vector<int>& status_in) {
  if (status_in.empty()) return status >= 200 && status <= 299;
  return std::find(status_in.begin(), status_in.end(), status) != status_in.end();
}

Judgement JudgeAnswer(int status, std::string_view content_type, std::string_view body,
                      const std::vector<int>& status_in, std::string_view body_contains) {
  if (!Accepted(status, status_in)) {
    const std::string excerpt = Excerpt(body, 80);
    return {Ending::kHttpError,
            "HTTP " + std::to_string(status) + (excerpt.empty() ? "" : ": " + excerpt)};
  }
  if (body_contains.empty() && content_type == "text/html")
    return {Ending::kWrongContent,
            "a web page (HTML) came; if it is meant, say what stands in it: request.bodyContains"};
  if (body.find(body_contains) != std::string_view::npos) return {};
  return {Ending::kWrongContent, "the body does not contain \"" + Excerpt(body_contains, 60) +
                                     "\" but begins with \"" + Excerpt(body, 60) + "\""};
}

}  // namespace chaos::load
