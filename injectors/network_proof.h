// What a bad link must look like to connects that go over it, and whether it does. Pure.
#pragma once

#include <vector>

#include "injectors/fault.h"
#include "injectors/link.h"
#include "injectors/protocol/network.h"
#include "injectors/timed_connects.h"

namespace chaos::inject {

// Of one group of samples.
struct Timing {
  std::size_t tried = 0, prompt = 0;  // answered before a lost packet would have been sent again
  nanoseconds mean{0}, slowest{0};    // of the prompt ones
};

class NetworkProof {
 public:
  // `directions`: how many of the two are hit.
  NetworkProof(const protocol::Effects& effects, int directions);

  // How often to try so that the dose can be told from chance. Requires: endpoints > 0.
  TimedConnects::Pace Pace(std::size_t endpoints, nanoseconds slowest_before) const;
  // Many at once, so that they wait for the rate: how many.
  int Burst() const;
  TimedConnects::Pace BurstPace(std::size_t endpoints, nanoseconds slowest_before) const;

  // What was found between the faults coming and now.
  struct Seen {
    std::vector<Timing> before, during;  // one for each peer, in the same order
    Timing control_before, control_during;
    LinkCounts counts;  // of all directions together
    // Of the connects that had to wait for the rate: how many were answered, the time between the
    // first and the last answer, and the bytes that came through in it.
    std::size_t waited = 0;
    nanoseconds waited_for{0};
    std::uint64_t passed = 0;
  };
  Reading Judge(const Seen& seen) const;

  // The words that the measured figures use.
  Figures Requested() const;
  // Time that is added to the mean round trip.
  nanoseconds Added() const;

 private:
  double LostShare() const;        // of packets, for the receiver
  double UnansweredShare() const;  // of connects
  nanoseconds MostAdded() const;
  void JudgeDelay(const Seen& seen, Reading& reading) const;
  void JudgeLoss(const Seen& seen, Reading& reading) const;
  void JudgeRate(const Seen& seen, Reading& reading) const;
  void JudgeControl(const Seen& seen, Reading& reading) const;

  const protocol::Effects effects_;
  const int directions_;
};

// `within`: an answer that takes longer is none.
Timing TimingOf(const std::vector<TimedConnects::Sample>& samples,
                const std::vector<std::size_t>& endpoints, nanoseconds within);

}  // namespace chaos::inject
