// Bytes on their way to one side of a proxied connection, in order: each waits until its moment,
// and none overtakes another. Pure: moments come in as arguments (Clock::SinceBoot; 0 is at once).
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "operator/base/clock.h"

namespace chaos::inject {

// What was done to a request or to an event of its answer.
struct Act {
  std::int64_t request = 0;    // counted from 1, over all that fit
  std::int64_t event = 0;      // counted from 1 in its answer; 0: the request as a whole
  const char* what = nullptr;  // "delayed"
  bool late = false;           // how long it waited belongs to it
};

class Pipe {
 public:
  static constexpr nanoseconds kNever = nanoseconds::max();
  enum class End {
    kOpen,   // more may come
    kFin,    // nothing more in this direction
    kClose,  // the connection ends in both directions
    kReset,  // the same with a RST
  };
  // Bytes that were held back, and are due now.
  struct Passed {
    Act act;
    nanoseconds held{0};
  };

  void Put(std::string_view bytes) { bytes_ += bytes; }
  // Not before `due`; from then on everything behind it waits too. `act` is told once it passes.
  void PutLater(std::string_view bytes, nanoseconds now, nanoseconds due, const Act& act = {});
  // Nothing follows; what is put later is dropped by the caller.
  void Finish(End end) {
    if (end_ < end) end_ = end;
  }
  // What may be sent now.
  std::string_view Ready(nanoseconds now);
  void Take(std::size_t bytes);
  // The end, once everything before it has been taken.
  End EndReached() const { return size() == 0 && marks_.empty() ? end_ : End::kOpen; }
  End end() const { return end_; }
  // When more will be ready than is now; kNever: only by what is put.
  nanoseconds NextDue() const { return marks_.empty() ? kNever : marks_.front().due; }
  std::size_t size() const { return bytes_.size() - offset_; }
  // Nothing is held back any more.
  void ReleaseAll() { marks_.clear(); }
  std::vector<Passed> TakePassed() { return std::exchange(passed_, {}); }

 private:
  struct Mark {
    std::uint64_t from;  // position in all that was ever put
    nanoseconds due, since;
    Act act;
  };

  std::string bytes_;
  std::size_t offset_ = 0;   // of the first that was not taken
  std::uint64_t taken_ = 0;  // ever
  std::deque<Mark> marks_;   // by position, and by due
  std::vector<Passed> passed_;
  End end_ = End::kOpen;
};

}  // namespace chaos::inject
