// Text from outside goes into log lines: it is made short and harmless here.
#include "injectors/load/verdict.h"

namespace chaos::load {

Verdict Good() { return {true, "", {}}; }
Verdict Bad(std::string message) { return {false, std::move(message), {}}; }

std::string Excerpt(std::string_view text, std::size_t limit) {
  std::string line;
  for (const char c : text.substr(0, limit)) {
    const auto byte = static_cast<unsigned char>(c);
    line += byte < ' ' || byte == 0x7f ? ' ' : c;
  }
  if (text.size() <= limit) return line;
  while (!line.empty() && (static_cast<unsigned char>(text[line.size()]) & 0xC0) == 0x80)
    line.pop_back();
  return line + "…";
}

}  // namespace chaos::load
