#include "injectors/proxy/pipe.h"

#include <algorithm>

namespace chaos::inject {
namespace {

constexpr std::size_t kTidyAt = 64 << 10;  // bytes that were taken and still lie there

}  // namespace

void Pipe::PutLater(std::string_view bytes, nanoseconds now, nanoseconds due, const Act& act) {
  if (!marks_.empty()) due = std::max(due, marks_.back().due);
  if (due > now || act.what != nullptr) marks_.push_back({taken_ + size(), due, now, act});
  bytes_ += bytes;
}

std::string_view Pipe::Ready(nanoseconds now) {
  while (!marks_.empty() && marks_.front().due <= now) {
    const Mark& mark = marks_.front();
    const nanoseconds held = mark.act.late ? now - mark.since : nanoseconds(0);
    if (mark.act.what != nullptr) passed_.push_back({mark.act, held});
    marks_.pop_front();
  }
  std::string_view ready = std::string_view(bytes_).substr(offset_);
  if (!marks_.empty()) ready = ready.substr(0, marks_.front().from - taken_);
  return ready;
}

void Pipe::Take(std::size_t bytes) {
  offset_ += bytes;
  taken_ += bytes;
  if (offset_ == bytes_.size()) {
    bytes_.clear();
    offset_ = 0;
  } else if (offset_ >= kTidyAt && offset_ >= bytes_.size() / 2) {
    bytes_.erase(0, offset_);
    offset_ = 0;
  }
}

}  // namespace chaos::inject
