// What this process knows of one run beyond the stores. Lost with the process; a successor finds it
// again in the logs.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controllers/chaosexperiment/observed.h"
#include "controllers/world/log_follower.h"

namespace chaos::experiment {

struct RunMemory {
  SampleLog samples;
  LogFollower probe_log;
  std::optional<Error> probe_pod_error;
  bool probe_pod_deleted = false;
  std::set<std::string> peer_services_made, peer_services_deleted;  // by name
  int peer_service_failures = 0;
  std::optional<Error> peer_service_error;  // it could not be created
  std::optional<Error> load_error;
  std::optional<Result<Json>> referred_load;
  nanoseconds referred_load_at{0};
  bool wrote_intent = false;                  // by this process: nobody can have acted on it before
  std::map<std::string, TargetView> targets;  // by pod uid
  std::optional<std::vector<Service>> services;
  nanoseconds services_at{0};
};

}  // namespace chaos::experiment
