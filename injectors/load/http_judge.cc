// Without a list of statuses 200 to 299 are good; a wanted text must be in the body.
#include "injectors/load/http_judge.h"

#include <algorithm>

namespace chaos::load {

Verdict JudgeHttp(const protocol::ProbeArguments& probe, int status, std::string_view body) {
  const auto& list = probe.status_in;
  const bool fine = list.empty() ? status >= 200 && status <= 299
                                 : std::find(list.begin(), list.end(), status) != list.end();
  Verdict verdict = Good();
  if (!fine) {
    const std::string excerpt = Excerpt(body, 80);
    verdict = Bad("HTTP " + std::to_string(status) + (excerpt.empty() ? "" : ": " + excerpt));
  } else if (body.find(probe.body_contains) == std::string_view::npos) {
    verdict = Bad("the body does not contain \"" + Excerpt(probe.body_contains, 60) +
                  "\" but begins with \"" + Excerpt(body, 60) + "\"");
  }
  verdict.measured["status"] = std::to_string(status);
  return verdict;
}

std::string NotAStream(int status, std::string_view content_type) {
  if (status < 200 || status > 299) return "HTTP " + std::to_string(status);
  if (content_type == "text/html")
    return "HTTP " + std::to_string(status) + " with a web page instead of a stream";
  if (content_type != "text/event-stream") {
    return "HTTP " + std::to_string(status) + " with " + Excerpt(content_type, 40) +
           " instead of a stream";
  }
  return "";
}

}  // namespace chaos::load
