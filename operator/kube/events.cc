#include "operator/kube/events.h"

#include <algorithm>

#include "operator/base/sha256.h"
#include "operator/base/time_text.h"

namespace chaos::kube {
namespace {

constexpr std::chrono::minutes kRepeatWithin{6};
constexpr std::size_t kMaxQueued = 256;
constexpr std::size_t kMaxSeen = 4096;
constexpr std::size_t kMaxNote = 1024;
constexpr std::size_t kMaxWord = 128;  // reason, action, instance
constexpr seconds kAfterFailure{1};
constexpr milliseconds kNothingToDo{std::chrono::hours(1)};

// At most `limit` bytes, never ending inside a UTF-8 sequence.
std::string Cut(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return std::string(text);
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) --limit;
  return std::string(text.substr(0, limit));
}

std::string Namespace(const Note& note) {
  return note.regarding.key.ns.empty()
             ? "default"
             : note.regarding.key.ns;  // where the API wants cluster-wide ones
}

std::string ApiVersion(const ResourceType& type) {
  return (type.group.empty() ? "" : std::string(type.group) + "/") + std::string(type.version);
}

}  // namespace

std::string EventName(const Note& note) {
  std::string all;
  for (const std::string& part :
       {note.regarding.uid, note.reason, note.action, note.note, note.run}) {
    all += std::to_string(part.size()) + ":" + part;
  }
  return Cut(note.regarding.key.name, 200) + "." + Sha256Hex(all).substr(0, 16);
}

Json EventBody(const Note& note, TimePoint at, std::string_view controller,
               std::string_view instance) {
  CHECK(note.type != nullptr);
  Json regarding{{"apiVersion", ApiVersion(*note.type)},
                 {"kind", note.type->kind},
                 {"name", note.regarding.key.name}};
  if (!note.regarding.key.ns.empty()) regarding["namespace"] = note.regarding.key.ns;
  if (!note.regarding.uid.empty()) regarding["uid"] = note.regarding.uid;
  if (!note.regarding.resource_version.empty())
    regarding["resourceVersion"] = note.regarding.resource_version;
  return {{"apiVersion", "events.k8s.io/v1"},
          {"kind", "Event"},
          {"metadata", {{"name", EventName(note)}, {"namespace", Namespace(note)}}},
          {"regarding", std::move(regarding)},
          {"type", note.kind == EventKind::kWarning ? "Warning" : "Normal"},
          {"reason", Cut(note.reason, kMaxWord)},
          {"action", Cut(note.action, kMaxWord)},
          {"note", Cut(note.note, kMaxNote)},
          {"eventTime", PrintTime(at, 6)},
          {"reportingController", controller},
          {"reportingInstance", Cut(instance, kMaxWord)}};
}

EventRecorder::EventRecorder(Client& client, const Clock& clock, std::string controller,
                             std::string instance)
    : client_(client),
      clock_(clock),
      controller_(std::move(controller)),
      instance_(std::move(instance)) {}

void EventRecorder::OnWork(std::function<void()> wake) { wake_.Set(std::move(wake)); }

void EventRecorder::Record(Note note) {
  {
    std::lock_guard lock(mutex_);
    const nanoseconds now = clock_.SinceBoot();
    ForgetOld(now);
    const auto [seen, first] = seen_.try_emplace(EventName(note), Seen{now, 1});
    if (!first) {
      ++seen->second.count;
      if (now - seen->second.last < kRepeatWithin) {
        ++figures_.repeated;
        return;
      }
      seen->second.last = now;
    }
    if (queue_.size() >= kMaxQueued) {
      ++figures_.dropped;
      return;
    }
    queue_.emplace_back(std::move(note), clock_.Now());
  }
  wake_.Call();
}

milliseconds EventRecorder::Step() {
  std::pair<Note, TimePoint> next;
  int count = 1;
  std::string name;
  {
    std::lock_guard lock(mutex_);
    if (queue_.empty()) return kNothingToDo;
    next = std::move(queue_.front());
    queue_.pop_front();
    name = EventName(next.first);
    if (const auto seen = seen_.find(name); seen != seen_.end()) count = seen->second.count;
  }
  const bool sent = Send(next.first, next.second, count);
  std::lock_guard lock(mutex_);
  ++(sent ? figures_.written : figures_.failed);
  if (!sent) seen_.erase(name);  // a repeat may try again
  if (queue_.empty()) return kNothingToDo;
  return sent ? milliseconds(0) : milliseconds(kAfterFailure);
}

// A repeat is a series on the same object; an event that has expired in between is made anew.
bool EventRecorder::Send(const Note& note, TimePoint at, int count) {
  const auto create = [&] {
    return client_.Create(kEvents, Namespace(note), EventBody(note, at, controller_, instance_));
  };
  const auto repeat = [&] {
    const Json series{
        {"series", {{"count", std::max(count, 2)}, {"lastObservedTime", PrintTime(at, 6)}}}};
    return client_.PatchObject(kEvents, Namespace(note), EventName(note), "", Patch::kMerge,
                               series);
  };
  if (count == 1) {
    const Result<Json> created = create();
    if (created || created.error().reason != Reason::kConflict) return static_cast<bool>(created);
    return static_cast<bool>(repeat());  // made by the process before this one
  }
  const Result<Json> repeated = repeat();
  if (repeated || repeated.error().reason != Reason::kNotFound) return static_cast<bool>(repeated);
  return static_cast<bool>(create());
}

// Bounded: what cannot matter any more goes; if that is not enough, everything (at worst a repeat
// is written).
void EventRecorder::ForgetOld(nanoseconds now) {
  if (seen_.size() < kMaxSeen) return;
  std::erase_if(seen_, [&](const auto& entry) { return now - entry.second.last >= kRepeatWithin; });
  if (seen_.size() >= kMaxSeen) seen_.clear();
}

EventFigures EventRecorder::Figures() const {
  std::lock_guard lock(mutex_);
  return figures_;
}

}  // namespace chaos::kube
