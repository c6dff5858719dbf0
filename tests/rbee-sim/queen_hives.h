// What the queen knows of its hives: one subscription per hive, and which workers may be given a
// job.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/rbee-sim/http_client.h"
#include "tests/rbee-sim/options.h"
#include "tests/rbee-sim/roster.h"

namespace rbee_sim {

class Hives {
 public:
  struct Handlers {
    std::function<void()> on_change;                             // a hive or a worker came or went
    std::function<void(const std::string& event)> on_telemetry;  // to be passed on
  };
  Hives(boost::asio::io_context& io, const Options& options, Handlers handlers);
  void Start();

  // A hive said where it is. False when there are too many.
  bool Ready(const std::string& id, const std::string& url);
  std::vector<std::string> OnlineHives() const;
  // Of the hives that are online only: losing a hive takes its workers out of the schedule.
  std::vector<KnownWorker> OnlineWorkers() const;
  // Takes turns among the online workers of a model that are not in `without`; nullptr when there
  // is none.
  const KnownWorker* Pick(const std::string& model, const std::set<std::string>& without);
  // A connection to this worker broke; a job ended well on it.
  void Broke(const std::string& worker_id, const std::string& why);
  void Served(const std::string& worker_id);

 private:
  struct Hive {
    std::string id, url;
    std::unique_ptr<EventSource> stream;
    std::chrono::steady_clock::time_point last_event, next_try;
    bool online = false, ever = false;
    int returns = 0;
  };
  void Tick();
  void Open(Hive& hive);
  void Event(Hive& hive, std::string_view data);
  void Lose(Hive& hive, const std::string& reason);
  void Changed(const Hive& hive);

  boost::asio::io_context& io_;
  Options options_;
  Handlers handlers_;
  boost::asio::steady_timer timer_;
  std::map<std::string, std::unique_ptr<Hive>> hives_;  // by id
  std::vector<std::unique_ptr<EventSource>> closed_;    // let go outside of their own handlers
  Roster roster_;
  KnownWorker picked_;
  std::size_t turn_ = 0;
};

}  // namespace rbee_sim
