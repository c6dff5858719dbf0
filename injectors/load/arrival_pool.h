// constant-arrival-rate and ramping-arrival-rate: iterations begin when they are due, whoever is
// free. One that finds nobody is dropped, and as long as there are fewer than maxVUs one more VU is
// there for the next. Pure.
#pragma once

#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "injectors/load/hard_stop.h"
#include "injectors/load/pool.h"
#include "injectors/protocol/arrivals.h"

namespace chaos::load {

class ArrivalPool final : public Pool {
 public:
  ArrivalPool(const protocol::Executor& executor, int pods, int pod);

  int size() const override { return static_cast<int>(busy_.size()); }
  std::optional<Action> Next(nanoseconds now) override;
  void Ended(int index, nanoseconds now, nanoseconds pause) override;
  void Stop(nanoseconds now) override;
  std::optional<nanoseconds> Wake() const override;
  bool Over() const override { return over_ && running_ == 0; }
  int wanted() const override { return running_; }
  int busy() const override { return running_; }

 private:
  using Turn = std::pair<nanoseconds, int>;  // free from then on

  HardStop hard_stop_;
  protocol::Arrivals arrivals_;
  std::optional<nanoseconds> due_;  // the next one
  std::vector<bool> busy_;
  int there_;  // VUs that are there already
  int running_ = 0;
  bool over_ = false;  // nothing begins any more
  std::priority_queue<Turn, std::vector<Turn>, std::greater<>> free_;
};

}  // namespace chaos::load
