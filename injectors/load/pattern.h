// A regular expression on the text of an answer, with limits: it is written by users and run on
// what servers send.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "operator/base/result.h"

namespace chaos::load {

class Pattern {
 public:
  // ECMAScript syntax without back-references, at most 256 bytes. Error: a sentence with what is
  // wrong.
  static Result<Pattern> Compile(const std::string& text);
  // Looks at the first 4 KiB of `text` (std::regex recurses once per character). False when
  // matching gave up.
  bool Matches(std::string_view text) const;

 private:
  struct Compiled;
  explicit Pattern(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace chaos::load
