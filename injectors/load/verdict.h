// What one sample of a probe came to. A failed sample always says why, in a few words for people.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "operator/base/clock.h"

namespace chaos::load {

struct Verdict {
  bool ok = false;
  std::string message;                          // empty when ok
  std::map<std::string, std::string> measured;  // what was seen, for people
};

Verdict Good();
Verdict Bad(std::string message);

// At most `limit` bytes of text that came from outside, on one line, cut at a character.
std::string Excerpt(std::string_view text, std::size_t limit = 120);

}  // namespace chaos::load
