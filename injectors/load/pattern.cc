// The only file that includes <regex>, which throws and is slow to compile. libstdc++'s usual
// matcher recurses once per character and can take exponential time; its polynomial one does
// neither, and knows no back-references.
#define _GLIBCXX_REGEX_STATE_LIMIT \
  2000  // of the automaton: (a{999}){999} is refused instead of built
#include "injectors/load/pattern.h"

#include <regex>

namespace chaos::load {
namespace {
constexpr std::size_t kMaxPattern = 256;
constexpr std::size_t kMaxText = 1024;
constexpr auto kSyntax = std::regex::ECMAScript | std::regex_constants::__polynomial;
}  // namespace

struct Pattern::Compiled {
  std::regex regex;
};

Result<Pattern> Pattern::Compile(const std::string& text) {
  if (text.size() > kMaxPattern) return Invalid("the pattern is longer than 256 bytes");
  try {
    return Pattern(std::make_shared<const Compiled>(Compiled{std::regex(text, kSyntax)}));
  } catch (const std::regex_error& error) {
    return Invalid("the pattern \"" + text + "\" cannot be read: " + error.what());
  }
}

bool Pattern::Matches(std::string_view text) const {
  text = text.substr(0, kMaxText);
  try {
    return std::regex_search(text.begin(), text.end(), compiled_->regex);
  } catch (const std::regex_error&) {  // too complex for this text
    return false;
  }
}

}  // namespace chaos::load
