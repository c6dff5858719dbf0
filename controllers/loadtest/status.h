// status of a LoadTest: everything that a fresh operator needs to go on with a run, and a user to
// understand it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controllers/world/run.h"
#include "operator/base/clock.h"
#include "operator/base/json.h"
#include "operator/kube/conditions.h"

namespace chaos::loadtest {

struct StopStatus {
  std::string reason;
  // Abort | Deletion | ChaosStop | NamespaceTermination | SpecChange | Threshold | NoLiveData |
  // StartFailed | Owner
  std::string by;
  std::optional<TimePoint> at;
  bool operator==(const StopStatus&) const = default;
};

struct Resolved {
  std::optional<std::int64_t> seed;
  std::string url, protocol, image;
  int pods = 0, max_vus = 0;
  milliseconds length{0};
  bool operator==(const Resolved&) const = default;
};

struct Progress {
  milliseconds elapsed{0};  // since T0, when these were written
  int vus = 0;
  std::int64_t requests = 0, errors = 0;
  std::string rate;
  bool operator==(const Progress&) const = default;
};

struct ThresholdStatus {
  std::string metric, expression, phase;
  std::string holds = "unknown";  // true | false | unknown
  std::string observed;
  std::int64_t samples = 0;
  bool operator==(const ThresholdStatus&) const = default;
};

struct TrendStatus {
  std::int64_t n = 0;
  std::string avg, p50, p95, p99;
  bool operator==(const TrendStatus&) const = default;
};
struct PhaseStatus {
  std::int64_t requests = 0, errors = 0, tokens = 0, dropped = 0;
  std::string error_rate;
  std::map<std::string, TrendStatus> trends;  // httpReqDuration iterationDuration e2e ttft itl tpot
  std::map<std::string, std::int64_t> endings;
  bool operator==(const PhaseStatus&) const = default;
};

struct Status {
  std::int64_t observed_generation = -1;
  std::string active_run;  // spec hash of the live run
  std::string phase = "Pending";
  std::string verdict, reason, summary;
  std::optional<TimePoint> eligible_at;
  std::optional<TimePoint> started_at;  // T0
  std::optional<TimePoint> ends_at, finished_at;
  std::string job, report;
  Resolved resolved;
  std::optional<Progress> progress;
  std::string coverage_pods, coverage_vu_time;
  std::vector<std::string> coverage_missing;
  std::vector<ThresholdStatus> thresholds;
  std::map<std::string, PhaseStatus> phases;  // all before during after
  std::string worst_lag, throttled;           // of the generator
  std::vector<std::string> error_samples;
  std::optional<StopStatus> stop;
  std::vector<RunRecord> runs;  // last 10, newest last
  std::vector<kube::Condition> conditions;
  bool operator==(const Status&) const = default;

  bool Live() const { return !active_run.empty(); }

  static Status FromJson(const Json& status);
  // The whole status, as the full intent of its one writer.
  Json ToJson() const;
};

}  // namespace chaos::loadtest
