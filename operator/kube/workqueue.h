// Which objects are due for a look. A key is in here once, however often it was added, and no two
// workers hold it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "operator/base/clock.h"
#include "operator/kube/object.h"
#include "operator/kube/wake_slot.h"

namespace chaos::kube {

// For metrics; called without the queue's lock.
class QueueObserver {
 public:
  virtual ~QueueObserver() = default;
  virtual void Added() {}
  virtual void Retried() {}
  virtual void Waited(nanoseconds /*from due to taken*/) {}
  virtual void Worked(nanoseconds /*from taken to done*/) {}
};

struct QueueFigures {
  std::size_t depth = 0;    // due and not taken
  std::size_t waiting = 0;  // added for later
  std::size_t processing = 0;
  nanoseconds unfinished{0};  // sum over what is being worked on
  nanoseconds longest_running{0};
};

// Requires: clock and observer outlive it. Thread-safety: all calls from any thread.
class WorkQueue {
 public:
  explicit WorkQueue(const Clock& clock, QueueObserver* observer = nullptr);

  // Called (without the queue's lock) whenever a key may have become takeable sooner than UntilNext
  // said. nullptr: nobody; the one before is then not running any more.
  void OnReady(std::function<void()> wake);

  // The earliest of all times asked for wins. A key that is being worked on becomes takeable after
  // its Done.
  void Add(const Key& key);
  void AddAfter(const Key& key, milliseconds pause);
  // After a failure: 5 ms, doubled each time up to 1000 s, until Forget.
  void AddRateLimited(const Key& key);
  void Forget(const Key& key);

  // The key that is due longest; nullopt when none is. Requires: the taker calls Done.
  std::optional<Key> Take();
  void Done(const Key& key);
  // 0 when Take would give a key; an hour when nothing is waiting.
  milliseconds UntilNext() const;
  QueueFigures Figures() const;

 private:
  void Schedule(const Key& key, nanoseconds due);

  const Clock& clock_;
  QueueObserver* const observer_;
  mutable std::mutex mutex_;
  WakeSlot wake_;
  std::map<Key, nanoseconds> due_;  // everything added, also what is being worked on again
  std::set<std::pair<nanoseconds, Key>> order_;  // due_ without what is being worked on
  std::map<Key, nanoseconds> processing_;        // since when
  std::map<Key, int> failures_;
};

}  // namespace chaos::kube
