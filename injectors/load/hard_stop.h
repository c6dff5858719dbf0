// The end of executors that have one for all: who is still busy then is interrupted, the highest
// number first. Pure.
#pragma once

#include <algorithm>
#include <limits>
#include <optional>
#include <vector>

#include "injectors/protocol/stages.h"

namespace chaos::load {

class HardStop {
 public:
  explicit HardStop(const protocol::Executor& executor)
      : length_(protocol::Length(executor)),
        grace_(executor.graceful_stop),
        at_(length_ + grace_) {}

  nanoseconds length() const { return length_; }
  nanoseconds at() const { return at_; }
  void Stop(nanoseconds now) { at_ = std::min(now, length_) + grace_; }
  // The next of `busy` to interrupt; each is said once. Requires: none begins any more.
  std::optional<int> Next(nanoseconds now, const std::vector<bool>& busy) {
    if (now < at_) return std::nullopt;
    left_ = std::min(left_, busy.size());
    while (left_ > 0) {
      if (busy[--left_]) return static_cast<int>(left_);
    }
    return std::nullopt;
  }
  bool Said() const { return left_ == 0; }

 private:
  nanoseconds length_, grace_, at_;
  std::size_t left_ = std::numeric_limits<std::size_t>::max();
};

}  // namespace chaos::load
