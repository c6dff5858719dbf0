#include "tests/integration/injector/test_net.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

namespace chaos::test {
namespace {

constexpr int kTargetPort = 9000;

struct Name {
  sockaddr_storage storage{};
  socklen_t length = 0;
  int family() const { return storage.ss_family; }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Name NameOf(const std::string& address, int port) {
  Name name;
  if (address.find(':') == std::string::npos) {
    auto& in = reinterpret_cast<sockaddr_in&>(name.storage);
    in.sin_family = AF_INET;
    in.sin_port = htons(static_cast<std::uint16_t>(port));
    EXPECT_EQ(inet_pton(AF_INET, address.c_str(), &in.sin_addr), 1);
    name.length = sizeof in;
  } else {
    auto& in6 = reinterpret_cast<sockaddr_in6&>(name.storage);
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(static_cast<std::uint16_t>(port));
    EXPECT_EQ(inet_pton(AF_INET6, address.c_str(), &in6.sin6_addr), 1);
    name.length = sizeof in6;
  }
  return name;
}

Fd NewNamespace() {
  int fd = -1;
  std::thread([&] {
    if (unshare(CLONE_NEWNET) == 0) fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  }).join();
  EXPECT_GE(fd, 0) << "these tests need root: " << std::strerror(errno);
  return Fd(fd);
}

Fd Listen(int space, const std::string& address, int port) {
  int fd = -1;
  TestNet::In(space, [&] {
    const Name name = NameOf(address, port);
    fd = socket(name.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    EXPECT_EQ(bind(fd, name.get(), name.length), 0) << address << ": " << std::strerror(errno);
    EXPECT_EQ(listen(fd, 128), 0);
  });
  return Fd(fd);
}

// A connect from within the namespace; -1 in the Fd when it did not succeed. `answered`: it was, or
// refused.
Fd Connect(int space, const std::string& source, const std::string& address, int port,
           milliseconds limit, bool* answered) {
  int fd = -1;
  TestNet::In(space, [&] {
    const Name to = NameOf(address, port);
    fd = socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (!source.empty()) {
      const Name from = NameOf(source, 0);
      EXPECT_EQ(bind(fd, from.get(), from.length), 0);
    }
    int error = connect(fd, to.get(), to.length) == 0 ? 0 : errno;
    pollfd ready{fd, POLLOUT, 0};
    if (error == EINPROGRESS && poll(&ready, 1, static_cast<int>(limit.count())) == 1) {
      socklen_t length = sizeof error;
      getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    }
    if (answered != nullptr) *answered = error == 0 || error == ECONNREFUSED;
    if (error != 0) close(std::exchange(fd, -1));
  });
  return Fd(fd);
}

}  // namespace

Fd::~Fd() {
  if (fd_ >= 0) close(fd_);
}

bool WaitUntil(const std::function<bool()>& condition, milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(milliseconds(2));
  }
  return true;
}

TestNet::TestNet() : target_(NewNamespace()), peer_(NewNamespace()) {
  // Names of namespaces with a slash are paths; the child inherits this descriptor.
  const Fd door(dup(peer_.get()));
  Run(target(), {"ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns",
                 "/proc/self/fd/" + std::to_string(door.get())});
  for (const int space : {target(), peer()}) {
    Run(space, {"ip", "link", "set", "lo", "up"});
    Run(space, {"ip", "link", "set", "eth0", "up"});
  }
  Run(target(), {"ip", "addr", "add", "10.9.0.1/24", "dev", "eth0"});
  Run(target(), {"ip", "addr", "add", "fd09::1/64", "dev", "eth0", "nodad"});
  target_listener_ = Listen(target(), "::", kTargetPort);
  for (const std::string last : {"2", "3", "4"}) {
    Run(peer(), {"ip", "addr", "add", "10.9.0." + last + "/24", "dev", "eth0"});
    Run(peer(), {"ip", "addr", "add", "fd09::" + last + "/64", "dev", "eth0", "nodad"});
    for (const std::string& address : {"10.9.0." + last, "fd09::" + last}) {
      for (const int port : {7835, 7836}) {
        listeners_.push_back({address, port, Listen(peer(), address, port)});
      }
      EXPECT_TRUE(WaitUntil([&] { return Reaches(address, 7835); }, seconds(5))) << address;
    }
  }
}

void TestNet::In(int space, const std::function<void()>& body) {
  std::thread([&] {
    ASSERT_EQ(setns(space, CLONE_NEWNET), 0) << std::strerror(errno);
    body();
  }).join();
}

std::string TestNet::Run(int space, const std::vector<std::string>& command) {
  std::string out;
  In(space, [&] {
    std::string line;
    for (const std::string& word : command) line += "'" + word + "' ";
    FILE* pipe = popen(line.c_str(), "r");
    char buffer[4096];
    for (std::size_t got; (got = fread(buffer, 1, sizeof buffer, pipe)) > 0;)
      out.append(buffer, got);
    EXPECT_EQ(pclose(pipe), 0) << line;
  });
  return out;
}

bool TestNet::Reaches(const std::string& address, int port, milliseconds limit) const {
  bool answered = false;
  Connect(target(), "", address, port, limit, &answered);
  return answered;
}

bool TestNet::TargetIsReachedBy(const std::string& source, milliseconds limit) const {
  bool answered = false;
  const bool v6 = source.find(':') != std::string::npos;
  Connect(peer(), source, v6 ? "fd09::1" : "10.9.0.1", kTargetPort, limit, &answered);
  return answered;
}

TestNet::Connection TestNet::Open(const std::string& address, int port) const {
  for (const Listener& listener : listeners_) {
    if (listener.address != address || listener.port != port) continue;
    // Earlier connects of a test wait in the queue: they come first.
    for (int fd; (fd = accept4(listener.fd.get(), nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) close(fd);
    Fd here = Connect(target(), "", address, port, seconds(2), nullptr);
    int there = -1;
    EXPECT_TRUE(WaitUntil(
        [&] {
          there = accept4(listener.fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
          return there >= 0;
        },
        seconds(2)));
    return {std::move(here), Fd(there)};
  }
  ADD_FAILURE() << "nobody listens on " << address;
  return {};
}

std::string TestNet::Nft(const std::string& command) const {
  return Run(target(), {"nft", command});
}

bool Passes(const Fd& from, const Fd& to, milliseconds limit) {
  const std::string text = "hello";
  if (send(from.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0) return false;
  pollfd ready{to.get(), POLLIN, 0};
  if (poll(&ready, 1, static_cast<int>(limit.count())) != 1) return false;
  char buffer[64];
  return recv(to.get(), buffer, sizeof buffer, MSG_DONTWAIT) >= static_cast<ssize_t>(text.size());
}

}  // namespace chaos::test
