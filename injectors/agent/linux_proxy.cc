#include "injectors/agent/linux_proxy.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "injectors/agent/routes.h"
#include "injectors/nft_cut.h"
#include "injectors/nft_redirect.h"
#include "operator/base/check.h"

namespace chaos::inject {
namespace {

constexpr int kOriginalDestination = 80;  // SO_ORIGINAL_DST, IP6T_SO_ORIGINAL_DST
constexpr int kBacklog = 4096;
constexpr int kAcceptsAtOnce = 64, kEventsAtOnce = 128;
constexpr rlim_t kMostDescriptors = 65536, kOtherDescriptors = 64;

std::string ReadAll(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Name {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr_in& v4() const { return reinterpret_cast<const sockaddr_in&>(storage); }
  const sockaddr_in6& v6() const { return reinterpret_cast<const sockaddr_in6&>(storage); }
};

std::uint16_t PortOf(const Name& name, bool v6) {
  return ntohs(v6 ? name.v6().sin6_port : name.v4().sin_port);
}

Address AddressOf(const Name& name, bool v6) {
  Address address;
  address.v6 = v6;
  if (v6)
    std::memcpy(address.bytes.data(), &name.v6().sin6_addr, 16);
  else
    std::memcpy(address.bytes.data(), &name.v4().sin_addr, 4);
  return address;
}

bool HasFamily(const Redirect& redirect, bool v6) {
  return std::any_of(redirect.served.begin(), redirect.served.end(),
                     [&](const Address& address) { return address.v6 == v6; });
}

template <class Value>
bool Has(const std::vector<Value>& values, const Value& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

void NoDelay(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// As many connections as this process may have; two descriptors each.
std::size_t RaiseLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 128;
  const rlim_t wanted = std::min(limit.rlim_max, kMostDescriptors);
  if (limit.rlim_cur < wanted) {
    rlimit raised = limit;
    raised.rlim_cur = wanted;
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit.rlim_cur = wanted;
  }
  return (std::min(limit.rlim_cur, kMostDescriptors) - kOtherDescriptors) / 2;
}

Error Refusal(const NftSocket::Outcome& outcome, const std::string& table) {
  utsname name{};
  uname(&name);
  const std::string kernel = std::string("this node's kernel (") + name.release + ")";
  const auto denied = [](std::string text) { return Error{Reason::kDenied, std::move(text)}; };
  const bool at_table = outcome.message == kTableMessage;
  if (outcome.error == EPERM && !at_table)
    return denied("the capability NET_ADMIN is missing, so connections cannot be redirected");
  if ((outcome.error == EPERM || outcome.error == EEXIST) && at_table)
    return denied("the nft table " + table + " is already there and belongs to somebody else");
  if ((outcome.error == EINVAL || outcome.error == EOPNOTSUPP) && at_table)
    return denied(kernel + " has no nft tables with an owner: 5.12 or newer is needed");
  if (outcome.error == ENOENT || outcome.error == EOPNOTSUPP)
    return denied(kernel + " cannot redirect connections by nftables (nft_redir, nft_chain_nat)");
  return denied(kernel + " refused the redirect at message " + std::to_string(outcome.message) +
                ": " + std::strerror(outcome.error));
}

}  // namespace

LinuxProxy::~LinuxProxy() {
  links_.clear();
  for (const Listener& listener : listeners_) {
    if (listener.fd >= 0) close(listener.fd);
  }
  if (epoll_ >= 0) close(epoll_);
}

std::vector<Address> LinuxProxy::Gateways() {
  std::vector<Address> gateways = Gateways4(ReadAll("/proc/net/route"));
  for (const Address& address : Gateways6(ReadAll("/proc/net/ipv6_route")))
    gateways.push_back(address);
  return gateways;
}

// On every address, since a redirect may lead to any; who comes there by himself is turned away.
Result<void> LinuxProxy::Listen() {
  if (epoll_ >= 0) return {};
  most_links_ = RaiseLimit();
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  CHECK(epoll_ >= 0);
  poller_.WatchReadable(epoll_);
  int error = 0;
  for (const bool v6 : {false, true}) {
    const int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) continue;
    const int on = 1;
    if (v6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    Name name;
    name.storage.ss_family = v6 ? AF_INET6 : AF_INET;
    name.length = v6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    if (bind(fd, name.get(), name.length) != 0 || listen(fd, kBacklog) != 0 ||
        getsockname(fd, name.get(), &name.length) != 0) {
      error = errno;
      close(fd);
      continue;
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = v6;
    CHECK(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0);
    listeners_[v6] = {fd, PortOf(name, v6)};
  }
  if (listeners_[0].fd < 0 && listeners_[1].fd < 0)
    return Error{Reason::kDenied, std::string("the proxy cannot listen: ") + std::strerror(error)};
  return {};
}

Result<void> LinuxProxy::OpenTable() {
  const int error = nft_.open() ? 0 : nft_.Open();
  if (error == 0) return {};
  return Error{Reason::kDenied,
               std::string("this node's kernel has no netfilter: ") + std::strerror(error)};
}

Result<void> LinuxProxy::Send(const Redirect& redirect, nanoseconds lasts, bool dry) {
  const NftSocket::Outcome outcome =
      nft_.Send(RedirectBatch(redirect, listeners_[0].port, listeners_[1].port, lasts), dry);
  if (outcome.error != 0) return Refusal(outcome, redirect.table);
  return {};
}

// The table's socket first: descriptors of a process that is killed are closed from the last to the
// first, and what the listeners and connections say then must still find its way back.
Result<void> LinuxProxy::Try(const Redirect& redirect) {
  if (const Result<void> opened = OpenTable(); !opened) return opened;
  if (const Result<void> listens = Listen(); !listens) return listens;
  return Send(redirect, seconds(1), /*dry=*/true);
}

Result<void> LinuxProxy::Start(const Redirect& redirect, const Script& script, Tally& tally,
                               nanoseconds lasts) {
  redirect_ = redirect;
  script_ = &script;
  tally_ = &tally;
  const Result<void> sent = Send(redirect, lasts, /*dry=*/false);
  if (!sent) nft_.Close();  // whatever the kernel did, it is undone
  return sent;
}

nanoseconds LinuxProxy::Run(nanoseconds now) {
  std::array<epoll_event, kEventsAtOnce> events{};
  const int count = epoll_wait(epoll_, events.data(), events.size(), 0);
  for (int i = 0; i < count; ++i) {
    const std::uint64_t data = events[static_cast<std::size_t>(i)].data.u64;
    if (data < 2) {
      Accept(data == 1, now);
      continue;
    }
    const auto found = links_.find(data / 2);
    if (found == links_.end()) continue;  // ended by an event before this one
    found->second->On(static_cast<ProxyLink::Side>(data % 2),
                      events[static_cast<std::size_t>(i)].events, now);
    Tidy(data / 2, *found->second);
  }
  while (!queue_.empty() && queue_.begin()->first <= now) {
    const std::uint64_t id = queue_.begin()->second;
    queue_.erase(queue_.begin());
    due_.erase(id);
    const auto found = links_.find(id);
    if (found == links_.end()) continue;
    found->second->Pump(now);
    Tidy(id, *found->second);
  }
  return queue_.empty() ? Pipe::kNever : queue_.begin()->first;
}

// After anything was done to it: forgets one that is over, and remembers when it wants its turn.
void LinuxProxy::Tidy(std::uint64_t id, ProxyLink& link) {
  const nanoseconds due = link.over() ? Pipe::kNever : link.NextDue();
  const auto known = due_.find(id);
  if (known != due_.end() && known->second != due) {
    queue_.erase({known->second, id});
    due_.erase(known);
  }
  if (due != Pipe::kNever && due_.try_emplace(id, due).second) queue_.insert({due, id});
  if (link.over()) links_.erase(id);
}

void LinuxProxy::Accept(bool v6, nanoseconds now) {
  for (int i = 0; i < kAcceptsAtOnce; ++i) {
    const int client = accept4(listeners_[v6].fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client < 0) return;
    Name to;
    const bool redirected = getsockopt(client, v6 ? int{IPPROTO_IPV6} : int{IPPROTO_IP},
                                       kOriginalDestination, to.get(), &to.length) == 0;
    // Someone who knocks at the listener itself would be led in a circle.
    if (!redirected || !Has(redirect_.ports, PortOf(to, v6)) ||
        !Has(redirect_.served, AddressOf(to, v6)) || links_.size() >= most_links_) {
      if (redirected && links_.size() >= most_links_) tally_->TooMany();
      close(client);
      continue;
    }
    const int server =
        socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (server < 0) {
      tally_->TooMany();
      close(client);
      return;
    }
    NoDelay(client);
    NoDelay(server);
    tally_->Connected();
    // What it did not take at once, the socket says when it is ready.
    if (connect(server, to.get(), to.length) != 0 && errno != EINPROGRESS) {
      tally_->Refused();
      const linger at_once{1, 0};
      setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
      close(client);
      close(server);
      continue;
    }
    const std::uint64_t id = ++last_id_;
    auto link = std::make_unique<ProxyLink>(epoll_, id, client, server, *script_, *tally_);
    ProxyLink& there = *links_.emplace(id, std::move(link)).first->second;
    if (draining_) there.Release(now);
    Tidy(id, there);
  }
}

void LinuxProxy::Release(nanoseconds now) {
  if (script_ == nullptr) return;
  draining_ = true;
  nft_.Send(ReleaseBatch(redirect_, listeners_[0].fd >= 0 && HasFamily(redirect_, false),
                         listeners_[1].fd >= 0 && HasFamily(redirect_, true)),
            /*dry=*/false);
  std::vector<std::uint64_t> ids;
  for (const auto& [id, link] : links_) ids.push_back(id);
  for (const std::uint64_t id : ids) {
    ProxyLink& link = *links_.at(id);
    link.Release(now);
    Tidy(id, link);
  }
}

std::optional<std::uint64_t> LinuxProxy::Spared() {
  const Result<std::uint64_t> spared = nft_.ReadCounter(redirect_.table, kSparedCounter);
  return spared ? std::optional(*spared) : std::nullopt;
}

}  // namespace chaos::inject
