// Which workers may be given a job. A worker is doubted when its hive has not heard of it, or when
// a connection to it broke; it leaves when nobody has heard of it for the time asked for since
// then.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/rbee-sim/options.h"

namespace rbee_sim {

struct KnownWorker {
  std::string id, url, model, hive_id;
  bool busy = false;
  std::chrono::steady_clock::time_point heard;  // its last report to its hive
};

class Roster {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  explicit Roster(const Options& options) : options_(options) {}

  // What a hive says of its workers. True when one came, came back or moved.
  bool Heard(const std::string& hive_id, const std::vector<KnownWorker>& listed, TimePoint now);
  // A connection to this worker broke.
  void Suspect(const std::string& id, const std::string& why, TimePoint now);
  // A job ended well on this worker: the first one after another was doubted is a reroute.
  void Served(const std::string& id, TimePoint now);
  // Takes out those whose time is up. True when there were some.
  bool Drop(TimePoint now);
  // Those in the schedule.
  std::vector<KnownWorker> Of(const std::string& hive_id) const;

 private:
  struct Entry {
    KnownWorker worker;
    std::optional<TimePoint> suspected;
    bool in = true;  // in the schedule
  };
  Options options_;
  std::map<std::string, Entry> entries_;  // by worker id
  std::string doubted_;                   // the last one, until somebody else has served
  TimePoint doubted_at_;
};

}  // namespace rbee_sim
