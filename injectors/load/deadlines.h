// One deadline per VU that may move with every byte that is read, at the price of a store: an entry
// in the queue is looked at again when its time has come, not when the deadline moves. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <queue>
#include <utility>
#include <vector>

#include "operator/base/clock.h"

namespace chaos::load {

class Deadlines {
 public:
  static constexpr nanoseconds kNone{std::numeric_limits<std::int64_t>::max()};
  explicit Deadlines(int size)
      : due_(static_cast<std::size_t>(size), kNone), queued_(due_.size(), kNone) {}

  void Set(int index, nanoseconds at);  // kNone takes it away
  // Who is over its time; nullopt: nobody. Each deadline is said once.
  std::optional<int> Next(nanoseconds now);
  // When to look again: no later than the earliest deadline, possibly earlier.
  std::optional<nanoseconds> Wake() const;

 private:
  using Entry = std::pair<nanoseconds, int>;
  std::vector<nanoseconds> due_, queued_;  // queued_: the one entry that counts
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue_;
};

}  // namespace chaos::load
