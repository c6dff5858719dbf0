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

std::vector<std::uint16_t> PortsToTry(const std::vector<std::uint16_t>& cut,
                                      const std::vector<std::uint16_t>& verify) {
  if (cut.empty() || verify.empty()) return verify;
  std::vector<std::uint16_t> both;
  for (const std::uint16_t port : verify) {
    if (std::count(cut.begin(), cut.end(), port) > 0) both.push_back(port);
  }
  return both.empty() ? cut : both;
}

}  // namespace chaos::inject
