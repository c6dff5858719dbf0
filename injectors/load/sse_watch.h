// What an sse probe knows at any moment: how old the newest matching event is, and what it said.
// Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "injectors/load/verdict.h"
#include "injectors/protocol/arguments.h"
#include "operator/base/clock.h"

namespace chaos::load {

class SseWatch {
 public:
  explicit SseWatch(const protocol::ProbeArguments& probe) : probe_(probe) {}

  // `now` is any clock that never jumps, the same in all calls.
  void OnOpen();
  void OnEvent(std::string_view data, nanoseconds now);
  void OnLost(std::string why);  // "connect timeout", "HTTP 503", "stream ended"
  // True once a matching event has come: before that there is nothing to judge, only something to
  // wait for.
  bool open() const { return open_; }
  bool HasEvent() const { return newest_.has_value(); }
  Verdict Judge(nanoseconds now) const;

 private:
  struct Seen {
    nanoseconds at;
    std::string problem;  // empty when its value is within the bounds
    std::string value;
  };
  protocol::ProbeArguments probe_;
  std::optional<Seen> newest_;
  bool open_ = false;
  std::string lost_ = "not connected yet";
};

}  // namespace chaos::load
