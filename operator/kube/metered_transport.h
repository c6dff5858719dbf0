// Counts and times every request to the API server for /metrics, whatever carries it.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "operator/base/net/metrics.h"
#include "operator/kube/transport.h"

namespace chaos::kube {

// Requires: everything by reference outlives it. Streams pass through: their story is the watch's.
class MeteredTransport final : public Transport {
 public:
  MeteredTransport(Transport& inner, const Clock& clock, Metrics& metrics, std::string host)
      : inner_(inner), clock_(clock), metrics_(metrics), host_(std::move(host)) {}

  Result<Response> Send(const Request& request) override {
    const nanoseconds start = clock_.SinceBoot();
    Result<Response> response = inner_.Send(request);
    metrics_.Requested(response ? std::to_string(response->status) : "<error>",
                       Name(request.method), host_, clock_.SinceBoot() - start);
    return response;
  }
  std::unique_ptr<LineStream> Open(const Request& request, std::function<void()> wake) override {
    return inner_.Open(request, std::move(wake));
  }
  void Shutdown() override { inner_.Shutdown(); }

 private:
  Transport& inner_;
  const Clock& clock_;
  Metrics& metrics_;
  const std::string host_;
};

}  // namespace chaos::kube
