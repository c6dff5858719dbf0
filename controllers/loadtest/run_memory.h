// What this process knows of one run beyond the stores. Lost with the process; a successor finds it
// again in the logs.
#pragma once

#include <map>
#include <optional>

#include "controllers/loadtest/observed.h"
#include "controllers/world/log_follower.h"

namespace chaos::loadtest {

struct FollowedPod {
  std::string uid;
  LogFollower log;
  nanoseconds afresh_at{0};  // since boot
  std::optional<TimePoint> over_since;
  int ends_before = 0;  // of the log, when its container had not ended yet
};

struct RunMemory {
  protocol::LoadLog log;
  std::map<int, FollowedPod> pods;
  std::optional<JobView> job;
  std::optional<TimePoint> job_read_at;
  std::optional<Error> job_error;
  bool report_written = false, job_deleted = false;
  std::optional<Error> report_error;
  std::map<std::string, std::string> told;  // by pod uid
  std::optional<std::vector<Service>> services;
  std::optional<Result<std::vector<std::string>>> prompts;
  nanoseconds services_at{0}, prompts_at{0};
};

}  // namespace chaos::loadtest
