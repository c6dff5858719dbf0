#include "injectors/agent/linux_node.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "injectors/nft_cut.h"

namespace chaos::inject {
namespace {

Address FromSockaddr(const sockaddr& from) {
  Address address;
  if (from.sa_family == AF_INET) {
    std::memcpy(address.bytes.data(), &reinterpret_cast<const sockaddr_in&>(from).sin_addr, 4);
  } else {
    address.v6 = true;
    std::memcpy(address.bytes.data(), &reinterpret_cast<const sockaddr_in6&>(from).sin6_addr, 16);
  }
  return address;
}

class TcpDial final : public Dial {
 public:
  TcpDial(Poller& poller, const Endpoint& endpoint) {
    const int family = endpoint.address.v6 ? AF_INET6 : AF_INET;
    fd_ = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) return;
    sockaddr_storage to{};
    socklen_t length = sizeof(sockaddr_in);
    if (endpoint.address.v6) {
      auto& in6 = reinterpret_cast<sockaddr_in6&>(to);
      in6.sin6_family = AF_INET6;
      in6.sin6_port = htons(endpoint.port);
      std::memcpy(&in6.sin6_addr, endpoint.address.bytes.data(), 16);
      length = sizeof in6;
    } else {
      auto& in = reinterpret_cast<sockaddr_in&>(to);
      in.sin_family = AF_INET;
      in.sin_port = htons(endpoint.port);
      std::memcpy(&in.sin_addr, endpoint.address.bytes.data(), 4);
    }
    if (connect(fd_, reinterpret_cast<const sockaddr*>(&to), length) == 0) {
      outcome_ = Reached::kConnected;
    } else if (errno == EINPROGRESS) {
      outcome_ = Reached::kPending;
      poller.WatchWritableOnce(fd_);
    } else {
      outcome_ = FromErrno(errno);
    }
  }
  ~TcpDial() override {
    if (fd_ >= 0) close(fd_);
  }

  Reached Poll() override {
    if (outcome_ != Reached::kPending) return outcome_;
    // Neither an error nor a peer: still on its way.
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) return outcome_ = FromErrno(error);
    sockaddr_storage peer{};
    length = sizeof peer;
    if (getpeername(fd_, reinterpret_cast<sockaddr*>(&peer), &length) == 0) {
      outcome_ = Reached::kConnected;
    }
    return outcome_;
  }

 private:
  static Reached FromErrno(int error) {
    return error == ECONNREFUSED || error == ECONNRESET ? Reached::kRefused : Reached::kUnreachable;
  }

  int fd_ = -1;
  Reached outcome_ = Reached::kUnreachable;
};

std::string Kernel() {
  utsname name{};
  uname(&name);
  return std::string("this node's kernel (") + name.release + ")";
}

Error Refusal(const NftSocket::Outcome& outcome, const std::string& table) {
  const bool at_table = outcome.message == kTableMessage;
  const auto denied = [](std::string text) { return Error{Reason::kDenied, std::move(text)}; };
  switch (outcome.error) {
    case EPERM:
      if (!at_table)
        return denied("the capability NET_ADMIN is missing, so packets cannot be dropped");
      [[fallthrough]];
    case EEXIST:
      if (at_table)
        return denied("the nft table " + table + " is already there and belongs to somebody else");
      break;
    case EINVAL:
    case EOPNOTSUPP:
      if (at_table) {
        return denied(Kernel() + " has no nft tables with an owner: 5.12 or newer is needed");
      }
      if (outcome.message < 0) return denied(Kernel() + " has no nf_tables");
      break;
    default:
      break;
  }
  return denied(Kernel() + " refused the packet filter at message " +
                std::to_string(outcome.message) + ": " + std::strerror(outcome.error));
}

}  // namespace

Result<bool> LinuxNode::TakeLock(const std::string& run) { return stops_.Open(run); }

std::vector<Address> LinuxNode::OwnAddresses() {
  std::vector<Address> own;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return own;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    const sockaddr* address = entry->ifa_addr;
    if (address == nullptr) continue;
    if (address->sa_family != AF_INET && address->sa_family != AF_INET6) continue;
    own.push_back(FromSockaddr(*address));
  }
  freeifaddrs(list);
  return own;
}

std::unique_ptr<Dial> LinuxNode::Connect(const Endpoint& endpoint) {
  return std::make_unique<TcpDial>(poller_, endpoint);
}

std::unique_ptr<Lookup> LinuxNode::Resolve(const std::string& name) {
  return std::make_unique<DnsLookup>(poller_, resolver_, name);
}

Result<void> LinuxNode::Send(const Cut& cut, nanoseconds lasts, bool dry) {
  if (!nft_.open()) {
    if (const int error = nft_.Open(); error != 0) {
      return Error{Reason::kDenied, Kernel() + " has no netfilter: " + std::strerror(error)};
    }
  }
  const NftSocket::Outcome outcome = nft_.Send(CutBatch(cut, lasts), dry);
  if (outcome.error != 0) return Refusal(outcome, cut.table);
  return {};
}

Result<void> LinuxNode::TryCut(const Cut& cut) { return Send(cut, seconds(1), /*dry=*/true); }

Result<void> LinuxNode::ApplyCut(const Cut& cut, nanoseconds lasts) {
  const Result<void> sent = Send(cut, lasts, /*dry=*/false);
  if (sent)
    applied_ = cut;
  else
    nft_.Close();  // whatever the kernel did, it is undone
  return sent;
}

Result<void> LinuxNode::WidenCut(const std::vector<Address>& more, nanoseconds lasts) {
  const NftSocket::Outcome outcome = nft_.Send(WidenBatch(applied_, more, lasts), /*dry=*/false);
  if (outcome.error == 0) return {};
  return Error{Reason::kDenied, Kernel() + " took no more addresses into the packet filter: " +
                                    std::strerror(outcome.error)};
}

Result<std::uint64_t> LinuxNode::Dropped() {
  return nft_.ReadCounter(applied_.table, kDroppedCounter);
}

// Closing the owner's socket makes the kernel remove the table as well, so there is no way to fail.
Result<void> LinuxNode::RemoveCut() {
  if (!nft_.open()) return {};
  nft_.Send(RemoveBatch(applied_), /*dry=*/false);
  nft_.Close();
  return {};
}

}  // namespace chaos::inject
