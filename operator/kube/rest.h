// Unary calls to the API server, whichever library carries them: what both implementations keep.
#pragma once

#include <cstddef>

#include "operator/kube/transport.h"

namespace chaos::kube {

struct RestLimits {
  std::size_t max_body = 64u << 20;  // bytes of an answer
  // cpprest only: in a row; a fresh client drops every pooled connection.
  int errors_before_new_client = 3;
};

// Thread-safety: all calls from any thread.
class Rest {
 public:
  virtual ~Rest() = default;
  // As Transport::Send. An answer beyond max_body is kInvalid for a read and kUnknownOutcome for a
  // write.
  virtual Result<Response> Send(const Request& request) = 0;
  // As Transport::Shutdown.
  virtual void Shutdown() = 0;
};

}  // namespace chaos::kube
