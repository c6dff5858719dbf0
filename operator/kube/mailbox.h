// Between the network thread that reads a stream and its owner who polls it: bounded, and with a
// `wake` that surely never comes after the owner has gone. Knows nothing of the network.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "operator/kube/transport.h"

namespace chaos::kube {

// Thread-safety: all calls from any thread; Poll and Abandon only by the owner.
class Mailbox {
 public:
  Mailbox(std::function<void()> wake, std::size_t max_lines, std::size_t max_bytes)
      : wake_(std::move(wake)), max_lines_(max_lines), max_bytes_(max_bytes) {}

  // The network side. PutLines returns false when the reader should stop until `resume` of Poll.
  void PutOpened();
  bool PutLines(std::vector<std::string> lines);
  // The first end counts: nullopt = orderly. What was read before it is still delivered.
  void PutEnd(std::optional<Error> error);
  // As PutEnd, but drops what is unread.
  void Cut(Error error);

  // `resume` becomes true when the reader had been stopped and may go on.
  Result<LineStream::Polled> Poll(bool& resume);
  // Waits for a running wake (unless called from it); none comes afterwards.
  void Abandon();

 private:
  void Wake();

  std::recursive_mutex
      wake_mutex_;  // held while wake runs; recursive, so that wake may end the stream
  std::function<void()> wake_;

  std::mutex mutex_;
  const std::size_t max_lines_;
  const std::size_t max_bytes_;
  bool opened_unread_ = false;
  bool stopped_ = false;
  bool ended_ = false;
  std::optional<Error> error_;
  std::deque<std::string> lines_;
  std::size_t bytes_ = 0;
};

}  // namespace chaos::kube
