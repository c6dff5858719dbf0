// One client's connection and ours to the target in its place: moves bytes between two sockets and
// a Relay, which decides. What one side does, the other sees: a FIN as a FIN, a reset as a reset.
#pragma once

#include <array>
#include <cstdint>

#include "injectors/proxy/relay.h"

namespace chaos::inject {

class ProxyLink {
 public:
  enum Side : std::uint64_t { kClient = 0, kServer = 1 };

  // Takes the accepted client and a socket that connects to the target. Both are watched by `epoll`
  // with 2 × id + side as their data.
  ProxyLink(int epoll, std::uint64_t id, int client, int server, const Script& script,
            Tally& tally);
  ProxyLink(const ProxyLink&) = delete;
  ProxyLink& operator=(const ProxyLink&) = delete;
  ~ProxyLink();

  // News of one side, as epoll tells it.
  void On(Side side, std::uint32_t events, nanoseconds now);
  // Moves what is due.
  void Pump(nanoseconds now);
  // From now on nothing is done to it, and it ends once it is idle.
  void Release(nanoseconds now);
  // When to pump again at the latest.
  nanoseconds NextDue() const;
  bool over() const { return over_; }

 private:
  struct Socket {
    int fd = -1;
    bool connected = false;
    bool read_to_end = false;  // it sends nothing more
    bool fin_sent = false;
    bool blocked = false;  // it takes no more bytes at the moment
    std::uint32_t watched = 0;
  };

  void Connected();
  void Read(Side side, bool to_the_end, nanoseconds now);
  void Write(Side side, nanoseconds now);
  void EndOf(Side side);
  void Broken(Side side);
  void Shut(Side side, bool reset);
  void End(bool reset);
  void Watch(Side side);
  bool MayRead(Side side) const;
  Pipe::End EndReached(Side side) const;

  const int epoll_;
  const std::uint64_t id_;
  std::array<Socket, 2> sockets_;
  Tally& tally_;
  Relay relay_;
  bool draining_ = false;
  bool over_ = false;
  nanoseconds linger_until_ = Pipe::kNever;  // for the client to hang up
};

}  // namespace chaos::inject
