// The open files of a process, by /proc and prlimit.
#pragma once

#include "injectors/agent/sock_diag.h"
#include "injectors/descriptors.h"

namespace chaos::inject {

class LinuxDescriptors final : public Descriptors {
 public:
  // Requires: `sockets` outlives this.
  explicit LinuxDescriptors(SockDiag& sockets) : sockets_(sockets) {}

  Result<std::vector<int>> Open(const ProcessId& id) override;
  Result<FileLimit> Limit(const ProcessId& id) override;
  Result<void> SetSoft(const ProcessId& id, std::uint64_t soft) override;
  std::vector<Accepting> Listeners(const ProcessId& id) override;
  std::optional<std::uint32_t> Waiting(std::uint64_t inode) override;

 private:
  SockDiag& sockets_;
};

}  // namespace chaos::inject
