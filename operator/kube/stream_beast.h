// Streams of lines over Boost.Beast: all of them on one thread, each with a bounded buffer. When
// nobody polls, nothing is read, and the server feels it.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

#include "operator/kube/credentials.h"
#include "operator/kube/transport.h"

namespace chaos::kube {

struct StreamLimits {
  std::size_t max_line = 4u << 20;  // bytes; a longer line is an error
  std::size_t unread_lines = 256;   // reading stops at either of these
  std::size_t unread_bytes = 1u << 20;
  std::chrono::milliseconds connect{10'000};  // name, TCP and TLS together
};

// Requires: `credentials` outlives it; every stream is destroyed before it (checked).
// Thread-safety: all calls from any thread.
class StreamBeast {
 public:
  explicit StreamBeast(Credentials& credentials, StreamLimits limits = {});
  ~StreamBeast();
  // As Transport::Open, only for kGet. `wake` may come before Open returns. It may poll, but must
  // not take a lock that is held while the stream is destroyed: destroying waits for a running
  // `wake`.
  std::unique_ptr<LineStream> Open(const Request& request, std::function<void()> wake);
  // Every stream ends with kCancelled, also those opened from now on.
  void Shutdown();

 private:
  struct Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace chaos::kube
