// A line ends in CR, LF or CRLF. A CR ends its line at once: an event must not wait for a LF that
// never comes.
#include "injectors/load/sse.h"

#include <utility>

namespace chaos::load {
namespace {
constexpr std::string_view kBom = "\xEF\xBB\xBF";
}

bool SseParser::Feed(std::string_view bytes, const Sink& sink) {
  while (!bytes.empty() && !failed_) bytes.remove_prefix(FeedBlock(bytes, sink).used);
  return !failed_;
}

SseParser::Fed SseParser::FeedBlock(std::string_view bytes, const Sink& sink) {
  const std::size_t all = bytes.size();
  if (bom_ < kBom.size() && !SkipBom(bytes)) return {all, false};
  while (!bytes.empty() && !failed_) {
    if (std::exchange(after_cr_, false) && bytes[0] == '\n') {
      bytes.remove_prefix(1);
      continue;
    }
    const std::size_t end = bytes.find_first_of("\r\n");
    const std::string_view part = bytes.substr(0, end);
    if (line_.size() + part.size() > limits_.line) {
      failed_ = true;
      break;
    }
    if (end == std::string_view::npos) {
      line_ += part;
      return {all, false};
    }
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    if (line_.empty()) {
      Line(part, sink);  // the usual case costs no copy
      if (part.empty()) return {all - bytes.size(), true};
    } else {
      line_ += part;
      std::string line;
      line.swap(line_);
      Line(line, sink);
    }
  }
  return {all - bytes.size(), false};
}

// False when `bytes` ended within what may still become a byte order mark.
bool SseParser::SkipBom(std::string_view& bytes) {
  while (bom_ < kBom.size()) {
    if (bytes.empty()) return false;
    if (bytes[0] != kBom[bom_]) {  // none: what looked like one is text
      line_ = kBom.substr(0, bom_);
      bom_ = kBom.size();
      return true;
    }
    bytes.remove_prefix(1);
    ++bom_;
  }
  return true;
}

void SseParser::Line(std::string_view line, const Sink& sink) {
  if (line.empty()) return Dispatch(sink);
  const std::size_t colon = line.find(':');
  if (colon == 0) return;  // a comment
  const std::string_view field = line.substr(0, colon);
  std::string_view value =
      colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "event") {
    name_ = value;
  } else if (field == "data") {
    if (data_.size() + value.size() + 1 > limits_.event) {
      failed_ = true;
      return;
    }
    if (has_data_) data_ += '\n';
    data_ += value;
    has_data_ = true;
  }
}

void SseParser::Dispatch(const Sink& sink) {
  const bool send = std::exchange(has_data_, false);
  std::string name, data;
  name.swap(name_);
  data.swap(data_);
  if (send) sink(name, data);
}

void SseParser::Finish(const Sink& sink) {
  if (failed_) return;
  if (!line_.empty()) {
    std::string line;
    line.swap(line_);
    Line(line, sink);
  }
  Dispatch(sink);
}

}  // namespace chaos::load
