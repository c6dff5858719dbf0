#include "injectors/load/deadlines.h"

namespace chaos::load {

void Deadlines::Set(int index, nanoseconds at) {
  const auto i = static_cast<std::size_t>(index);
  due_[i] = at;
  if (at >= queued_[i]) return;
  queued_[i] = at;
  queue_.emplace(at, index);
}

std::optional<int> Deadlines::Next(nanoseconds now) {
  while (!queue_.empty() && queue_.top().first <= now) {
    const auto [at, index] = queue_.top();
    const auto i = static_cast<std::size_t>(index);
    queue_.pop();
    if (queued_[i] != at) continue;  // an earlier one has taken its place
    queued_[i] = kNone;
    const nanoseconds due = due_[i];
    if (due <= now) {
      due_[i] = kNone;
      return index;
    }
    if (due != kNone) Set(index, due);
  }
  return std::nullopt;
}

std::optional<nanoseconds> Deadlines::Wake() const {
  if (queue_.empty()) return std::nullopt;
  return queue_.top().first;
}

}  // namespace chaos::load
