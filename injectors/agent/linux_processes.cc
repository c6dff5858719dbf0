#include "injectors/agent/linux_processes.h"

#include <dirent.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>

#include "injectors/agent/proc_files.h"

namespace chaos::inject {
namespace {

constexpr ino_t kFirstPidNamespace = 4026531836;  // PROC_PID_INIT_INO: the machine's own
constexpr std::size_t kMostCommandBytes = 1024;

std::string Proc(int pid, const char* file) { return "/proc/" + std::to_string(pid) + "/" + file; }

std::optional<ProcStat> StatOf(const ProcessId& id) {
  const std::optional<ProcStat> stat = ParseStat(ReadFile(Proc(id.pid, "stat")));
  if (!stat || stat->start != id.start) return std::nullopt;
  return stat;
}

std::string CommandOf(int pid) {
  std::string words = ReadFile(Proc(pid, "cmdline")).substr(0, kMostCommandBytes);
  while (!words.empty() && words.back() == '\0') words.pop_back();
  std::replace(words.begin(), words.end(), '\0', ' ');
  return words;
}

std::string Ids(std::uint32_t uid, std::uint32_t gid) {
  return std::to_string(uid) + ":" + std::to_string(gid);
}

Error Denied(std::string detail) { return {Reason::kDenied, std::move(detail), {}, 0}; }

// What stands between us and the process, most likely first.
Error WhyNoTrace(int pid, int error) {
  const std::string which = "process " + std::to_string(pid);
  if (error == ESRCH) return {Reason::kNotFound, which + " has ended by itself", {}, 0};
  if (error == EBUSY)
    return Denied(which + " has a thread that does not stop: it waits in the kernel");
  if (error == ENOTSUP)
    return Denied(which +
                  " is no process of this machine's own kind, so no call can be put into it");
  if (error != EPERM) return Denied(which + " may not be traced: " + std::strerror(error));
  const ProcStatus it = ParseStatus(ReadFile(Proc(pid, "status")));
  const ProcStatus us = ParseStatus(ReadFile("/proc/self/status"));
  const bool may_all = (us.effective >> CAP_SYS_PTRACE & 1) != 0;
  if (it.tracer != 0)
    return Denied(which + " is traced already, by process " + std::to_string(it.tracer));
  int yama = 0;
  const std::string scope = ReadFile("/proc/sys/kernel/yama/ptrace_scope");
  std::from_chars(scope.data(), scope.data() + scope.size(), yama);
  if (yama == 3)
    return Denied("this node lets nobody trace anybody (kernel.yama.ptrace_scope is 3)");
  if (yama > 0 && !may_all)
    return Denied("this node lets only SYS_PTRACE trace (kernel.yama.ptrace_scope is " +
                  std::to_string(yama) + "), and the injector has not got it");
  const auto same = [](const std::array<std::uint32_t, 3>& ids, std::uint32_t ours) {
    return std::all_of(ids.begin(), ids.end(), [&](std::uint32_t id) { return id == ours; });
  };
  if (!may_all && (!same(it.uid, us.uid[0]) || !same(it.gid, us.gid[0])))
    return Denied(which + " runs as " + Ids(it.uid[0], it.gid[0]) + " and the injector as " +
                  Ids(us.uid[0], us.gid[0]) +
                  ": it needs the same user and group, or SYS_PTRACE as root");
  if (!may_all)
    return Denied(which +
                  " may not be traced although its user and group are the injector's: it has "
                  "capabilities that the injector has not, or has made itself not dumpable; "
                  "SYS_PTRACE as root is needed");
  return Denied(which +
                " may not be traced in spite of SYS_PTRACE: a security module (AppArmor, SELinux), "
                "a seccomp profile or a user namespace is in the way");
}

int SendByHandle(const ProcessId& id, int signal) {
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, id.pid, 0));
  if (fd < 0) return errno;
  // The handle is of this process, or of none: now the number means what it did.
  int error = StatOf(id) ? 0 : ESRCH;
  if (error == 0 && syscall(SYS_pidfd_send_signal, fd, signal, nullptr, 0) != 0) error = errno;
  close(fd);
  return error;
}

}  // namespace

LinuxProcesses::~LinuxProcesses() {
  if (timer_) timer_delete(*timer_);
}

Result<std::vector<ProcessEntry>> LinuxProcesses::List() {
  struct stat space {};
  if (stat("/proc/self/ns/pid", &space) == 0 && space.st_ino == kFirstPidNamespace) {
    return Denied(
        "this pod shares the processes of its node (hostPID): process 1 is the node's own, and "
        "none of them is hurt from here");
  }
  char self[32] = {};
  if (readlink("/proc/self", self, sizeof self - 1) < 0 || self != std::to_string(getpid()))
    return Denied("/proc does not show the processes that the injector is among");
  std::vector<ProcessEntry> processes;
  DIR* dir = opendir("/proc");
  if (dir == nullptr) return Denied("/proc cannot be read");
  while (const dirent* entry = readdir(dir)) {
    int pid = 0;
    const char* end = entry->d_name + std::strlen(entry->d_name);
    if (std::from_chars(entry->d_name, end, pid).ptr != end || pid <= 0 || pid == getpid())
      continue;
    const std::optional<ProcStat> stat = ParseStat(ReadFile(Proc(pid, "stat")));
    if (!stat || stat->state == 'Z' || stat->state == 'X') continue;
    std::string command = CommandOf(pid);
    if (command.empty() && pid != 1) continue;  // a kernel thread
    processes.push_back({{pid, stat->start}, std::move(command)});
  }
  closedir(dir);
  std::sort(processes.begin(), processes.end(),
            [](const ProcessEntry& a, const ProcessEntry& b) { return a.id < b.id; });
  return processes;
}

OnTerm LinuxProcesses::HowItTakesTerm(const ProcessId& id) {
  const ProcStatus status = ParseStatus(ReadFile(Proc(id.pid, "status")));
  const std::uint64_t bit = 1ULL << (SIGTERM - 1);
  if ((status.ignored & bit) != 0) return OnTerm::kIgnored;
  if (((status.caught | status.blocked) & bit) != 0) return OnTerm::kHandled;
  return id.pid == 1 ? OnTerm::kIgnored : OnTerm::kDies;
}

std::optional<Activity> LinuxProcesses::Look(const ProcessId& id) {
  if (!StatOf(id)) return std::nullopt;
  Activity activity;
  std::uint64_t ticks = 0;
  for (const int tid : ThreadsOf(id.pid)) {
    const std::string task = "task/" + std::to_string(tid);
    const std::optional<ProcStat> stat =
        ParseStat(ReadFile(Proc(id.pid, (task + "/stat").c_str())));
    if (!stat || stat->state == 'Z' || stat->state == 'X') continue;
    const ProcStatus status = ParseStatus(ReadFile(Proc(id.pid, (task + "/status").c_str())));
    ++activity.threads;
    const bool ours = status.tracer == getpid();
    if (stat->state == 't' && ours) ++activity.held;
    if (stat->state == 'T' || (stat->state == 't' && !ours)) ++activity.stopped;
    ticks += stat->cpu_ticks;
    activity.switches += status.switches;
  }
  if (activity.threads == 0) return std::nullopt;
  const auto per_second = static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
  activity.cpu = milliseconds(ticks * 1000 / per_second);
  return activity;
}

Activity LinuxProcesses::LookAtOurselves() {
  const std::optional<ProcStat> stat = ParseStat(ReadFile("/proc/self/stat"));
  return Look({getpid(), stat ? stat->start : 0}).value_or(Activity{});
}

std::optional<Ended> LinuxProcesses::End(const ProcessId& id) {
  if (const std::optional<int> code = tracer_.Reap(id.pid)) code_ = code;
  if (code_) return Ended{code_};
  const std::optional<ProcStat> stat = StatOf(id);
  // The first thread may be gone and leave the others: it is a zombie then, and they go on.
  if (stat && (stat->state != 'Z' || Look(id))) return std::nullopt;
  return Ended{};
}

Result<void> LinuxProcesses::TryTrace(const ProcessId& id) {
  if (const int error = Tracer::Try(id.pid); error != 0) return WhyNoTrace(id.pid, error);
  return {};
}

Result<void> LinuxProcesses::TrySignal(const ProcessId& id) {
  if (const int error = SendByHandle(id, 0); error != 0)
    return Denied("process " + std::to_string(id.pid) + ": " + std::strerror(error));
  return {};
}

Result<void> LinuxProcesses::Send(const ProcessId& id, int signal, bool traced) {
  int error = traced ? EPERM : SendByHandle(id, signal);
  if (error != 0 && error != ESRCH) error = StatOf(id) ? tracer_.Deliver(id.pid, signal) : ESRCH;
  if (error != 0) return WhyNoTrace(id.pid, error);
  return {};
}

// Process 1 drops what comes from inside of its namespace.
Result<void> LinuxProcesses::Kill(const ProcessId& id) {
  return Send(id, SIGKILL, /*traced=*/id.pid == 1);
}

Result<void> LinuxProcesses::Terminate(const ProcessId& id) {
  return Send(id, SIGTERM, /*traced=*/false);
}

Result<void> LinuxProcesses::Exit(const ProcessId& id, int code) {
  const int error = StatOf(id) ? tracer_.Exit(id.pid, code) : ESRCH;
  if (error != 0) return WhyNoTrace(id.pid, error);
  return {};
}

Result<void> LinuxProcesses::Hold(const ProcessId& id) {
  const int error = StatOf(id) ? tracer_.Hold(id.pid) : ESRCH;
  if (error != 0) return WhyNoTrace(id.pid, error);
  return {};
}

Result<void> LinuxProcesses::EndUsAfter(nanoseconds time) {
  if (!timer_) {
    sigevent kill{};
    kill.sigev_notify = SIGEV_SIGNAL;
    kill.sigev_signo = SIGKILL;
    timer_t timer{};
    if (timer_create(CLOCK_BOOTTIME, &kill, &timer) != 0)
      return Denied(std::string("the kernel gave no timer: ") + std::strerror(errno));
    timer_ = timer;
  }
  itimerspec when{};
  when.it_value.tv_sec = time.count() / 1'000'000'000;
  when.it_value.tv_nsec = time.count() % 1'000'000'000;
  if (timer_settime(*timer_, 0, &when, nullptr) != 0)
    return Denied(std::string("the kernel took no timer: ") + std::strerror(errno));
  return {};
}

}  // namespace chaos::inject
