// Runs a program until one of its system calls that change something has been done for the N-th
// time, and then kills it, with no moment in between: kill_after N WORDS… with the program as
// descriptor 9. Exits 0 when it was killed there, 1 when it ended before; the program's own exit
// does not count. Which calls change something is the table below; one that only asks is left out
// by its arguments.
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace {

constexpr int kProgram = 9;

bool Changes(const __ptrace_syscall_info& call) {
  switch (call.entry.nr) {
    case SYS_prlimit64:
      return call.entry.args[2] != 0;
    case SYS_process_vm_writev:
    case SYS_ptrace:
    case SYS_fallocate:
    case SYS_sched_setaffinity:
    case SYS_sched_setscheduler:
    case SYS_sched_setattr:
    case SYS_setpriority:
      return true;
    default:
      return false;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  int left = std::atoi(argv[1]);
  const pid_t child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    fcntl(kProgram, F_SETFD, FD_CLOEXEC);
    execveat(kProgram, "", argv + 2, environ, AT_EMPTY_PATH);
    _exit(126);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) return 2;
  ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  bool changes = false;
  while (true) {
    if (ptrace(PTRACE_SYSCALL, child, nullptr, nullptr) != 0) return 2;
    if (waitpid(child, &status, 0) != child) return 2;
    if (!WIFSTOPPED(status)) return 1;
    if (WSTOPSIG(status) != (SIGTRAP | 0x80)) continue;  // a signal; none of ours is missed
    __ptrace_syscall_info call{};
    ptrace(static_cast<__ptrace_request>(PTRACE_GET_SYSCALL_INFO), child, sizeof call, &call);
    if (call.op == PTRACE_SYSCALL_INFO_ENTRY) changes = Changes(call);
    if (call.op != PTRACE_SYSCALL_INFO_EXIT || !changes) continue;
    changes = false;
    if (--left > 0) continue;
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    return 0;
  }
}
