#include "injectors/load/vu_pool.h"

#include <algorithm>

namespace chaos::load {

VuPool::VuPool(const protocol::Executor& executor, int pods, int pod)
    : Pool(pods, pod), executor_(executor) {
  const int all = protocol::MaxVus(executor);
  for (int number = pod + 1; number <= all; number += pods) {
    const int index = size();
    vus_.emplace_back();
    for (const protocol::Interval& interval : protocol::Wanted(executor, number)) {
      switches_.push_back({interval.from, index, true, kNever});
      switches_.push_back({interval.to, index, false, protocol::HardStop(executor, interval)});
    }
  }
  std::sort(switches_.begin(), switches_.end(), [](const Switch& a, const Switch& b) {
    if (a.at != b.at) return a.at < b.at;
    if (a.on != b.on) return b.on;  // who leaves at a moment leaves before who comes
    return a.on ? a.index < b.index : a.index > b.index;
  });
}

void VuPool::Apply(const Switch& change) {
  if (!change.on) return Unwant(change.index, change.hard_stop);
  Vu& vu = At(change.index);
  wanted_ += vu.wanted ? 0 : 1;
  vu.wanted = true;
  if (!vu.busy) wake_.push({std::max(vu.resume, change.at), change.index});
}

void VuPool::Unwant(int index, nanoseconds hard_stop) {
  Vu& vu = At(index);
  wanted_ -= vu.wanted ? 1 : 0;
  vu.wanted = false;
  vu.hard_stop = hard_stop;
  if (vu.busy) wake_.push({hard_stop, index});
}

std::optional<Pool::Action> VuPool::Next(nanoseconds now) {
  Pass(now);
  for (; next_ < switches_.size() && switches_[next_].at <= now; ++next_) Apply(switches_[next_]);
  while (!wake_.empty() && wake_.top().at <= now) {
    const int index = wake_.top().index;
    wake_.pop();
    Vu& vu = At(index);
    if (vu.wanted && !vu.busy && vu.resume <= now) {
      vu.busy = true;
      ++busy_;
      return Action{Do::kStart, index};
    }
    if (!vu.wanted && vu.busy && vu.hard_stop <= now) {
      vu.hard_stop = kNever;  // said once
      return Action{Do::kInterrupt, index};
    }
  }
  return std::nullopt;
}

void VuPool::Ended(int index, nanoseconds now, nanoseconds pause) {
  Vu& vu = At(index);
  if (!vu.busy) return;
  vu.busy = false;
  --busy_;
  vu.resume = now + pause;
  if (vu.wanted) wake_.push({vu.resume, index});
}

void VuPool::Stop(nanoseconds now) {
  Pass(now);
  next_ = switches_.size();
  const nanoseconds latest =
      std::min(now, protocol::Length(executor_)) + nanoseconds(executor_.graceful_stop);
  for (int index = size() - 1; index >= 0; --index) {
    const Vu& vu = At(index);
    if (vu.wanted || vu.busy) Unwant(index, vu.wanted ? latest : std::min(latest, vu.hard_stop));
  }
}

std::optional<nanoseconds> VuPool::Wake() const {
  std::optional<nanoseconds> wake;
  if (next_ < switches_.size()) wake = switches_[next_].at;
  if (!wake_.empty()) wake = std::min(wake.value_or(kNever), wake_.top().at);
  return wake;
}

}  // namespace chaos::load
