// The simulated API server as one thing that answers requests and opens streams. Still without
// faults.
#pragma once

#include "tests/sim/api/api_server.h"
#include "tests/sim/api/garbage_collector.h"
#include "tests/sim/api/pod_logs.h"
#include "tests/sim/api/watches.h"

namespace chaos::sim {

class SimApi {
 public:
  explicit SimApi(Timeline& timeline)
      : server(timeline),
        watches(server.store(), timeline),
        logs(server.store(), timeline),
        garbage(server, timeline) {}

  kube::Response Send(const kube::Request& request, std::string_view user);
  // A refusal, or nothing: then `sink` has the response.
  std::optional<kube::Response> Open(const kube::Request& request,
                                     const std::shared_ptr<LineSink>& sink);

  ApiServer server;
  Watches watches;
  PodLogs logs;
  GarbageCollector garbage;
};

}  // namespace chaos::sim
