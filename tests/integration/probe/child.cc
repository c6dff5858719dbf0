// fork and exec by hand, because the child must die with the test (PR_SET_PDEATHSIG).
#include "tests/integration/probe/child.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace chaos::test {
namespace {

using Clock = std::chrono::steady_clock;

milliseconds Left(Clock::time_point deadline) {
  return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(deadline - Clock::now()));
}

}  // namespace

Child::Child(const std::vector<std::string>& arguments) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  int ends[2];
  if (::pipe(ends) != 0) ADD_FAILURE() << "no pipe";
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(ends[1], STDOUT_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  out_ = ends[0];
}

Child::~Child() {
  if (!status_) {
    Signal(SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  CloseOutput();
}

void Child::Signal(int signal) const {
  if (!status_) ::kill(pid_, signal);
}

std::optional<std::string> Child::Line(milliseconds within) {
  const auto deadline = Clock::now() + within;
  for (;;) {
    if (const std::size_t end = held_.find('\n'); end != std::string::npos) {
      std::string line = held_.substr(0, end);
      held_.erase(0, end + 1);
      return line;
    }
    pollfd ready{out_, POLLIN, 0};
    if (out_ < 0 || ::poll(&ready, 1, static_cast<int>(Left(deadline).count())) <= 0)
      return std::nullopt;
    char buffer[4096];
    const ssize_t n = ::read(out_, buffer, sizeof buffer);
    if (n <= 0) return std::nullopt;
    held_.append(buffer, static_cast<std::size_t>(n));
  }
}

void Child::CloseOutput() {
  if (out_ >= 0) ::close(out_);
  out_ = -1;
}

std::optional<int> Child::Wait(milliseconds within) {
  const auto deadline = Clock::now() + within;
  while (!status_) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    } else if (Clock::now() >= deadline) {
      return std::nullopt;
    } else {
      ::poll(nullptr, 0, 2);
    }
  }
  return status_;
}

int FreePort() {
  static int next = 10000 + static_cast<int>(::getpid() * 37L % 20000);
  for (int tries = 0; tries < 1000; ++tries) {
    const int port = 10000 + next++ % 20000;
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_port = htons(static_cast<std::uint16_t>(port));
    const bool free = ::bind(fd, reinterpret_cast<sockaddr*>(&any), sizeof any) == 0;
    ::close(fd);
    if (free) return port;
  }
  ADD_FAILURE() << "no free port";
  return 0;
}

}  // namespace chaos::test
