#include "injectors/load/line_writer.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace chaos::load {
namespace {
constexpr std::size_t kMaxWaiting = 16;
}

LineWriter::LineWriter(int out) : out_(out) {
  sum_.event = protocol::kLoadCheckpoint;
  thread_ = std::thread([this] { Run(); });
}

void LineWriter::Say(protocol::LoadLine line) {
  {
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::move(line));
  }
  changed_.notify_one();
}

bool LineWriter::Full() const {
  const std::lock_guard lock(mutex_);
  return lines_.size() >= kMaxWaiting;
}

void LineWriter::Finish() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void LineWriter::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return closed_ || !lines_.empty(); });
    if (lines_.empty()) return;
    protocol::LoadLine line = std::move(lines_.front());
    lines_.pop_front();
    lock.unlock();
    Print(std::move(line));
    lock.lock();
  }
}

void LineWriter::Print(protocol::LoadLine line) {
  sum_.ledger.Add(line.ledger);
  sum_.loop_lag_us = std::max(sum_.loop_lag_us, line.loop_lag_us);
  sum_.throttled_ms += line.throttled_ms;
  sum_.at = line.at;
  sum_.pod = line.pod;
  sum_.elapsed_ms = line.elapsed_ms;
  sum_.vus = line.vus;
  sum_.vu_ms = line.vu_ms;
  sum_.alive = line.alive;
  const bool last = line.event == protocol::kLoadEnded;
  protocol::LoadLine ended = sum_;
  ended.event = line.event;
  ended.reason = line.reason;
  ended.loop_lag_us = ended.throttled_ms = 0;
  ended.ledger = {};
  // What the last moment counted comes as a delta of its own: a checkpoint is the sum of the lines
  // before it, and nothing is counted after it.
  if (last) line.event = protocol::kLoadDelta;
  if (last) line.reason.clear();
  Write(std::move(line));
  if (last || since_checkpoint_ >= kCheckpointEvery) PrintCheckpoint();
  if (last) Write(std::move(ended));
}

void LineWriter::PrintCheckpoint() {
  Write(sum_);
  since_checkpoint_ = 0;
}

void LineWriter::Write(protocol::LoadLine line) {
  line.seq = ++seq_;
  const std::string text = protocol::PrintLoadLine(line) + "\n";
  since_checkpoint_ += text.size();
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(out_, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // EPIPE and the like
    done += static_cast<std::size_t>(n);
  }
}

}  // namespace chaos::load
