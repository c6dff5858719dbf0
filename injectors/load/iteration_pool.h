// per-vu-iterations and shared-iterations: every VU begins its next iteration as soon as it can,
// until all have begun or maxDuration is over; then what is left is dropped. Pure.
#pragma once

#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "injectors/load/hard_stop.h"
#include "injectors/load/pool.h"

namespace chaos::load {

class IterationPool final : public Pool {
 public:
  IterationPool(const protocol::Executor& executor, int pods, int pod);

  int size() const override { return static_cast<int>(busy_.size()); }
  std::optional<Action> Next(nanoseconds now) override;
  void Ended(int index, nanoseconds now, nanoseconds pause) override;
  void Stop(nanoseconds now) override;
  std::optional<nanoseconds> Wake() const override;
  bool Over() const override { return running_ == 0 && left_ == 0; }
  int wanted() const override { return running_ + (left_ > 0 ? waiting_ : 0); }
  int busy() const override { return running_; }

 private:
  using Turn = std::pair<nanoseconds, int>;  // from then on, this VU

  bool HasWork(int index) const;

  HardStop hard_stop_;
  std::vector<bool> busy_;
  std::vector<std::int64_t> own_;  // what is left for each VU; empty: they share
  std::int64_t left_;              // for all of them
  int running_ = 0, waiting_ = 0;
  std::priority_queue<Turn, std::vector<Turn>, std::greater<>> turns_;
};

}  // namespace chaos::load
