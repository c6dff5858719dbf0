#include "injectors/connects.h"

#include <algorithm>

namespace chaos::inject {

Connects::Connects(Node& node, const std::vector<Endpoint>& endpoints, nanoseconds now,
                   nanoseconds timeout)
    : started_(now), timeout_(timeout) {
  attempts_.reserve(endpoints.size());
  for (const Endpoint& endpoint : endpoints) attempts_.push_back({node.Connect(endpoint)});
}

bool Connects::Poll(nanoseconds now) {
  bool all = true;
  for (Attempt& attempt : attempts_) {
    if (!attempt.dial) continue;
    const Reached outcome = attempt.dial->Poll();
    if (outcome == Reached::kPending && now < deadline()) {
      all = false;
      continue;
    }
    attempt.reached = outcome == Reached::kConnected || outcome == Reached::kRefused;
    if (attempt.reached) slowest_ = std::max(slowest_, now - started_);
    attempt.dial.reset();
  }
  return all;
}

}  // namespace chaos::inject
