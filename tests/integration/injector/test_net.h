// Two network namespaces, "target" and "peer", with a cable between them. Both are anonymous: they
// end with the test process, however it ends, and nothing is left behind.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace chaos::test {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A file descriptor that closes itself.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd();
  int get() const { return fd_; }

 private:
  int fd_ = -1;
};

// Tries again until it is true; false when it was not within `limit`.
bool WaitUntil(const std::function<bool()>& condition, milliseconds limit);

class TestNet {
 public:
  // Addresses: the target has 10.9.0.1 and fd09::1; the peer's side has 10.9.0.2 to .4 and fd09::2
  // to ::4, and listens on TCP 7835 and 7836 of each. The convention of the tests: .2 is the peer,
  // .3 is the control.
  TestNet();

  int target() const { return target_.get(); }
  int peer() const { return peer_.get(); }

  // Runs `body` with the namespace entered, on a thread of its own.
  static void In(int space, const std::function<void()>& body);
  // Runs a program in the namespace; its stdout. Fails the test if it fails.
  static std::string Run(int space, const std::vector<std::string>& command);

  // From the target: whether a connect gets an answer within the limit; refused is an answer.
  bool Reaches(const std::string& address, int port, milliseconds limit = milliseconds(300)) const;
  // The other way round: the peer's side connects to a listener of the target on port 9000.
  bool TargetIsReachedBy(const std::string& source, milliseconds limit = milliseconds(300)) const;
  // A connection from the target, accepted: both ends.
  struct Connection {
    Fd here, there;
  };
  Connection Open(const std::string& address, int port) const;
  std::string Nft(
      const std::string& command) const;  // in the target, as one line of nft's language

 private:
  Fd target_, peer_;
  Fd target_listener_;
  struct Listener {
    std::string address;
    int port;
    Fd fd;
  };
  std::vector<Listener> listeners_;
};

// Whether a text sent into one end comes out of the other within the limit.
bool Passes(const Fd& from, const Fd& to, milliseconds limit = milliseconds(300));

}  // namespace chaos::test
