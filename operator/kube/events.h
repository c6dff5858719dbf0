// events.k8s.io/v1: what happened, for people (kubectl describe). Never a source of truth, never in
// the way of a reconcile: notes are queued, written by an own step, and given up after a failure,
// which is counted.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "operator/kube/client.h"
#include "operator/kube/wake_slot.h"

namespace chaos::kube {

enum class EventKind { kNormal, kWarning };

struct Note {
  const ResourceType* type = nullptr;  // of `regarding`; static storage
  ObjectMeta regarding;                // key, uid and resource version are used
  EventKind kind = EventKind::kNormal;
  std::string reason;  // CamelCase, bounded number of values
  std::string action;  // what was done, CamelCase
  std::string note;    // a sentence; cut at 1024 bytes
  std::string run;     // one event per run; "" where there are no runs
};

// The same (uid, reason, action, note, run) has the same name: written twice, it is there once.
std::string EventName(const Note& note);
Json EventBody(const Note& note, TimePoint at, std::string_view controller,
               std::string_view instance);

struct EventFigures {
  std::int64_t written = 0;
  std::int64_t repeated = 0;  // within 6 minutes of the last: not written
  std::int64_t failed = 0;
  std::int64_t dropped = 0;  // the queue was full
};

// Requires: client and clock outlive it. Thread-safety: all calls from any thread, Step from one at
// a time.
class EventRecorder {
 public:
  // `controller` is a qualified name such as "chaos.rbee.dev/operator"; `instance` the pod's name.
  EventRecorder(Client& client, const Clock& clock, std::string controller, std::string instance);

  // Called when there is something for Step to do. nullptr: nobody; the one before is not running
  // any more.
  void OnWork(std::function<void()> wake);
  void Record(Note note);
  // Writes at most one event. Returns the longest pause until the next call.
  milliseconds Step();
  EventFigures Figures() const;

 private:
  struct Seen {
    nanoseconds last{0};  // of the last write, since boot
    int count = 1;
  };
  bool Send(const Note& note, TimePoint at, int count);
  void ForgetOld(nanoseconds now);

  Client& client_;
  const Clock& clock_;
  const std::string controller_;
  const std::string instance_;
  mutable std::mutex mutex_;
  WakeSlot wake_;
  std::deque<std::pair<Note, TimePoint>> queue_;
  std::map<std::string, Seen> seen_;  // by name
  EventFigures figures_;
};

}  // namespace chaos::kube
