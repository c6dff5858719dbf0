// The worker: loads its "model", opens its port, reports to its hive, and streams tokens at a fixed
// rate.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <map>
#include <memory>
#include <string>

#include "tests/rbee-sim/http_server.h"
#include "tests/rbee-sim/options.h"

namespace rbee_sim {

class Worker {
 public:
  Worker(boost::asio::io_context& io, const Options& options);
  void Start();

 private:
  struct Job;
  void OpenPort();
  void Report();
  void Handle(const Request& request, const std::shared_ptr<Exchange>& exchange);
  void Create(const Request& request, Exchange& exchange);
  void Attach(const std::string& id, const std::shared_ptr<Exchange>& exchange);
  void RunNext();
  void NextToken(const std::shared_ptr<Job>& job);
  bool Break(const std::shared_ptr<Job>& job);
  void Done(const std::shared_ptr<Job>& job, const char* outcome);
  void Finish(const std::shared_ptr<Job>& job, const char* outcome);

  boost::asio::io_context& io_;
  Options options_;
  Server server_;
  boost::asio::steady_timer timer_;
  std::map<std::string, std::shared_ptr<Job>> jobs_;  // created and not yet over
  std::deque<std::shared_ptr<Job>> waiting_;          // in the order of their creation
  int running_ = 0;
  int made_ = 0;
  bool told_ = false;  // the hive has answered the last report
};

}  // namespace rbee_sim
