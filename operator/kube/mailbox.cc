#include "operator/kube/mailbox.h"

namespace chaos::kube {

void Mailbox::Wake() {
  const std::lock_guard lock(wake_mutex_);
  // A copy: wake may abandon the stream and with it the function that is running.
  if (const std::function<void()> wake = wake_; wake) wake();
}

void Mailbox::PutOpened() {
  {
    const std::lock_guard lock(mutex_);
    opened_unread_ = true;
  }
  Wake();
}

bool Mailbox::PutLines(std::vector<std::string> lines) {
  bool full = false;
  {
    const std::lock_guard lock(mutex_);
    for (std::string& line : lines) {
      bytes_ += line.size();
      lines_.push_back(std::move(line));
    }
    full = stopped_ = lines_.size() >= max_lines_ || bytes_ >= max_bytes_;
  }
  if (!lines.empty()) Wake();
  return !full;
}

void Mailbox::PutEnd(std::optional<Error> error) {
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    ended_ = true;
    error_ = std::move(error);
  }
  Wake();
}

void Mailbox::Cut(Error error) {
  {
    const std::lock_guard lock(mutex_);
    lines_.clear();
    bytes_ = 0;
    opened_unread_ = stopped_ = false;
    ended_ = true;
    error_ = std::move(error);
  }
  Wake();
}

Result<LineStream::Polled> Mailbox::Poll(bool& resume) {
  const std::lock_guard lock(mutex_);
  resume = false;
  if (std::exchange(opened_unread_, false)) return LineStream::Polled(LineStream::Opened{});
  if (!lines_.empty()) {
    LineStream::Line line{std::move(lines_.front())};
    lines_.pop_front();
    bytes_ -= line.text.size();
    if (stopped_ && lines_.size() <= max_lines_ / 2 && bytes_ <= max_bytes_ / 2) {
      stopped_ = false;
      resume = true;
    }
    return LineStream::Polled(std::move(line));
  }
  if (!ended_) return LineStream::Polled(LineStream::Nothing{});
  if (error_) return *error_;
  return LineStream::Polled(LineStream::End{});
}

void Mailbox::Abandon() {
  const std::lock_guard lock(wake_mutex_);
  wake_ = nullptr;
}

}  // namespace chaos::kube
