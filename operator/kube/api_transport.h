// The way to a real API server: unary calls over the library that was chosen, streams over Beast,
// one set of credentials.
#pragma once

#include <functional>
#include <memory>

#include "operator/kube/credentials.h"
#include "operator/kube/rest_beast.h"
#include "operator/kube/rest_cpprest.h"
#include "operator/kube/stream_beast.h"
#include "operator/kube/transport.h"

namespace chaos::kube {

enum class RestLibrary { kCpprest, kBeast };

inline std::unique_ptr<Rest> MakeRest(RestLibrary library, Credentials& credentials,
                                      RestLimits limits = {}) {
  if (library == RestLibrary::kBeast) return std::make_unique<RestBeast>(credentials, limits);
  return std::make_unique<RestCpprest>(credentials, limits);
}

// Requires: `credentials` outlives it; every stream is destroyed before it.
class ApiTransport final : public Transport {
 public:
  ApiTransport(Credentials& credentials, RestLibrary library, RestLimits rest = {},
               StreamLimits streams = {})
      : rest_(MakeRest(library, credentials, rest)), streams_(credentials, streams) {}

  Result<Response> Send(const Request& request) override { return rest_->Send(request); }
  std::unique_ptr<LineStream> Open(const Request& request, std::function<void()> wake) override {
    return streams_.Open(request, std::move(wake));
  }
  void Shutdown() override {
    rest_->Shutdown();
    streams_.Shutdown();
  }

 private:
  std::unique_ptr<Rest> rest_;
  StreamBeast streams_;
};

}  // namespace chaos::kube
