// Cuts bytes as they arrive into lines. Pure; a line without its end is never given out.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace chaos::kube {

// A line ends with LF or CR LF; the end is not part of it. Empty lines are left out: a server may
// send them to keep a connection alive.
class LineSplitter {
 public:
  explicit LineSplitter(std::size_t max_line) : max_line_(max_line) {}
  // Appends what became complete to `lines`. False when a line is longer than max_line; unusable
  // afterwards.
  bool Add(std::string_view bytes, std::vector<std::string>& lines);
  // True when the last line has begun and not ended.
  bool InsideLine() const { return !partial_.empty(); }

 private:
  std::size_t max_line_;
  std::string partial_;
};

}  // namespace chaos::kube
