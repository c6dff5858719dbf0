// The queen: the front door. Takes jobs, schedules them on workers of online hives, and tells of
// its hives' state.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "tests/rbee-sim/http_server.h"
#include "tests/rbee-sim/options.h"
#include "tests/rbee-sim/queen_hives.h"
#include "tests/rbee-sim/queen_job.h"

namespace rbee_sim {

class Queen {
 public:
  Queen(boost::asio::io_context& io, const Options& options);
  std::string Start();

 private:
  void Handle(const Request& request, const std::shared_ptr<Exchange>& exchange);
  void HiveReady(const Request& request, Exchange& exchange);
  void CreateJob(const Request& request, Exchange& exchange);
  void StreamJob(const std::string& id, const std::shared_ptr<Exchange>& exchange);
  void DeleteJob(const std::string& id, Exchange& exchange);
  void Subscribe(const std::shared_ptr<Exchange>& exchange);
  void Publish(const std::string& event);
  void Beat();
  std::string State() const;

  boost::asio::io_context& io_;
  Options options_;
  Hives hives_;
  Server server_;
  boost::asio::steady_timer beat_timer_;
  std::map<std::string, std::string> pending_;  // job id to operation, until its stream is read
  std::deque<std::string> pending_order_;
  std::map<std::string, std::shared_ptr<QueenJob>> running_;
  std::list<std::shared_ptr<Exchange>> subscribers_;
  std::uint64_t made_ = 0;
};

}  // namespace rbee_sim
