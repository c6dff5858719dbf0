#include "operator/kube/api_error.h"

#include <algorithm>

#include "operator/base/clock.h"
#include "operator/base/json.h"

namespace chaos::kube {
namespace {

// What a status asks the caller to do. A 5xx other than 503 may have been executed.
Reason FromCode(int code) {
  switch (code) {
    case 401:
    case 403:
      return Reason::kDenied;
    case 404:
      return Reason::kNotFound;
    case 409:
      return Reason::kConflict;
    case 410:
      return Reason::kGone;
    case 429:
      return Reason::kThrottled;
    case 408:
      return Reason::kUnknownOutcome;
    case 503:
      return Reason::kUnavailable;
  }
  return code >= 500 ? Reason::kUnknownOutcome : Reason::kInvalid;
}

bool HasCause(const Json& status, std::string_view reason) {
  const Json* causes = Find(status, {"details", "causes"});
  if (causes == nullptr || !causes->is_array()) return false;
  return std::any_of(causes->begin(), causes->end(),
                     [&](const Json& cause) { return Text(cause, {"reason"}) == reason; });
}

// `status` is a metav1.Status or anything else; `code` is what HTTP said, 0 where there was no
// HTTP.
Error FromStatus(const Json& status, int code) {
  const std::string name = Text(status, {"reason"});
  if (code == 0) code = static_cast<int>(Integer(status, {"code"}));
  if (code == 0 && (name == "Expired" || name == "Gone")) code = 410;
  Error error;
  error.http_status = code;
  error.reason = FromCode(code);
  error.detail = Text(status, {"message"});
  error.retry_after = seconds(
      std::clamp<std::int64_t>(Integer(status, {"details", "retryAfterSeconds"}), 0, 86'400));
  // Asked for a version that the server has not reached or never will: only a fresh list helps.
  if (HasCause(status, "ResourceVersionTooLarge")) error.reason = Reason::kGone;
  if (error.reason == Reason::kInvalid && RefusedByPolicy(error)) error.reason = Reason::kDenied;
  return error;
}

std::string Start(std::string_view body) {
  std::string text(body.substr(0, 200));
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' '; }, ' ');
  return text;
}

}  // namespace

Error ErrorFromResponse(const Response& response) {
  const Result<Json> body = ParseJson(response.body);
  Error error = FromStatus(body ? *body : Json(), response.status);
  error.retry_after = std::max(error.retry_after, response.retry_after);
  if (error.detail.empty()) {
    error.detail = "the server answered HTTP " + std::to_string(response.status);
    if (!response.body.empty()) error.detail += ": " + Start(response.body);
  }
  return error;
}

Error ErrorFromStatusText(std::string_view status_json) {
  const Result<Json> status = ParseJson(status_json);
  if (!status)
    return {Reason::kUnavailable,
            "the watch ended with text that is no status: " + Start(status_json)};
  Error error = FromStatus(*status, 0);
  // A watch changes nothing, so that nothing can be unknown.
  if (error.reason == Reason::kUnknownOutcome || error.http_status == 0)
    error.reason = Reason::kUnavailable;
  if (error.detail.empty()) error.detail = "the watch ended with: " + Start(status_json);
  return error;
}

bool RefusedByPolicy(const Error& error) {
  return error.detail.find("ValidatingAdmissionPolicy") != std::string::npos &&
         error.detail.find("denied request") != std::string::npos;
}

}  // namespace chaos::kube
