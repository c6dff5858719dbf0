#include "injectors/agent/exit_call.h"

#include <elf.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

namespace chaos::inject {
namespace {

// The end of the program's own code, where the page is mostly empty: another thread that came by
// there before the process is gone would do what we wrote. 0: there is none.
unsigned long PlaceForCode(int pid) {
  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
  for (std::string line; std::getline(maps, line);) {
    unsigned long start = 0, end = 0;
    char rights[5] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &start, &end, rights) != 3) continue;  // NOLINT
    const bool of_a_file = line.find('/') != std::string::npos;
    if (rights[2] == 'x' && of_a_file && end - start >= 16) return end - 16;
  }
  return 0;
}

#if defined(__x86_64__)
constexpr unsigned long kCodeMask = 0xffff, kCode = 0x050f;  // syscall
constexpr unsigned long kUserCode64 = 0x33;                  // code segment of a 64-bit process

int SetRegisters(int tid, unsigned long place, int code) {
  user_regs_struct registers{};
  iovec view{&registers, sizeof registers};
  if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &view) != 0) return errno;
  if (view.iov_len != sizeof registers || registers.cs != kUserCode64) return ENOTSUP;
  registers.rip = place;
  registers.rax = SYS_exit_group;
  registers.orig_rax = static_cast<unsigned long>(-1);  // no system call to go on with
  registers.rdi = static_cast<unsigned long>(code);
  return ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &view) == 0 ? 0 : errno;
}
#elif defined(__aarch64__)
constexpr unsigned long kCodeMask = 0xffffffff, kCode = 0xd4000001;  // svc #0
constexpr int kSystemCall = 0x404;                                   // NT_ARM_SYSTEM_CALL

int SetRegisters(int tid, unsigned long place, int code) {
  user_regs_struct registers{};
  iovec view{&registers, sizeof registers};
  if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &view) != 0) return errno;
  if (view.iov_len != sizeof registers) return ENOTSUP;
  int none = -1;  // no system call to go on with
  iovec call{&none, sizeof none};
  if (ptrace(PTRACE_SETREGSET, tid, kSystemCall, &call) != 0) return errno;
  registers.pc = place;
  registers.regs[8] = SYS_exit_group;
  registers.regs[0] = static_cast<unsigned long>(code);
  return ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &view) == 0 ? 0 : errno;
}
#else
constexpr unsigned long kCodeMask = 0, kCode = 0;
int SetRegisters(int, unsigned long, int) { return ENOTSUP; }
#endif

void* Pointer(unsigned long value) {
  return reinterpret_cast<void*>(value);  // NOLINT(performance-no-int-to-ptr): as ptrace wants it
}

}  // namespace

int MakeCallExit(int pid, int tid, int code) {
  const unsigned long place = PlaceForCode(pid);
  if (place == 0) return ENOTSUP;
  errno = 0;
  const auto before =
      static_cast<unsigned long>(ptrace(PTRACE_PEEKTEXT, tid, Pointer(place), nullptr));
  if (errno != 0) return errno;
  const unsigned long with = (before & ~kCodeMask) | kCode;
  if (ptrace(PTRACE_POKETEXT, tid, Pointer(place), Pointer(with)) != 0) return errno;
  const int error = SetRegisters(tid, place, code);
  if (error != 0) ptrace(PTRACE_POKETEXT, tid, Pointer(place), Pointer(before));
  return error;
}

}  // namespace chaos::inject
