// Upstream clears its cache of tokens while it still decodes from the index before: that is where
// the repetition and the event too many come from.
#include "tests/rbee-sim/tokens.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <string_view>

namespace rbee_sim {
namespace {

std::uint64_t Hash(std::string_view text) {
  std::uint64_t h = 14695981039346656037ull;  // FNV-1a
  for (const unsigned char c : text) h = (h ^ c) * 1099511628211ull;
  return h;
}

std::string Trimmed(std::string text) {
  if (text.starts_with(' ')) text.erase(0, 1);
  return text;
}

}  // namespace

std::string Token(const std::string& prompt, int i) {
  int a = 0, b = 0;
  char end = 0;
  if (i == 0 && std::sscanf(prompt.c_str(), "%9d+%9d%c", &a, &b, &end) == 3 && end == '=')
    return std::to_string(a + b);
  std::array<char, 16> text{};
  const auto word = static_cast<unsigned>(Hash(prompt + "/" + std::to_string(i)) % 256);
  std::snprintf(text.data(), text.size(), i == 0 ? "w%03u" : " w%03u", word);
  return text.data();
}

std::string RepeatedToken(const std::string& prompt, int i, int count) {
  if (i == 0) return Token(prompt, 0);
  const std::string before = Trimmed(Token(prompt, i - 1));
  return i < count ? before + Token(prompt, i) : before;
}

}  // namespace rbee_sim
