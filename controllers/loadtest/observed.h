// Everything that a plan is made from besides the load test itself. Values and views; gathered by
// the reconciler.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controllers/loadtest/types.h"
#include "controllers/world/opt_in.h"
#include "controllers/world/queue.h"

namespace chaos::loadtest {

struct Settings {
  std::string load_image, operator_namespace;
  seconds start_delay{10};  // from the intent to T0: for the scheduler and the kubelet
  milliseconds max_length{std::chrono::hours(24)};
};

// The experiment that a load belongs to, as far as the load must know it.
struct Owner {
  std::optional<TimePoint> fault_from, fault_to;
  std::optional<TimePoint> stop_at;  // the load has done its duty: it ends, and is judged as usual
};

// The Job as it was read last.
struct JobView {
  bool exists = false;
  TimePoint t0{};
  std::string refused;  // why its controller could make no pod, in the words of the refusal
};

// What this process knows of the log of one pod, by completion index.
struct PodView {
  std::string uid;                      // whose log it is
  std::optional<TimePoint> over_since;  // when its container was first seen to have ended
  int ends_after_it = 0;                // how often the log was heard to its end after that
};

struct Observed {
  const Settings* settings = nullptr;
  std::shared_ptr<const Namespace> ns;
  std::shared_ptr<const Stop> stop;                       // a ChaosStop that covers the namespace
  std::vector<std::shared_ptr<const LoadTest>> siblings;  // the others of the namespace
  int max_live = 1;
  std::optional<Owner> owner;  // nullopt: none, or it is not there any more
  std::string not_bound;       // why pods cannot be seen there; empty = they can
  bool pods_synced = false;
  Pods pods;
  // Read only before the run is live.
  std::optional<std::vector<Service>> services;
  std::optional<Profile> profile;
  std::string profile_error;
  std::optional<Result<std::vector<std::string>>>
      prompts;  // from the ConfigMap, where one is named
  const protocol::LoadLog* log = nullptr;
  std::map<int, PodView> views;
  std::optional<JobView> job;  // nullopt: not looked at yet
  std::optional<TimePoint> job_read_at;
  std::optional<Error> job_error;  // the API server refused it for good
  bool report_written = false;
  std::optional<Error> report_error;
  std::map<std::string, std::string> told;  // by pod uid: what it was told, or could not be told
  bool job_deleted = false;
};

}  // namespace chaos::loadtest
