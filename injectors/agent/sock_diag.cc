#include "injectors/agent/sock_diag.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>

namespace chaos::inject {
namespace {

constexpr timeval kAnswerWithin{2, 0};
constexpr std::size_t kBufferBytes = 64 << 10;
// States as in include/net/tcp_states.h.
constexpr int kEstablished = 1, kSynSent = 2, kSynReceived = 3, kListen = 10, kNewSynReceived = 12;

Address ToAddress(int family, const __be32* words) {
  Address address;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(words);
  constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  const bool mapped = family == AF_INET6 && std::equal(kMapped.begin(), kMapped.end(), bytes);
  address.v6 = family == AF_INET6 && !mapped;
  std::memcpy(address.bytes.data(), mapped ? bytes + 12 : bytes, address.size());
  return address;
}

std::optional<Connection> ToConnection(const nlmsghdr& header) {
  const auto* message = static_cast<const inet_diag_msg*>(NLMSG_DATA(&header));
  if (header.nlmsg_len < NLMSG_LENGTH(sizeof *message)) return std::nullopt;
  const int state = message->idiag_state;
  if (state == kSynReceived || state == kNewSynReceived || state == kListen) return std::nullopt;
  Connection connection;
  const inet_diag_sockid& id = message->id;
  connection.cookie = std::uint64_t{id.idiag_cookie[1]} << 32 | id.idiag_cookie[0];
  connection.state = state == kEstablished ? Connection::State::kOpen
                     : state == kSynSent   ? Connection::State::kOpening
                                           : Connection::State::kEnding;
  connection.here = {ToAddress(message->idiag_family, id.idiag_src), ntohs(id.idiag_sport)};
  connection.there = {ToAddress(message->idiag_family, id.idiag_dst), ntohs(id.idiag_dport)};
  auto length = static_cast<int>(header.nlmsg_len - NLMSG_LENGTH(sizeof *message));
  const auto* attribute = reinterpret_cast<const rtattr*>(reinterpret_cast<const char*>(message) +
                                                          NLMSG_ALIGN(sizeof *message));
  for (; RTA_OK(attribute, length); attribute = RTA_NEXT(attribute, length)) {
    if (attribute->rta_type != INET_DIAG_INFO) continue;
    tcp_info info{};  // older kernels send less
    std::memcpy(&info, RTA_DATA(attribute), std::min(sizeof info, RTA_PAYLOAD(attribute)));
    connection.acknowledged = info.tcpi_bytes_acked;
    connection.received = info.tcpi_bytes_received;
  }
  return connection;
}

}  // namespace

SockDiag::~SockDiag() {
  if (fd_ >= 0) close(fd_);
}

int SockDiag::Dump(int family, std::uint32_t states,
                   const std::function<void(const nlmsghdr&)>& each) {
  struct {
    nlmsghdr header{};
    inet_diag_req_v2 request{};
  } ask;
  ask.header.nlmsg_len = sizeof ask;
  ask.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  ask.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  ask.header.nlmsg_seq = ++sequence_;
  ask.request.sdiag_family = static_cast<std::uint8_t>(family);
  ask.request.sdiag_protocol = IPPROTO_TCP;
  ask.request.idiag_ext = 1 << (INET_DIAG_INFO - 1);
  ask.request.idiag_states = states;
  if (send(fd_, &ask, sizeof ask, 0) < 0) return errno;
  alignas(nlmsghdr) char buffer[kBufferBytes];
  while (true) {
    const ssize_t got = recv(fd_, buffer, sizeof buffer, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0 ? EIO : errno;
    auto length = static_cast<unsigned>(got);
    for (const auto* header = reinterpret_cast<const nlmsghdr*>(buffer); NLMSG_OK(header, length);
         header = NLMSG_NEXT(header, length)) {
      if (header->nlmsg_seq != sequence_) continue;
      if (header->nlmsg_type == NLMSG_DONE) return 0;
      if (header->nlmsg_type == NLMSG_ERROR)
        return -static_cast<const nlmsgerr*>(NLMSG_DATA(header))->error;
      each(*header);
    }
  }
}

Result<void> SockDiag::DumpAll(std::uint32_t states,
                               const std::function<void(const nlmsghdr&)>& each) {
  int error = 0;
  if (fd_ < 0) {
    fd_ = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd_ < 0)
      error = errno;
    else
      setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &kAnswerWithin, sizeof kAnswerWithin);
  }
  if (error == 0) error = Dump(AF_INET, states, each);
  // A kernel without IPv6 has no such connections.
  if (error == 0) error = Dump(AF_INET6, states, each);
  if (error == ENOENT) error = 0;
  if (error == 0) return {};
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
  return Error{Reason::kDenied,
               std::string("this node's kernel does not tell about connections (sock_diag): ") +
                   std::strerror(error)};
}

Result<std::vector<Connection>> SockDiag::Connections() {
  std::vector<Connection> connections;
  const Result<void> done = DumpAll(~(1U << kListen), [&](const nlmsghdr& header) {
    if (std::optional<Connection> connection = ToConnection(header))
      connections.push_back(*connection);
  });
  if (!done) return done.error();
  return connections;
}

Result<std::vector<Accepting>> SockDiag::Listeners() {
  std::vector<Accepting> listeners;
  const Result<void> done = DumpAll(1U << kListen, [&](const nlmsghdr& header) {
    const auto* message = static_cast<const inet_diag_msg*>(NLMSG_DATA(&header));
    if (header.nlmsg_len < NLMSG_LENGTH(sizeof *message)) return;
    const inet_diag_sockid& id = message->id;
    listeners.push_back({message->idiag_inode,
                         {ToAddress(message->idiag_family, id.idiag_src), ntohs(id.idiag_sport)},
                         message->idiag_rqueue,
                         true});
  });
  if (!done) return done.error();
  return listeners;
}

}  // namespace chaos::inject
