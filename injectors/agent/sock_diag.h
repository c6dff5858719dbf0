// The kernel's list of TCP connections, over NETLINK_SOCK_DIAG. Needs no capability.
#pragma once

#include <functional>

#include "injectors/descriptors.h"
#include "injectors/sockets.h"

struct nlmsghdr;

namespace chaos::inject {

class SockDiag final : public Sockets {
 public:
  SockDiag() = default;
  SockDiag(const SockDiag&) = delete;
  SockDiag& operator=(const SockDiag&) = delete;
  ~SockDiag() override;

  Result<std::vector<Connection>> Connections() override;
  // All sockets on which connections are accepted, at the address to which they are bound.
  Result<std::vector<Accepting>> Listeners();

 private:
  // `states`: a bit for each, as in include/net/tcp_states.h.
  Result<void> DumpAll(std::uint32_t states, const std::function<void(const nlmsghdr&)>& each);
  // 0 or an errno.
  int Dump(int family, std::uint32_t states, const std::function<void(const nlmsghdr&)>& each);

  int fd_ = -1;
  std::uint32_t sequence_ = 0;
};

}  // namespace chaos::inject
