// The bodies of Informer<T>: the shell around watch.h. It only moves bytes; every decision is
// Advance's.
#pragma once

#include <algorithm>
#include <utility>

#include "operator/kube/informer.h"

namespace chaos::kube {

inline constexpr int kLinesPerStep = 256;  // then somebody else may have a turn

template <class T>
Informer<T>::Informer(Client& client, Clock& clock, Random random, ResourceType type,
                      std::string ns, std::string label_selector, OnChange on_change,
                      WatchObserver* observer)
    : client_(client),
      clock_(clock),
      random_(random),
      type_(type),
      ns_(std::move(ns)),
      label_selector_(std::move(label_selector)),
      on_change_(std::move(on_change)),
      observer_(observer) {}

template <class T>
milliseconds Informer<T>::Step(const std::function<void()>& wake) {
  if (const nanoseconds now = clock_.SinceBoot(); !stream_ && state_.pace.not_before > now) {
    return std::chrono::ceil<milliseconds>(state_.pace.not_before - now);
  }
  if (state_.template In<Listing>()) return List();
  if (!stream_) OpenWatch(wake);
  for (int lines = 0; lines < kLinesPerStep; ++lines) {
    if (!PollOnce()) return UntilOverdue();
    if (!stream_) break;
  }
  return milliseconds(0);
}

template <class T>
milliseconds Informer<T>::List() {
  const std::string from = state_.template In<Listing>()->from_rv;
  Result<ListAnswer> answer = client_.List(type_, ns_, label_selector_, from);
  {
    std::lock_guard lock(error_mutex_);
    list_error_ = answer ? std::nullopt : std::optional(answer.error());
  }
  if (!answer) {
    Feed(Failed{answer.error()});
    return milliseconds(0);
  }
  Feed(Listed{answer->resource_version});
  if (state_.template In<Listing>()) return milliseconds(0);  // refused: older than what we know
  std::vector<T> objects;
  objects.reserve(answer->items.size());
  for (Json& item : answer->items) {
    if (std::optional<T> object = Parse(item)) objects.push_back(*std::move(object));
    item = nullptr;  // a document costs far more than its projection
  }
  for (const auto& change : store_.Replace(std::move(objects), answer->resource_version))
    Tell(change);
  return milliseconds(0);
}

template <class T>
std::optional<Error> Informer<T>::ListError() const {
  std::lock_guard lock(error_mutex_);
  return list_error_;
}

template <class T>
void Informer<T>::OpenWatch(const std::function<void()>& wake) {
  timeout_ = WatchTimeout(random_);
  asked_at_ = clock_.SinceBoot();
  stream_ = client_.Watch(type_, ns_, label_selector_, state_.template In<Resuming>()->from_rv,
                          timeout_, wake);
}

template <class T>
bool Informer<T>::PollOnce() {
  Result<LineStream::Polled> polled = stream_->Poll();
  if (!polled) {
    Feed(Failed{polled.error()});
  } else if (auto* line = std::get_if<LineStream::Line>(&*polled)) {
    HandleLine(line->text);
  } else if (std::holds_alternative<LineStream::Opened>(*polled)) {
    Feed(Opened{});
  } else if (std::holds_alternative<LineStream::End>(*polled)) {
    Feed(Closed{});
  } else if (Overdue()) {
    Feed(Failed{Error{Reason::kUnavailable, "the watch fell silent", {}, 0}});
  } else {
    return false;
  }
  return true;
}

template <class T>
void Informer<T>::HandleLine(std::string_view line) {
  if (line.empty()) return;
  Result<WatchEvent> event = ParseWatchLine(line);
  if (!event) return Feed(Failed{event.error()});
  if (event->type == EventType::kError)
    return Feed(Failed{ErrorFromStatusText(PrintJson(event->object))});
  if (observer_) observer_->Heard(type_.kind, clock_.Now());
  const std::string rv = Text(event->object, {"metadata", "resourceVersion"});
  if (event->type == EventType::kBookmark) return Feed(Bookmark{rv});
  HandleObject(*event);
  Feed(Changed{rv, event->type == EventType::kAdded});
}

template <class T>
void Informer<T>::HandleObject(const WatchEvent& event) {
  if (event.type == EventType::kDeleted) return Tell(store_.Delete(MetaFromJson(event.object)));
  if (std::optional<T> object = Parse(event.object)) return Tell(store_.Put(*std::move(object)));
  Tell(store_.Delete(MetaFromJson(event.object)));
}

// Every input goes through here: the state changes, and what no longer belongs to it is let go.
template <class T>
void Informer<T>::Feed(decltype(WatchInput::what) what) {
  std::string detail;
  if (const Failed* failed = std::get_if<Failed>(&what)) detail = failed->error.detail;
  const bool was_listing = state_.template In<Listing>();
  const bool was_open = stream_ != nullptr;
  state_ = Advance(state_, {std::move(what), clock_.SinceBoot(),
                            static_cast<std::uint32_t>(random_.Below(1000))});
  const bool ended = was_open && !state_.template In<Streaming>();
  const bool failed_list = was_listing && state_.template In<Listing>();
  if (ended) stream_.reset();
  if ((ended || failed_list) && observer_)
    observer_->Restarted(type_.kind, state_.pace.why, detail);
}

template <class T>
milliseconds Informer<T>::UntilOverdue() const {
  const Streaming* streaming = state_.template In<Streaming>();
  const nanoseconds at =
      streaming ? streaming->heard_at + timeout_ + kIdleMargin : asked_at_ + kOpenLimit;
  return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(at - clock_.SinceBoot()));
}

template <class T>
bool Informer<T>::Overdue() const {
  return UntilOverdue() == milliseconds(0);
}

template <class T>
std::optional<T> Informer<T>::Parse(const Json& object) {
  Result<T> parsed = T::FromJson(object);
  if (parsed) return *std::move(parsed);
  if (observer_)
    observer_->Unreadable(type_.kind, MetaFromJson(object).key.Print(), parsed.error().detail);
  return std::nullopt;
}

template <class T>
void Informer<T>::Tell(const typename Store<T>::Change& change) {
  if (change.before == change.after) return;  // hidden by what we wrote, or never there
  on_change_(change.before, change.after);
}

}  // namespace chaos::kube
