// What one direction of a bad link does to each packet. Pure: the same seed and packets give the
// same fates.
#pragma once

#include <cstdint>

#include "injectors/protocol/network.h"
#include "operator/base/clock.h"
#include "operator/base/random.h"

namespace chaos::inject {

struct Fate {
  bool lost = false;
  bool corrupted = false;
  nanoseconds due{0};      // when it goes on, unless it is lost
  std::uint64_t draw = 0;  // chance for what else is to be decided about it
};

struct LinkCounts {
  std::uint64_t seen = 0;
  std::uint64_t lost = 0;        // by loss
  std::uint64_t overflowed = 0;  // lost as more waited for the rate than a router would keep
  std::uint64_t corrupted = 0;
  std::uint64_t reordered = 0;  // skipped the delay
  std::uint64_t bytes = 0;      // of those that were not lost
};

class Link {
 public:
  Link(const protocol::Effects& effects, std::uint64_t seed);
  // Requires: `now` does not go back. `bytes`: of the IP packet.
  Fate Next(nanoseconds now, std::uint32_t bytes);
  const LinkCounts& counts() const { return counts_; }

 private:
  // A standard normal series in which neighbours correlate (AR 1): unlike netem's, its spread does
  // not shrink with the correlation, and what is drawn from it keeps its share.
  class Series {
   public:
    explicit Series(int correlation_percent);
    double Next(Random& random);

   private:
    const double rho_, fresh_;
    double last_ = 0;
    bool started_ = false;
  };

  bool Lose();
  nanoseconds DrawDelay();
  bool Chance(int percent) { return random_.Chance(static_cast<std::uint64_t>(percent), 100); }

  const protocol::Effects effects_;
  Random random_;
  Series loss_series_, delay_series_;
  bool in_burst_ = false;
  nanoseconds free_{0};  // when the link has sent what is before
  LinkCounts counts_;
};

}  // namespace chaos::inject
