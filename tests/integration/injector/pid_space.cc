#include "tests/integration/injector/pid_space.h"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

namespace chaos::test {
namespace {

// Forked, before it becomes the victim.
[[noreturn]] void Become(int net, std::vector<char*> argv, unsigned uid, unsigned gid) {
  const int program = open(argv[0], O_PATH | O_CLOEXEC);
  const bool apart = mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                     mount("proc", "/proc", "proc", 0, nullptr) == 0 &&
                     setns(net, CLONE_NEWNET) == 0 && setgroups(0, nullptr) == 0 &&
                     setgid(gid) == 0 && setuid(uid) == 0;
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // another user would have lost it
  std::string name = "victim";
  argv[0] = name.data();
  if (apart) execveat(program, "", argv.data(), environ, AT_EMPTY_PATH);
  _exit(126);
}

// Makes the namespaces, says the number of their process 1, and ends as that ends.
[[noreturn]] void Keep(int net, const std::vector<char*>& argv, unsigned uid, unsigned gid,
                       int say) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (unshare(CLONE_NEWPID | CLONE_NEWNS) != 0) _exit(126);
  const pid_t first = fork();
  if (first == 0) Become(net, argv, uid, gid);
  if (write(say, &first, sizeof first) != sizeof first) _exit(126);
  close(STDOUT_FILENO);
  int status = 0;
  waitpid(first, &status, 0);
  _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

Fd Space(pid_t pid, const char* kind) {
  return Fd(open(("/proc/" + std::to_string(pid) + "/ns/" + kind).c_str(), O_RDONLY | O_CLOEXEC));
}

}  // namespace

Victim::Victim(int net, std::vector<std::string> words, unsigned uid, unsigned gid) {
  words.insert(words.begin(), CHAOS_VICTIM);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  int out[2], in[2], say[2];
  EXPECT_EQ(pipe2(out, O_CLOEXEC), 0);
  EXPECT_EQ(pipe2(in, O_CLOEXEC), 0);
  EXPECT_EQ(pipe2(say, O_CLOEXEC), 0);
  keeper_ = fork();
  if (keeper_ == 0) {
    dup2(out[1], STDOUT_FILENO);
    dup2(in[0], STDIN_FILENO);
    Keep(net, argv, uid, gid, say[1]);
  }
  for (const int fd : {out[1], in[0], say[1]}) close(fd);
  out_ = Fd(out[0]);
  in_ = Fd(in[1]);
  fcntl(out_.get(), F_SETFL, O_NONBLOCK);
  const Fd said(say[0]);
  pid_t first = 0;
  EXPECT_EQ(read(said.get(), &first, sizeof first), static_cast<ssize_t>(sizeof first));
  EXPECT_TRUE(Beats()) << "the victim did not start";
  pid_ = first;
  pids_ = Space(first, "pid");
  mounts_ = Space(first, "mnt");
}

Victim::~Victim() {
  if (code_) return;
  kill(keeper_, SIGKILL);
  waitpid(keeper_, nullptr, 0);
}

Privileges Victim::Beside(Privileges rights) const {
  rights.pid_space = pids_.get();
  rights.mount_space = mounts_.get();
  return rights;
}

void Victim::Drain() const {
  char dots[4096];
  while (read(out_.get(), dots, sizeof dots) > 0) {
  }
}

bool Victim::Beats(milliseconds limit) {
  Drain();
  pollfd ready{out_.get(), POLLIN, 0};
  return poll(&ready, 1, static_cast<int>(limit.count())) == 1 && (ready.revents & POLLIN) != 0;
}

void Victim::Tell() const { EXPECT_EQ(write(in_.get(), "\n", 1), 1); }

bool Victim::Runs() {
  int status = 0;
  if (!code_ && waitpid(keeper_, &status, WNOHANG) == keeper_) code_ = WEXITSTATUS(status);
  return !code_;
}

bool AnswersHealth(int port, milliseconds limit) {
  const Fd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<unsigned short>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  constexpr std::string_view kRequest = "GET /health HTTP/1.1\r\n\r\n";
  if (connect(client.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return false;
  if (send(client.get(), kRequest.data(), kRequest.size(), MSG_NOSIGNAL) < 0) return false;
  pollfd ready{client.get(), POLLIN, 0};
  char answer = 0;
  return poll(&ready, 1, static_cast<int>(limit.count())) == 1 &&
         recv(client.get(), &answer, 1, 0) == 1;
}

int Victim::Wait(milliseconds limit) {
  EXPECT_TRUE(WaitUntil([&] { return !Runs(); }, limit)) << "the victim did not end";
  return code_.value_or(-1);
}

}  // namespace chaos::test
