// Which virtual users of this pod run, and since when: k6's life of a VU, on any clock. Pure.
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

#include "injectors/protocol/stages.h"

namespace chaos::load {

class VuPool {
 public:
  // VU g (from 1) of the load is this pod's own when (g - 1) mod pods = pod.
  VuPool(const protocol::Executor& executor, int pods, int pod);

  int size() const { return static_cast<int>(vus_.size()); }
  int Number(int index) const { return pod_ + 1 + index * pods_; }

  enum class Do { kStart, kInterrupt };
  struct Action {
    Do what = Do::kStart;
    int index = 0;
  };
  // The next thing to do at `now` (since T0, never going back); nullopt: nothing more. After
  // kStart the VU is busy until Ended; kInterrupt is said once, and Ended must follow.
  std::optional<Action> Next(nanoseconds now);
  // The iteration is over; the next one starts no sooner than `pause` from now.
  void Ended(int index, nanoseconds now, nanoseconds pause);
  // Nothing starts any more; what runs has until gracefulStop.
  void Stop(nanoseconds now);
  // When Next may have something; nullopt: only after Ended, or never.
  std::optional<nanoseconds> Wake() const;
  // Nothing runs, and nothing will.
  bool Over() const { return next_ == switches_.size() && wanted_ == 0 && busy_ == 0; }

  int wanted() const { return wanted_; }
  int busy() const { return busy_; }
  // VU-time that was really given until `now`.
  nanoseconds Given(nanoseconds now) const {
    return given_ + (last_ ? wanted_ * (now - *last_) : nanoseconds(0));
  }

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
  void Pass(nanoseconds now);

  protocol::Executor executor_;
  int pods_, pod_;
  std::vector<Vu> vus_;
  std::vector<Switch> switches_;                                         // in order of time
  std::size_t next_ = 0;                                                 // of the switches
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> wake_;  // may hold what has passed
  int wanted_ = 0, busy_ = 0;
  std::optional<nanoseconds> last_;
  nanoseconds given_{0};
};

}  // namespace chaos::load
