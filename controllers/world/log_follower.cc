#include "controllers/world/log_follower.h"

namespace chaos {
namespace {

constexpr seconds kReopen{1};

}  // namespace

void LogFollower::Open(const Parts& parts, const std::string& pod, std::string_view container) {
  if (stream_) return;
  if (const nanoseconds now = parts.clock.SinceBoot(); now < reopen_at_) {
    // An earlier look may have used up the wake-up that was meant for this.
    parts.queue.AddAfter(parts.key, std::chrono::ceil<milliseconds>(reopen_at_ - now));
    return;
  }
  kube::WorkQueue& queue = parts.queue;
  stream_ = parts.client.FollowLog(
      parts.key.ns, pod, container, parts.silence,
      [&queue, key = parts.key, pause = parts.pause] { queue.AddAfter(key, pause); });
}

void LogFollower::Read(const Parts& parts, const std::function<void(std::string_view)>& line) {
  while (stream_) {
    Result<kube::LineStream::Polled> polled = stream_->Poll();
    if (polled && std::holds_alternative<kube::LineStream::Nothing>(*polled)) return;
    if (!polled || std::holds_alternative<kube::LineStream::End>(*polled)) {
      ends_ += static_cast<bool>(polled);
      stream_.reset();
      reopen_at_ = parts.clock.SinceBoot() + kReopen;
      parts.queue.AddAfter(parts.key, kReopen);
      return;
    }
    if (const auto* next = std::get_if<kube::LineStream::Line>(&*polled)) line(next->text);
  }
}

}  // namespace chaos
