// constant-vus and ramping-vus: which virtual users of this pod run, and since when: k6's life of a
// VU, on any clock. Pure.
//
// A VU starts iterations while it is wanted; not wanted any more, it may finish its iteration until
// its hard stop; wanted again before that, it goes on as if nothing had been. Lowest number first,
// last in first out.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <queue>
#include <vector>

#include "injectors/load/pool.h"

namespace chaos::load {

class VuPool final : public Pool {
 public:
  VuPool(const protocol::Executor& executor, int pods, int pod);

  int size() const override { return static_cast<int>(vus_.size()); }
  std::optional<Action> Next(nanoseconds now) override;
  void Ended(int index, nanoseconds now, nanoseconds pause) override;
  void Stop(nanoseconds now) override;
  std::optional<nanoseconds> Wake() const override;
  bool Over() const override { return next_ == switches_.size() && wanted_ == 0 && busy_ == 0; }

  int wanted() const override { return wanted_; }
  int busy() const override { return busy_; }

 private:
  static constexpr nanoseconds kNever{std::numeric_limits<std::int64_t>::max()};
  struct Vu {
    bool wanted = false, busy = false;
    nanoseconds resume{0}, hard_stop{kNever};
  };
  struct Switch {
    nanoseconds at{0};
    int index = 0;
    bool on = false;
    nanoseconds hard_stop{0};
  };
  struct Entry {
    nanoseconds at{0};
    int index = 0;
    bool operator>(const Entry& o) const { return at != o.at ? at > o.at : index > o.index; }
  };

  Vu& At(int index) { return vus_[static_cast<std::size_t>(index)]; }
  void Apply(const Switch& change);
  void Unwant(int index, nanoseconds hard_stop);

  protocol::Executor executor_;
  std::vector<Vu> vus_;
  std::vector<Switch> switches_;                                         // in order of time
  std::size_t next_ = 0;                                                 // of the switches
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> wake_;  // may hold what has passed
  int wanted_ = 0, busy_ = 0;
};

}  // namespace chaos::load
