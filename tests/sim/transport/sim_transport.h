// The Transport between one simulated operator process and the simulated API server: time passes in
// every call, and what Faults draws happens to it.
#pragma once

#include <functional>

#include "operator/kube/transport.h"
#include "tests/sim/api/sim_api.h"
#include "tests/sim/transport/faults.h"
#include "tests/sim/transport/process.h"

namespace chaos::sim {

// One call, for histories and counts.
struct CallNote {
  nanoseconds at;
  std::string_view user;
  const kube::Request& request;
  CallFault fault;
  int status;  // 0: no answer was seen
};

class SimTransport final : public kube::Transport {
 public:
  struct Options {
    std::string user = "operator";
    // The shortest and the longest time of a call and of a line of a stream.
    nanoseconds fastest{milliseconds(1)};
    nanoseconds slowest{milliseconds(9)};
    std::function<void(const CallNote&)> note;
  };
  // Requires: all outlive it.
  SimTransport(SimApi& api, Timeline& timeline, Faults& faults, Process& process, Options options)
      : api_(api),
        timeline_(timeline),
        faults_(faults),
        process_(process),
        options_(std::move(options)) {}

  Result<kube::Response> Send(const kube::Request& request) override;
  std::unique_ptr<kube::LineStream> Open(const kube::Request& request,
                                         std::function<void()> wake) override;
  void Shutdown() override { shut_down_ = true; }

 private:
  Result<kube::Response> Perform(const kube::Request& request, CallFault fault, std::uint64_t call);
  kube::Response Execute(const kube::Request& request, CallFault fault);
  kube::Response ListFromThePast(const kube::Request& request);
  nanoseconds Latency();

  SimApi& api_;
  Timeline& timeline_;
  Faults& faults_;
  Process& process_;
  const Options options_;
  bool shut_down_ = false;
};

}  // namespace chaos::sim
