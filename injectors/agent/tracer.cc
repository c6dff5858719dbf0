#include "injectors/agent/tracer.h"

#include <dirent.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstring>
#include <string>

#include "injectors/agent/exit_call.h"

namespace chaos::inject {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kStopsWithin{1000};
constexpr milliseconds kStragglesFor{50};
constexpr int kMostPasses = 100;  // over threads that start threads while we stop them

// nullopt: it did not change within the limit after the last news of any thread (errno EAGAIN), or
// is not ours (ECHILD). Requires: SIGCHLD is blocked, so that none is missed in between.
std::optional<int> WaitFor(int tid, milliseconds limit) {
  sigset_t news;
  sigemptyset(&news);
  sigaddset(&news, SIGCHLD);
  const timespec patience{limit.count() / 1000, limit.count() % 1000 * 1'000'000};
  for (bool over = false;;) {
    int status = 0;
    const pid_t got = waitpid(tid, &status, __WALL | WNOHANG);
    if (got == tid) return status;
    if (got < 0 && errno != EINTR) return std::nullopt;
    if (over) {
      errno = EAGAIN;
      return std::nullopt;
    }
    over = sigtimedwait(&news, nullptr, &patience) < 0 && errno == EAGAIN;
  }
}

int Stop(int tid) {
  if (ptrace(PTRACE_SEIZE, tid, nullptr, nullptr) != 0) return errno;
  if (ptrace(PTRACE_INTERRUPT, tid, nullptr, nullptr) != 0) return errno;
  return 0;
}

void Detach(int tid, int signal) {
  ptrace(PTRACE_DETACH, tid, nullptr, reinterpret_cast<void*>(static_cast<long>(signal)));
}

// A stop for a signal that is on its way has no event; ours has one.
int SignalIn(int status) { return status >> 16 == 0 ? WSTOPSIG(status) : 0; }

int CodeIn(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

std::vector<int> ThreadsOf(int pid) {
  std::vector<int> threads;
  DIR* dir = opendir(("/proc/" + std::to_string(pid) + "/task").c_str());
  if (dir == nullptr) return threads;
  while (const dirent* entry = readdir(dir)) {
    int tid = 0;
    const char* end = entry->d_name + std::strlen(entry->d_name);
    if (std::from_chars(entry->d_name, end, tid).ptr == end && tid > 0) threads.push_back(tid);
  }
  closedir(dir);
  return threads;
}

Tracer::Tracer() {
  sigset_t news;
  sigemptyset(&news);
  sigaddset(&news, SIGCHLD);
  sigprocmask(SIG_BLOCK, &news, nullptr);
}

// A child of ours tries it and ends, which lets go of a thread that was never stopped.
int Tracer::Try(int pid) {
  const pid_t child = fork();
  if (child < 0) return errno;
  if (child == 0) {
    int error = ESRCH;
    for (const int tid : ThreadsOf(pid)) {
      error = ptrace(PTRACE_SEIZE, tid, nullptr, nullptr) == 0 ? 0 : errno;
      if (error == 0) break;
    }
    _exit(error);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
}

int Tracer::Deliver(int pid, int signal) {
  int error = ESRCH;
  for (const int tid : ThreadsOf(pid)) {
    if (ptrace(PTRACE_ATTACH, tid, nullptr, nullptr) != 0) {
      error = errno;
      continue;
    }
    // Others may come first; attaching is SIGSTOP, which must not stay behind.
    std::optional<int> status = WaitFor(tid, kStopsWithin);
    while (status && WIFSTOPPED(*status) && WSTOPSIG(*status) != SIGSTOP && signal != SIGKILL) {
      ptrace(PTRACE_CONT, tid, nullptr,
             reinterpret_cast<void*>(static_cast<long>(SignalIn(*status))));
      status = WaitFor(tid, kStopsWithin);
    }
    if (!status) {
      syscall(SYS_tgkill, pid, tid, SIGCONT);
      stragglers_.push_back(tid);
      return EBUSY;
    }
    if (!WIFSTOPPED(*status)) return ESRCH;
    if (signal != SIGKILL) {
      Detach(tid, signal);
      return 0;
    }
    followed_ = tid;
    ptrace(PTRACE_CONT, tid, nullptr, reinterpret_cast<void*>(static_cast<long>(signal)));
    return 0;
  }
  return error;
}

int Tracer::Exit(int pid, int code) {
  int error = ESRCH;
  for (const int tid : ThreadsOf(pid)) {
    if (error = Stop(tid); error != 0) continue;
    const std::optional<int> status = WaitFor(tid, kStopsWithin);
    if (!status) {
      stragglers_.push_back(tid);
      return EBUSY;
    }
    if (!WIFSTOPPED(*status)) return ESRCH;
    if (error = MakeCallExit(pid, tid, code); error != 0) {
      Detach(tid, SignalIn(*status));
      return error;
    }
    followed_ = tid;
    ptrace(PTRACE_CONT, tid, nullptr, nullptr);
    return 0;
  }
  return error;
}

// Threads that are not yet held can start more: the list is read until it has nothing new.
int Tracer::Hold(int pid) {
  LetStragglersGo();
  const auto known = [&](int tid) {
    return std::any_of(held_.begin(), held_.end(), [&](const Thread& t) { return t.tid == tid; });
  };
  int error = ESRCH;
  for (int pass = 0; pass < kMostPasses; ++pass) {
    const std::size_t before = held_.size();
    for (const int tid : ThreadsOf(pid)) {
      if (known(tid)) continue;
      const int refused = Stop(tid);
      if (refused == 0) {
        held_.push_back({tid, false, 0});
      } else if (refused != ESRCH) {
        error = refused;  // also of a thread that has ended and is not yet gone
      }
    }
    if (held_.size() == before) break;
    for (Thread& thread : held_) {
      if (thread.stopped) continue;
      const std::optional<int> status = WaitFor(thread.tid, kStopsWithin);
      if (!status) {
        Release();
        return EBUSY;
      }
      thread.stopped = WIFSTOPPED(*status);
      if (thread.stopped) thread.signal = SignalIn(*status);
    }
    std::erase_if(held_, [](const Thread& t) { return !t.stopped; });  // those that ended
  }
  return held_.empty() ? error : 0;
}

void Tracer::Release() {
  for (const Thread& thread : held_) {
    if (thread.stopped)
      Detach(thread.tid, thread.signal);
    else
      stragglers_.push_back(thread.tid);
  }
  held_.clear();
  LetStragglersGo();
}

void Tracer::LetStragglersGo() {
  std::erase_if(stragglers_, [](int tid) {
    const std::optional<int> status = WaitFor(tid, kStragglesFor);
    if (!status) return errno == ECHILD;
    if (WIFSTOPPED(*status)) Detach(tid, WSTOPSIG(*status) == SIGSTOP ? 0 : SignalIn(*status));
    return true;
  });
}

std::optional<int> Tracer::Reap(int pid) {
  std::optional<int> code;
  const auto ended = [&](int tid) {
    int status = 0;
    if (waitpid(tid, &status, __WALL | WNOHANG) != tid) return false;
    if (WIFSTOPPED(status)) {  // on its way out: a signal more must not keep it
      if (tid == followed_)
        ptrace(PTRACE_CONT, tid, nullptr,
               reinterpret_cast<void*>(static_cast<long>(SignalIn(status))));
      return false;
    }
    if (tid == pid) code = CodeIn(status);
    return true;
  };
  std::erase_if(held_, [&](const Thread& thread) { return ended(thread.tid); });
  if (followed_ != 0 && ended(followed_)) followed_ = 0;
  return code;
}

}  // namespace chaos::inject
