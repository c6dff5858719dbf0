// Unary calls over cpprestsdk. The .cc beside this is the only file that includes it; what is wrong
// with the library is contained there: own deadline, own trust, own classification, bounded bodies.
#pragma once

#include <memory>

#include "operator/kube/credentials.h"
#include "operator/kube/rest.h"

namespace chaos::kube {

// Requires: `credentials` outlives it; made before other threads read the environment (it points
// OpenSSL away from the system's CA bundle). Never called from a cpprest pool thread. The library
// may execute a write twice (a reused connection that died before the answer) and still report one
// answer: every write has to be safe when executed twice.
class RestCpprest final : public Rest {
 public:
  explicit RestCpprest(Credentials& credentials, RestLimits limits = {});
  ~RestCpprest() override;
  Result<Response> Send(const Request& request) override;
  void Shutdown() override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace chaos::kube
