#include "injectors/agent/proxy_link.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "operator/base/check.h"

namespace chaos::inject {
namespace {

// More than this waits for one side: then nothing more is read from the other, which slows it down.
constexpr std::size_t kMostWaiting = 256 << 10;
constexpr std::size_t kReadAtOnce = 64 << 10;
constexpr int kReadsAtOnce = 4;  // so that others have their turn
constexpr nanoseconds kLinger = seconds(1);

}  // namespace

ProxyLink::ProxyLink(int epoll, std::uint64_t id, int client, int server, const Script& script,
                     Tally& tally)
    : epoll_(epoll), id_(id), tally_(tally), relay_(script, tally) {
  sockets_[kClient].fd = client;
  sockets_[kClient].connected = true;
  sockets_[kServer].fd = server;
  for (const Side side : {kClient, kServer}) {
    epoll_event event{};
    event.events = sockets_[side].watched = side == kClient ? EPOLLIN : EPOLLOUT;
    event.data.u64 = 2 * id_ + side;
    CHECK(epoll_ctl(epoll_, EPOLL_CTL_ADD, sockets_[side].fd, &event) == 0);
  }
}

ProxyLink::~ProxyLink() { End(/*reset=*/false); }

void ProxyLink::On(Side side, std::uint32_t events, nanoseconds now) {
  Socket& socket = sockets_[side];
  if (over_ || socket.fd < 0) return;
  if (!socket.connected) {
    Connected();
    if (over_) return;
  }
  socket.blocked = false;
  const bool hung_up = (events & (EPOLLHUP | EPOLLERR)) != 0;
  if (hung_up && socket.read_to_end && !socket.fin_sent)
    Broken(side);  // after its orderly half of an end
  else if (hung_up || (events & EPOLLIN) != 0)
    Read(side, hung_up, now);
  Pump(now);
}

// A client of a target that takes no connection has been accepted already: it is cut off again.
void ProxyLink::Connected() {
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(sockets_[kServer].fd, SOL_SOCKET, SO_ERROR, &error, &length);
  if (error == 0) {
    sockets_[kServer].connected = true;
    return;
  }
  tally_.Refused();
  End(/*reset=*/true);
}

void ProxyLink::Read(Side side, bool to_the_end, nanoseconds now) {
  std::array<char, kReadAtOnce> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  Socket& socket = sockets_[side];
  for (int i = 0; (to_the_end || (i < kReadsAtOnce && MayRead(side))) && !socket.read_to_end; ++i) {
    const ssize_t got = recv(socket.fd, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got < 0) return Broken(side);
    if (got == 0) {
      socket.read_to_end = true;
      return side == kClient ? relay_.ClientEnded() : relay_.ServerEnded();
    }
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
    if (side == kClient)
      relay_.FromClient(bytes, now);
    else
      relay_.FromServer(bytes, now);
    if (bytes.size() < buffer.size() && !to_the_end) return;
  }
}

// The target's end comes behind what it said before; a client that is gone needs nothing more.
void ProxyLink::Broken(Side side) {
  if (side == kClient) return End(/*reset=*/true);
  Shut(kServer, /*reset=*/false);
  relay_.ServerBroken();
}

void ProxyLink::Pump(nanoseconds now) {
  for (const Side side : {kServer, kClient}) {
    if (!over_) Write(side, now);
    if (!over_) EndOf(side);
  }
  if (over_) return;
  if (draining_ && relay_.Idle()) return End(/*reset=*/false);
  for (const Side side : {kClient, kServer}) {
    const Socket& socket = sockets_[side];
    if (socket.fd >= 0 && socket.read_to_end && socket.fin_sent) Shut(side, /*reset=*/false);
  }
  const bool gone = sockets_[kClient].fd < 0 && sockets_[kServer].fd < 0;
  if (gone || sockets_[kClient].fd < 0 || now >= linger_until_) return End(/*reset=*/false);
  if (sockets_[kServer].fd < 0 && sockets_[kClient].fin_sent && linger_until_ == Pipe::kNever)
    linger_until_ = now + kLinger;
  for (const Side side : {kClient, kServer}) Watch(side);
}

void ProxyLink::Write(Side side, nanoseconds now) {
  Socket& socket = sockets_[side];
  if (socket.fd < 0 || !socket.connected || socket.blocked) return;
  std::string_view ready = side == kServer ? relay_.ToServer(now) : relay_.ToClient(now);
  while (!ready.empty()) {
    const ssize_t sent = send(socket.fd, ready.data(), ready.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) {
      socket.blocked = true;
      return;
    }
    if (sent < 0) return Broken(side);
    const auto taken = static_cast<std::size_t>(sent);
    side == kServer ? relay_.TakeToServer(taken) : relay_.TakeToClient(taken);
    ready.remove_prefix(taken);
  }
}

Pipe::End ProxyLink::EndReached(Side side) const {
  return side == kServer ? relay_.to_server().EndReached() : relay_.to_client().EndReached();
}

void ProxyLink::EndOf(Side side) {
  Socket& socket = sockets_[side];
  if (socket.fd < 0 || !socket.connected) return;
  switch (EndReached(side)) {
    case Pipe::End::kOpen:
      return;
    case Pipe::End::kFin:
      if (!socket.fin_sent) shutdown(socket.fd, SHUT_WR);
      socket.fin_sent = true;
      return;
    case Pipe::End::kClose:
      return Shut(side, /*reset=*/false);
    case Pipe::End::kReset:
      return Shut(side, /*reset=*/true);
  }
}

void ProxyLink::Release(nanoseconds now) {
  relay_.StopActing();
  draining_ = true;
  Pump(now);
}

nanoseconds ProxyLink::NextDue() const { return std::min(relay_.NextDue(), linger_until_); }

void ProxyLink::Shut(Side side, bool reset) {
  Socket& socket = sockets_[side];
  if (socket.fd < 0) return;
  if (reset) {
    const linger at_once{1, 0};
    setsockopt(socket.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  close(socket.fd);
  socket.fd = -1;
}

void ProxyLink::End(bool reset) {
  Shut(kClient, reset);
  Shut(kServer, reset);
  over_ = true;
}

bool ProxyLink::MayRead(Side side) const {
  const Pipe& waiting = side == kClient ? relay_.to_server() : relay_.to_client();
  return waiting.size() < kMostWaiting;
}

void ProxyLink::Watch(Side side) {
  Socket& socket = sockets_[side];
  if (socket.fd < 0) return;
  std::uint32_t wanted = 0;
  if (socket.connected && !socket.read_to_end && MayRead(side)) wanted |= EPOLLIN;
  if (!socket.connected || socket.blocked) wanted |= EPOLLOUT;
  if (wanted == socket.watched) return;
  epoll_event event{};
  event.events = socket.watched = wanted;
  event.data.u64 = 2 * id_ + side;
  CHECK(epoll_ctl(epoll_, EPOLL_CTL_MOD, socket.fd, &event) == 0);
}

}  // namespace chaos::inject
