#include "injectors/load/arrival_pool.h"

#include <algorithm>

namespace chaos::load {
namespace {

int ShareOf(int vus, int pods, int pod) { return std::max(0, (vus - pod + pods - 1) / pods); }

}  // namespace

ArrivalPool::ArrivalPool(const protocol::Executor& executor, int pods, int pod)
    : Pool(pods, pod),
      hard_stop_(executor),
      arrivals_(executor, pods, pod),
      due_(arrivals_.Next()),
      busy_(static_cast<std::size_t>(ShareOf(executor.max_vus, pods, pod))),
      there_(ShareOf(executor.start_vus, pods, pod)) {
  for (int index = 0; index < there_; ++index) free_.push({nanoseconds(0), index});
}

std::optional<Pool::Action> ArrivalPool::Next(nanoseconds now) {
  // Who comes late joins at the position of the schedule: what was due before is not made up for.
  if (!last_) {
    while (due_ && *due_ < now) due_ = arrivals_.Next();
  }
  Pass(now);
  over_ = over_ || now >= hard_stop_.length();
  if (!due_ || *due_ > now) {
    if (const auto index = hard_stop_.Next(now, busy_)) return Action{Do::kInterrupt, *index};
    return std::nullopt;
  }
  due_ = arrivals_.Next();
  if (free_.empty() || free_.top().first > now) {
    if (there_ < size()) free_.push({now, there_++});
    return Action{Do::kDrop, 0, 1};
  }
  const int index = free_.top().second;
  free_.pop();
  busy_[static_cast<std::size_t>(index)] = true;
  ++running_;
  return Action{Do::kStart, index};
}

void ArrivalPool::Ended(int index, nanoseconds now, nanoseconds pause) {
  Pass(now);
  if (!busy_[static_cast<std::size_t>(index)]) return;
  busy_[static_cast<std::size_t>(index)] = false;
  --running_;
  free_.push({now + pause, index});
}

void ArrivalPool::Stop(nanoseconds now) {
  Pass(now);
  due_.reset();
  over_ = true;
  hard_stop_.Stop(now);
}

std::optional<nanoseconds> ArrivalPool::Wake() const {
  std::optional<nanoseconds> wake = due_;
  const auto at = [&wake](nanoseconds time) { wake = std::min(wake.value_or(time), time); };
  if (!over_) at(hard_stop_.length());
  if (running_ > 0 && !hard_stop_.Said()) at(hard_stop_.at());
  return wake;
}

}  // namespace chaos::load
