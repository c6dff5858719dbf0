// How one container of a pod tells another to stop: an abstract unix socket, which is per network
// namespace and needs no file, no capability and no common PID namespace. Its name doubles as the
// lock of a run.
#pragma once

#include <string>
#include <vector>

#include "injectors/agent/poller.h"
#include "injectors/agent/supervisor.h"
#include "injectors/protocol/arguments.h"
#include "operator/base/result.h"

namespace chaos::inject {

// The injector's end. Whoever is in the pod may connect: the nonce decides, and the number of
// connections is bounded.
class StopListener {
 public:
  // Requires: `poller` outlives this.
  explicit StopListener(Poller& poller) : poller_(poller) {}
  StopListener(const StopListener&) = delete;
  StopListener& operator=(const StopListener&) = delete;
  ~StopListener();

  // False: somebody else listens for this run.
  Result<bool> Open(const std::string& run);
  // The requests that have come; never blocks.
  std::vector<StopRequest> Take();
  // Sends and hangs up. Unknown ids are ignored: the stopper may have gone.
  void Answer(int id, const std::string& answer);

 private:
  struct Caller {
    int fd;
    bool asked;  // has sent its request and waits
  };
  void Accept();
  void Forget(std::size_t index);

  Poller& poller_;
  std::string run_;
  int listener_ = -1;
  std::vector<Caller> callers_;  // oldest first
};

// The stopper's end: asks, and waits for the answer for at most 5 s. kNotFound: nobody listens for
// this run.
Result<std::string> AskToStop(const protocol::StopArguments& arguments);

}  // namespace chaos::inject
