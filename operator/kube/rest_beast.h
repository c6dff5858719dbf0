// Unary calls over Boost.Beast: one thread for all of them, connections that are kept between
// calls, and nothing that is ever sent twice.
#pragma once

#include <memory>

#include "operator/kube/credentials.h"
#include "operator/kube/rest.h"

namespace chaos::kube {

// Requires: `credentials` outlives it; no Send is under way when it is destroyed. A kept connection
// that dies under a call ends that call: kUnavailable for a read, kUnknownOutcome for a write. A
// failure before the first byte of the request left is always kUnavailable.
class RestBeast final : public Rest {
 public:
  explicit RestBeast(Credentials& credentials, RestLimits limits = {});
  ~RestBeast() override;
  Result<Response> Send(const Request& request) override;
  void Shutdown() override;

 private:
  struct Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace chaos::kube
