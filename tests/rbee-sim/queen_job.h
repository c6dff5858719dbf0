// One job of the queen, from the moment its stream is read: narrates, picks a worker, passes its
// tokens on.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "tests/rbee-sim/http_client.h"
#include "tests/rbee-sim/http_server.h"
#include "tests/rbee-sim/options.h"
#include "tests/rbee-sim/queen_hives.h"

namespace rbee_sim {

// Ends with `[DONE]` in any case: after narration infer_success, after narration failed, or, when
// nothing was sent for the idle time, after neither. So a reader must look at the content. After an
// idle cut the worker is still listened to until it ends, as in the real queen.
class QueenJob : public std::enable_shared_from_this<QueenJob> {
 public:
  QueenJob(boost::asio::io_context& io, const Options& options, Hives& hives, std::string id,
           std::string operation, std::shared_ptr<Exchange> client, std::function<void()> on_end);
  void Run();
  void Cancel(const char* outcome);

 private:
  void Narrate(const char* actor, const char* action, const std::string& human);
  void Schedule();
  void PostToWorker();
  void StreamFromWorker(const std::string& path);
  void WorkerEvent(std::string_view data);
  void WorkerBroke(const std::string& why);
  void Succeed();
  void Fail(const std::string& why);
  void End(const char* outcome);
  void WatchIdle();
  void IdleCut();
  void CloseClient();

  boost::asio::io_context& io_;
  const Options& options_;
  Hives& hives_;
  std::string id_, operation_, model_;
  KnownWorker worker_;           // the one in use
  std::set<std::string> tried_;  // ids of those that broke
  std::shared_ptr<Exchange> client_;
  std::function<void()> on_end_;
  std::unique_ptr<EventSource> stream_;
  boost::asio::steady_timer idle_;
  int tokens_ = 0;  // passed on, or printed
  int skip_ = 0;    // of the present worker's, since another one's were passed on before
  bool cut_ = false, over_ = false;
};

}  // namespace rbee_sim
