// A process as a container would have it: process 1 of a PID namespace, with a /proc of its own. It
// ends with the test process, however that ends.
#pragma once

#include <string>
#include <vector>

#include "tests/integration/injector/program.h"
#include "tests/integration/injector/test_net.h"

namespace chaos::test {

class Victim {
 public:
  // The words are those of victim.cc. Returns once it runs.
  Victim(int net, std::vector<std::string> words, unsigned uid = 0, unsigned gid = 0);
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;
  ~Victim();

  // The namespaces for an injector beside it; `rights` says as whom.
  Privileges Beside(Privileges rights) const;
  // Whether it does anything at all within the limit.
  bool Beats(milliseconds limit = seconds(5));
  // Ends the wait of --connect.
  void Tell() const;
  // As a kubelet would report it: the exit code, 128 + signal for a signal.
  int Wait(milliseconds limit = seconds(10));
  bool Runs();
  int pid() const { return pid_; }  // as it is seen from here

 private:
  void Drain() const;

  int pid_ = -1;
  int keeper_ = -1;  // waits for process 1 and has its exit code
  std::optional<int> code_;
  Fd out_, in_, pids_, mounts_;
};

// From the network namespace of the thread: whether a victim that listens answers a request.
bool AnswersHealth(int port, milliseconds limit);

}  // namespace chaos::test
