// One job of the queen, from the moment its stream is read: narrates, picks a worker, passes its
// tokens on.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>

#include "tests/rbee-sim/http_client.h"
#include "tests/rbee-sim/http_server.h"
#include "tests/rbee-sim/options.h"
#include "tests/rbee-sim/queen_hives.h"

namespace rbee_sim {

// Ends with `[DONE]` in any case: after narration infer_success, after narration failed, or, when
// nothing was heard for the idle time, after neither. So a reader must look at the content.
class QueenJob : public std::enable_shared_from_this<QueenJob> {
 public:
  QueenJob(boost::asio::io_context& io, const Options& options, std::string id,
           std::string operation, std::shared_ptr<Exchange> client, std::function<void()> on_end);
  void Run(Hives& hives);
  void Cancel(const char* outcome);

 private:
  void Narrate(const char* actor, const char* action, const std::string& human);
  void Infer(Hives& hives, const std::string& model, const std::string& prompt,
             const std::string& body);
  void PostToWorker(const KnownWorker& worker, const std::string& body);
  void StreamFromWorker(const std::string& url, const std::string& path);
  void WorkerEvent(std::string_view data);
  void Succeed();
  void Fail(const std::string& why);
  void End(const char* outcome);
  void WatchIdle();

  boost::asio::io_context& io_;
  const Options& options_;
  std::string id_, operation_;
  std::shared_ptr<Exchange> client_;
  std::function<void()> on_end_;
  std::unique_ptr<EventSource> worker_;
  boost::asio::steady_timer idle_;
  int tokens_ = 0;
  bool over_ = false;
};

}  // namespace rbee_sim
