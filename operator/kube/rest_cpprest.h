// Unary calls over cpprestsdk. The .cc beside this is the only file that includes it; what is wrong
// with the library is contained there: own deadline, own trust, own classification, bounded bodies.
#pragma once

#include <cstddef>
#include <memory>

#include "operator/kube/credentials.h"
#include "operator/kube/transport.h"

namespace chaos::kube {

struct RestLimits {
  std::size_t max_body = 64u << 20;  // bytes of an answer
  int errors_before_new_client = 3;  // in a row; a fresh client drops every pooled connection
};

// Requires: `credentials` outlives it; made before other threads read the environment (it points
// OpenSSL away from the system's CA bundle). Never called from a cpprest pool thread. The library
// may execute a write twice (a reused connection that died before the answer) and still report one
// answer: every write has to be safe when executed twice. Thread-safety: all calls from any thread.
class RestCpprest {
 public:
  explicit RestCpprest(Credentials& credentials, RestLimits limits = {});
  ~RestCpprest();
  // As Transport::Send. An answer beyond max_body is kInvalid for a read and kUnknownOutcome for a
  // write.
  Result<Response> Send(const Request& request);
  void Shutdown();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace chaos::kube
