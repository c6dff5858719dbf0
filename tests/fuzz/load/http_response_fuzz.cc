// Any bytes, cut anywhere: never a crash, and the same outcome as in one piece. The first byte
// chooses the cuts.
#include <cstdlib>

#include "injectors/load/http_response.h"

namespace {

struct Outcome {
  std::string body, type, error;
  int status = 0;
  bool done = false, keep_alive = false;
  bool operator==(const Outcome&) const = default;
};

Outcome Parse(std::string_view text, std::size_t step) {
  chaos::load::ResponseParser parser({.head = 256, .chunk_line = 32});
  Outcome outcome;
  for (std::size_t i = 0; i < text.size(); i += step) {
    const std::string_view piece = text.substr(i, step);
    if (parser.Feed(piece, outcome.body) > piece.size()) std::abort();
  }
  parser.Finish();
  if (parser.done() == parser.failed()) std::abort();  // at the end it is exactly one of them
  if (parser.failed() == parser.error().empty()) std::abort();
  outcome.type = parser.content_type();
  outcome.error = parser.error();
  outcome.status = parser.status();
  outcome.done = parser.done();
  outcome.keep_alive = parser.keep_alive();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size < 1 || size > 65536) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (!(Parse(text, data[0] % 16 + 1) == Parse(text, text.size() + 1))) std::abort();
  return 0;
}
