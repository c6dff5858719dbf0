#include "injectors/timed_connects.h"

#include <algorithm>
#include <utility>

namespace chaos::inject {

TimedConnects::TimedConnects(Node& node, std::vector<Endpoint> endpoints, Pace pace,
                             nanoseconds now)
    : node_(node), endpoints_(std::move(endpoints)), pace_(pace), began_(now) {
  samples_.resize(Total());
  for (std::size_t i = 0; i < samples_.size(); ++i) samples_[i].endpoint = i % endpoints_.size();
}

bool TimedConnects::Poll(nanoseconds now) {
  for (; started_ < Total() && now >= StartOf(started_); ++started_) {
    const Endpoint& endpoint = endpoints_[samples_[started_].endpoint];
    open_.push_back({started_, now, node_.Connect(endpoint)});
  }
  std::erase_if(open_, [&](Attempt& attempt) {
    const Reached outcome = attempt.dial->Poll();
    if (outcome == Reached::kPending && now < attempt.began + pace_.timeout) return false;
    if (outcome == Reached::kConnected || outcome == Reached::kRefused) {
      samples_[attempt.sample].took = now - attempt.began;
      ++answered_;
    }
    return true;
  });
  return started_ == Total() && open_.empty();
}

nanoseconds TimedConnects::Deadline() const {
  nanoseconds next = nanoseconds::max();
  if (started_ < Total()) next = StartOf(started_);
  if (!open_.empty()) next = std::min(next, open_.front().began + pace_.timeout);
  return next;
}

}  // namespace chaos::inject
