#include "injectors/accepts.h"

#include <algorithm>
#include <utility>

namespace chaos::inject {
namespace {

constexpr nanoseconds kPoll = milliseconds(5);
constexpr nanoseconds kStall = milliseconds(500);  // not taken for so long is not taken
constexpr nanoseconds kAllWithin = seconds(5);

}  // namespace

Accepts::Accepts(Node& node, Descriptors& descriptors, Accepting socket, int most, nanoseconds now,
                 Read read)
    : node_(node),
      descriptors_(descriptors),
      socket_(socket),
      most_(most),
      deadline_(now + kAllWithin),
      read_(std::move(read)),
      next_(now) {}

std::optional<Reading> Accepts::Poll(nanoseconds now) {
  if (now >= deadline_) return read_(outcome_);
  next_ = std::min(now + kPoll, deadline_);
  if (dials_.empty() || (arrived_ && outcome_.taken == static_cast<int>(dials_.size()))) {
    if (outcome_.taken >= most_) return read_(outcome_);
    dials_.push_back(node_.Connect(socket_.at));
    arrived_ = false;
  }
  if (!arrived_) {
    const Reached reached = dials_.back()->Poll();
    if (reached == Reached::kPending) return std::nullopt;
    if (reached != Reached::kConnected) return read_(outcome_);
    arrived_ = outcome_.reached = true;
    since_ = now;
  }
  const std::optional<std::uint32_t> waiting = descriptors_.Waiting(socket_.inode);
  if (!waiting) return read_(outcome_);
  if (*waiting == 0) {
    outcome_.taken = static_cast<int>(dials_.size());
    return Poll(now);
  }
  outcome_.stalled = now - since_ >= kStall;
  if (outcome_.stalled) return read_(outcome_);
  return std::nullopt;
}

}  // namespace chaos::inject
