#include "tests/integration/injector/program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>

namespace chaos::test {
namespace {

constexpr int kNotStarted = 126;

// In the child between fork and exec.
[[noreturn]] void Become(int space, const std::vector<char*>& argv, const Privileges& privileges) {
  const bool entered = setns(space, CLONE_NEWNET) == 0;
  // Opened while still root: the checkout may lie where nobody else may look.
  const int program = open(argv[0], O_PATH | O_CLOEXEC);
  if (privileges.kill_after > 0) dup2(open(argv[2], O_PATH), 9);  // see kill_after.cc
  const bool beside = privileges.pid_space >= 0;
  if (privileges.own_pid_space || beside) {
    const int moved = beside ? setns(privileges.pid_space, CLONE_NEWPID) : unshare(CLONE_NEWPID);
    if (moved != 0) _exit(kNotStarted);
    if (beside && setns(privileges.mount_space, CLONE_NEWNS) != 0) _exit(kNotStarted);
    if (const pid_t inner = fork(); inner != 0) {
      close(STDOUT_FILENO);
      int status = 0;
      waitpid(inner, &status, 0);
      _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
    }
  }
  if (!privileges.resolv_conf.empty()) {
    const bool ours =
        unshare(CLONE_NEWNS) == 0 && mount("", "/", "", MS_REC | MS_PRIVATE, nullptr) == 0 &&
        mount(privileges.resolv_conf.c_str(), "/etc/resolv.conf", "", MS_BIND, nullptr) == 0;
    if (!ours) _exit(kNotStarted);
  }
  for (int cap = 0; cap <= CAP_LAST_CAP; ++cap) {
    if (cap == CAP_NET_ADMIN && privileges.net_admin) continue;
    if (cap == CAP_SYS_PTRACE && privileges.sys_ptrace) continue;
    prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
  }
  const bool became = (privileges.gid == 0 || setgid(privileges.gid) == 0) &&
                      (privileges.uid == 0 || setuid(privileges.uid) == 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (entered && became) execveat(program, "", argv.data(), environ, AT_EMPTY_PATH);
  _exit(kNotStarted);
}

}  // namespace

Program::Program(int space, std::vector<std::string> words, Privileges privileges) {
  char name[] = "/tmp/rbee-chaos-record-XXXXXX";
  const Fd file(mkstemp(name));
  EXPECT_EQ(fchmod(file.get(), 0666), 0);
  termination_log_ = name;
  words.insert(words.begin(), CHAOS_INJECTOR);
  words.insert(words.begin() + 2, {"--termination-log", termination_log_});
  if (privileges.kill_after > 0)
    words.insert(words.begin(), {CHAOS_KILL_AFTER, std::to_string(privileges.kill_after)});
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  int ends[2];
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  pid_ = fork();
  if (pid_ == 0) {
    dup2(ends[1], STDOUT_FILENO);
    Become(space, argv, privileges);
  }
  close(ends[1]);
  out_ = Fd(ends[0]);
}

Program::~Program() {
  if (!ended_) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  unlink(termination_log_.c_str());
}

// False at the end of the lines or when the limit passed.
bool Program::ReadMore(milliseconds limit) {
  pollfd ready{out_.get(), POLLIN, 0};
  if (poll(&ready, 1, static_cast<int>(limit.count())) != 1) return false;
  char buffer[4096];
  const ssize_t got = read(out_.get(), buffer, sizeof buffer);
  if (got <= 0) return false;
  rest_.append(buffer, static_cast<std::size_t>(got));
  for (std::size_t end; (end = rest_.find('\n')) != std::string::npos;) {
    const Result<protocol::Event> event = protocol::ParseEvent(rest_.substr(0, end));
    EXPECT_TRUE(event) << rest_;
    if (event) events_.push_back(*event);
    rest_.erase(0, end + 1);
  }
  return true;
}

std::optional<protocol::Event> Program::WaitFor(const std::string& event, milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  std::size_t seen = 0;
  while (true) {
    for (; seen < events_.size(); ++seen) {
      if (events_[seen].event == event) return events_[seen];
    }
    const auto left = std::chrono::ceil<milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0 || !ReadMore(left)) break;
  }
  for (const protocol::Event& other : events_) {
    if (other.event != "failed") continue;
    ADD_FAILURE() << "waited for " << event << ", but: " << other.reason << ": " << other.message;
  }
  return std::nullopt;
}

int Program::Wait(milliseconds limit) {
  int status = 0;
  const bool ended = WaitUntil([&] { return waitpid(pid_, &status, WNOHANG) == pid_; }, limit);
  EXPECT_TRUE(ended) << "the program did not end";
  if (!ended) return -1000;
  ended_ = true;
  while (ReadMore(milliseconds(0))) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void Program::Signal(int signal) const {
  pid_t pid = pid_;
  const std::string self = std::to_string(pid_);
  std::ifstream children("/proc/" + self + "/task/" + self + "/children");
  children >> pid;  // where it is one's that waits in between
  EXPECT_EQ(kill(pid > 0 ? pid : pid_, signal), 0);
}

std::vector<std::string> Program::names() const {
  std::vector<std::string> names;
  for (const protocol::Event& event : events_) names.push_back(event.event);
  return names;
}

std::string Program::record_text() const {
  std::ifstream file(termination_log_);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::optional<protocol::Record> Program::record() const {
  return protocol::ParseRecord(record_text());
}

protocol::InjectArguments Arguments(const std::string& run, milliseconds duration) {
  const TimePoint now = SystemClock().Now();
  protocol::InjectArguments arguments;
  arguments.run = run;
  arguments.nonce = "00112233445566778899aabbccddeeff";
  arguments.not_before = now - seconds(30);
  arguments.not_after = now + seconds(60);
  arguments.duration = duration;
  arguments.partition().peers = {{"pod hive-0", {"10.9.0.2"}, {7835}}};
  arguments.controls = {{"dns", "10.9.0.3", 7835}};
  arguments.protect = {"10.9.0.3"};
  return arguments;
}

std::vector<std::string> InjectWords(const protocol::InjectArguments& arguments) {
  return {"inject", PrintJson(protocol::ToJson(arguments))};
}

std::vector<std::string> RevertWords(const std::string& run, const std::string& undo) {
  return {"revert", PrintJson(protocol::ToJson(protocol::RevertArguments{run, undo}))};
}

std::vector<std::string> StopWords(const protocol::InjectArguments& arguments) {
  return {"stop", PrintJson(protocol::ToJson(
                      protocol::StopArguments{arguments.run, arguments.nonce, "ChaosStop"}))};
}

}  // namespace chaos::test
