#include "operator/kube/line_splitter.h"

namespace chaos::kube {

bool LineSplitter::Add(std::string_view bytes, std::vector<std::string>& lines) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    if (partial_.size() + part.size() > max_line_) return false;
    partial_.append(part);
    if (end == std::string_view::npos) return true;
    if (partial_.ends_with('\r')) partial_.pop_back();
    if (!partial_.empty()) lines.push_back(std::move(partial_));
    partial_.clear();
    bytes.remove_prefix(end + 1);
  }
  return true;
}

}  // namespace chaos::kube
