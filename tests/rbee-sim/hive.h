// The hive: knows the workers that report to it and tells whoever subscribes, first of all the
// queen.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "tests/rbee-sim/http_server.h"
#include "tests/rbee-sim/options.h"

namespace rbee_sim {

class Hive {
 public:
  Hive(boost::asio::io_context& io, const Options& options);
  std::string Start();

 private:
  struct Known {
    std::string instance, url, model;
    bool busy = false;
    std::chrono::steady_clock::time_point since, seen;
  };
  struct Subscriber {
    std::shared_ptr<Exchange> exchange;
    bool is_queen;
  };
  void Handle(const Request& request, const std::shared_ptr<Exchange>& exchange);
  void Remember(const Request& request, Exchange& exchange);
  void Subscribe(const Request& request, const std::shared_ptr<Exchange>& exchange);
  void Publish();
  void Beat();
  void TellQueen();
  std::string Telemetry() const;

  boost::asio::io_context& io_;
  Options options_;
  Server server_;
  boost::asio::steady_timer beat_timer_, ready_timer_;
  std::map<std::string, Known> workers_;  // by worker id
  std::list<Subscriber> subscribers_;
  std::chrono::milliseconds back_off_{0};
  bool told_ = false;  // the queen answered, and has been subscribed since
};

}  // namespace rbee_sim
