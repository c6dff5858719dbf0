// Any bytes, cut anywhere: the lines of a stream are the same as in one piece, and never over their
// limit. The first byte chooses the cuts.
#include <cstdlib>
#include <string_view>

#include "operator/kube/line_splitter.h"

namespace {

constexpr std::size_t kMaxLine = 64;

bool Split(std::string_view text, std::size_t step, std::vector<std::string>& lines) {
  chaos::kube::LineSplitter splitter(kMaxLine);
  for (std::size_t i = 0; i < text.size(); i += step) {
    if (!splitter.Add(text.substr(i, step), lines)) return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::vector<std::string> whole, cut;
  const bool whole_good = Split(text, text.size() + 1, whole);
  const bool cut_good = Split(text, data[0] % 16 + 1, cut);
  if (whole_good != cut_good || whole != cut) std::abort();
  for (const std::string& line : whole) {
    if (line.empty() || line.size() > kMaxLine || line.find('\n') != std::string::npos)
      std::abort();
  }
  return 0;
}
