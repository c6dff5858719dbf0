#include "injectors/load/http_request.h"

#include <algorithm>

namespace chaos::load {
namespace {

// RFC 9110, 5.6.2.
bool IsToken(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

}  // namespace

void RequestParser::FirstLine(std::string_view line) {
  if (line.empty()) return;  // clients exist that end a body with one line too many
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || last == first)
    return Fail("not an HTTP/1.1 request: no version");
  const std::string_view version = line.substr(last + 1);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  if (!IsToken(line.substr(0, first)) || target.empty() ||
      (version != "HTTP/1.1" && version != "HTTP/1.0"))
    return Fail("not an HTTP/1.1 request");
  method_ = line.substr(0, first);
  path_ = target.substr(0, target.find('?'));
  BeginHeaders(/*keep_alive=*/version == "HTTP/1.1");
}

void RequestParser::OtherHeader(std::string_view name, std::string_view value) {
  if (name == "user-agent") user_agent_ = value;
  if (name == "expect") expects_continue_ = LowerCase(value) == "100-continue";
}

}  // namespace chaos::load
