#include "injectors/load/iteration_pool.h"

#include <algorithm>

#include "injectors/protocol/arrivals.h"

namespace chaos::load {

IterationPool::IterationPool(const protocol::Executor& executor, int pods, int pod)
    : Pool(pods, pod),
      hard_stop_(executor),
      busy_(static_cast<std::size_t>((executor.start_vus - pod + pods - 1) / pods)),
      left_(protocol::IterationsOf(executor, pods, pod)) {
  if (executor.type == protocol::ExecutorType::kPerVuIterations)
    own_.assign(busy_.size(), executor.iterations);
  for (int index = 0; index < size(); ++index) turns_.push({nanoseconds(0), index});
  waiting_ = size();
}

bool IterationPool::HasWork(int index) const {
  return left_ > 0 && (own_.empty() || own_[static_cast<std::size_t>(index)] > 0);
}

std::optional<Pool::Action> IterationPool::Next(nanoseconds now) {
  Pass(now);
  if (now >= hard_stop_.length() && left_ > 0) return Action{Do::kDrop, 0, std::exchange(left_, 0)};
  if (const auto index = hard_stop_.Next(now, busy_)) return Action{Do::kInterrupt, *index};
  if (left_ == 0 || turns_.empty() || turns_.top().first > now) return std::nullopt;
  const int index = turns_.top().second;
  turns_.pop();
  --waiting_;
  busy_[static_cast<std::size_t>(index)] = true;
  ++running_;
  --left_;
  if (!own_.empty()) --own_[static_cast<std::size_t>(index)];
  return Action{Do::kStart, index};
}

void IterationPool::Ended(int index, nanoseconds now, nanoseconds pause) {
  Pass(now);
  if (!busy_[static_cast<std::size_t>(index)]) return;
  busy_[static_cast<std::size_t>(index)] = false;
  --running_;
  if (!HasWork(index)) return;
  turns_.push({now + pause, index});
  ++waiting_;
}

void IterationPool::Stop(nanoseconds now) {
  Pass(now);
  left_ = 0;
  hard_stop_.Stop(now);
}

std::optional<nanoseconds> IterationPool::Wake() const {
  std::optional<nanoseconds> wake;
  const auto at = [&wake](nanoseconds time) { wake = std::min(wake.value_or(time), time); };
  if (running_ > 0 && !hard_stop_.Said()) at(hard_stop_.at());
  if (left_ > 0) at(hard_stop_.length());
  if (left_ > 0 && !turns_.empty()) at(turns_.top().first);
  return wake;
}

}  // namespace chaos::load
