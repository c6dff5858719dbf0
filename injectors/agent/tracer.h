// ptrace on the threads of one process. All that it does is gone when we end: the kernel lets every
// thread go then.
#pragma once

#include <optional>
#include <vector>

namespace chaos::inject {

std::vector<int> ThreadsOf(int pid);

class Tracer {
 public:
  // Blocks SIGCHLD for good: the kernel tells of stops with it.
  Tracer();
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;
  ~Tracer() { Release(); }

  // These return 0 or an errno. ESRCH: it is gone. EBUSY: a thread did not stop within a second.

  // Whether it may be traced, without stopping it.
  static int Try(int pid);
  // As if the signal had been on its way to it: process 1 cannot drop SIGKILL then.
  int Deliver(int pid, int signal);
  // Has one of its threads call exit_group(code).
  int Exit(int pid, int code);
  // All or nothing.
  int Hold(int pid);
  void Release();

  // The exit code of a process that ended while it was traced, 128 + signal for a signal. Has to be
  // asked while anything is traced: the parent hears of the end only then.
  std::optional<int> Reap(int pid);

 private:
  struct Thread {
    int tid = 0;
    bool stopped = false;
    int signal = 0;  // was on its way to it when it stopped: passed on when it is let go
  };
  void LetStragglersGo();

  std::vector<Thread> held_;
  std::vector<int> stragglers_;  // let go as soon as they stop
  int followed_ = 0;             // thread of one that we end, until it has ended
};

}  // namespace chaos::inject
