// Any bytes, cut anywhere: never a crash, and the same events as in one piece. The first byte
// chooses the cuts.
#include <cstdlib>

#include "injectors/load/sse.h"

namespace {

std::string Parse(std::string_view text, std::size_t step, bool finish) {
  chaos::load::SseParser parser({.line = 64, .event = 128});
  std::string seen;
  const auto sink = [&](std::string_view name, std::string_view data) {
    if (data.size() > 128 || name.find_first_of("\r\n") != std::string_view::npos) std::abort();
    seen += std::to_string(name.size()) + ":" + std::string(name) + std::to_string(data.size()) +
            ":" + std::string(data);
  };
  for (std::size_t i = 0; i < text.size(); i += step) parser.Feed(text.substr(i, step), sink);
  if (finish) parser.Finish(sink);
  return seen + (parser.failed() ? " failed" : "");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size < 1 || size > 65536) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool finish = (data[0] & 16) != 0;
  if (Parse(text, data[0] % 16 + 1, finish) != Parse(text, text.size() + 1, finish)) std::abort();
  return 0;
}
