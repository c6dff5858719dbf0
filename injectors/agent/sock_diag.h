// The kernel's list of TCP connections, over NETLINK_SOCK_DIAG. Needs no capability.
#pragma once

#include "injectors/sockets.h"

namespace chaos::inject {

class SockDiag final : public Sockets {
 public:
  SockDiag() = default;
  SockDiag(const SockDiag&) = delete;
  SockDiag& operator=(const SockDiag&) = delete;
  ~SockDiag() override;

  Result<std::vector<Connection>> Connections() override;

 private:
  // 0 or an errno.
  int Dump(int family, std::vector<Connection>& connections);

  int fd_ = -1;
  std::uint32_t sequence_ = 0;
};

}  // namespace chaos::inject
