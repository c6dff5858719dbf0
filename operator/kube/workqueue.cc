#include "operator/kube/workqueue.h"

#include <algorithm>

#include "operator/base/check.h"

namespace chaos::kube {
namespace {

constexpr milliseconds kFirstRetry{5};
constexpr milliseconds kLongestRetry{1'000'000};
constexpr milliseconds kNothingWaits{std::chrono::hours(1)};

milliseconds RetryPause(int failures) {
  milliseconds pause = kFirstRetry;
  for (int i = 0; i < failures && pause < kLongestRetry; ++i) pause *= 2;
  return std::min(pause, kLongestRetry);
}

}  // namespace

WorkQueue::WorkQueue(const Clock& clock, QueueObserver* observer)
    : clock_(clock), observer_(observer) {}

void WorkQueue::OnReady(std::function<void()> wake) { wake_.Set(std::move(wake)); }

void WorkQueue::Add(const Key& key) { AddAfter(key, milliseconds(0)); }

void WorkQueue::AddAfter(const Key& key, milliseconds pause) {
  {
    std::lock_guard lock(mutex_);
    Schedule(key, clock_.SinceBoot() + std::max(pause, milliseconds(0)));
  }
  if (observer_) observer_->Added();
  wake_.Call();
}

void WorkQueue::AddRateLimited(const Key& key) {
  milliseconds pause;
  {
    std::lock_guard lock(mutex_);
    pause = RetryPause(failures_[key]++);
  }
  if (observer_) observer_->Retried();
  AddAfter(key, pause);
}

void WorkQueue::Forget(const Key& key) {
  std::lock_guard lock(mutex_);
  failures_.erase(key);
}

// Keeps the earliest time; what is being worked on is put in order only by its Done.
void WorkQueue::Schedule(const Key& key, nanoseconds due) {
  const auto [at, added] = due_.try_emplace(key, due);
  if (!added && at->second <= due) return;
  if (!processing_.contains(key)) {
    if (!added) order_.erase({at->second, key});
    order_.emplace(due, key);
  }
  at->second = due;
}

std::optional<Key> WorkQueue::Take() {
  Key key;
  nanoseconds waited;
  {
    std::lock_guard lock(mutex_);
    const nanoseconds now = clock_.SinceBoot();
    if (order_.empty() || order_.begin()->first > now) return std::nullopt;
    waited = now - order_.begin()->first;
    key = order_.begin()->second;
    order_.erase(order_.begin());
    due_.erase(key);
    processing_[key] = now;
  }
  if (observer_) observer_->Waited(waited);
  return key;
}

void WorkQueue::Done(const Key& key) {
  nanoseconds worked;
  bool again = false;
  {
    std::lock_guard lock(mutex_);
    const auto processing = processing_.find(key);
    CHECK(processing != processing_.end());
    worked = clock_.SinceBoot() - processing->second;
    processing_.erase(processing);
    if (const auto due = due_.find(key); due != due_.end()) {
      order_.emplace(due->second, key);
      again = true;
    }
  }
  if (observer_) observer_->Worked(worked);
  if (again) wake_.Call();
}

milliseconds WorkQueue::UntilNext() const {
  std::lock_guard lock(mutex_);
  if (order_.empty()) return kNothingWaits;
  const nanoseconds left = order_.begin()->first - clock_.SinceBoot();
  return std::clamp(std::chrono::ceil<milliseconds>(left), milliseconds(0), kNothingWaits);
}

QueueFigures WorkQueue::Figures() const {
  std::lock_guard lock(mutex_);
  const nanoseconds now = clock_.SinceBoot();
  QueueFigures figures;
  for (const auto& [due, key] : order_) ++(due <= now ? figures.depth : figures.waiting);
  figures.processing = processing_.size();
  for (const auto& [key, since] : processing_) {
    figures.unfinished += now - since;
    figures.longest_running = std::max(figures.longest_running, now - since);
  }
  return figures;
}

}  // namespace chaos::kube
