// Which of a pod's virtual users begin an iteration, and when: what an executor is, on any clock.
// Pure. VU g (from 1) of the load is this pod's own when (g - 1) mod pods = pod.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "injectors/protocol/stages.h"

namespace chaos::load {

class Pool {
 public:
  virtual ~Pool() = default;

  virtual int size() const = 0;
  int Number(int index) const { return pod_ + 1 + index * pods_; }

  enum class Do { kStart, kInterrupt, kDrop };
  struct Action {
    Do what = Do::kStart;
    int index = 0;             // of the VU
    std::int64_t dropped = 0;  // with kDrop: so many iterations were due and never begin
  };
  // The next thing to do at `now` (since T0, never going back); nullopt: nothing more. After
  // kStart the VU is busy until Ended; kInterrupt is said once, and Ended must follow.
  virtual std::optional<Action> Next(nanoseconds now) = 0;
  // The iteration is over; the VU's next one starts no sooner than `pause` from now.
  virtual void Ended(int index, nanoseconds now, nanoseconds pause) = 0;
  // Nothing starts any more, and nothing is dropped; what runs has until gracefulStop.
  virtual void Stop(nanoseconds now) = 0;
  // When Next may have something; nullopt: only after Ended, or never.
  virtual std::optional<nanoseconds> Wake() const = 0;
  // Nothing runs, and nothing will.
  virtual bool Over() const = 0;

  virtual int wanted() const = 0;  // VUs that have something to do now
  virtual int busy() const = 0;    // of these with an iteration under way
  // VU-time that was really given until `now`.
  nanoseconds Given(nanoseconds now) const {
    return given_ + (last_ ? wanted() * (now - *last_) : nanoseconds(0));
  }

 protected:
  Pool(int pods, int pod) : pods_(pods), pod_(pod) {}
  void Pass(nanoseconds now) {
    given_ = Given(now);
    last_ = now;
  }

  const int pods_, pod_;
  std::optional<nanoseconds> last_;  // looked at
 private:
  nanoseconds given_{0};
};

std::unique_ptr<Pool> MakePool(const protocol::Executor& executor, int pods, int pod);

}  // namespace chaos::load
