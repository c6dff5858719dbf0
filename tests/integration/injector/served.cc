#include "tests/integration/injector/served.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace chaos::test {
namespace {

using std::chrono::steady_clock;

// IPv4 or IPv6, into the one shape that both have.
socklen_t Name(const std::string& address, int port, sockaddr_storage& storage) {
  storage = {};
  auto& in = reinterpret_cast<sockaddr_in&>(storage);
  auto& in6 = reinterpret_cast<sockaddr_in6&>(storage);
  if (inet_pton(AF_INET, address.c_str(), &in.sin_addr) == 1) {
    in.sin_family = AF_INET;
    in.sin_port = htons(static_cast<std::uint16_t>(port));
    return sizeof in;
  }
  EXPECT_EQ(inet_pton(AF_INET6, address.c_str(), &in6.sin6_addr), 1) << address;
  in6.sin6_family = AF_INET6;
  in6.sin6_port = htons(static_cast<std::uint16_t>(port));
  return sizeof in6;
}

milliseconds Left(steady_clock::time_point end) {
  return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(end - steady_clock::now()));
}

bool Readable(int fd, milliseconds limit) {
  pollfd ready{fd, POLLIN, 0};
  return poll(&ready, 1, static_cast<int>(limit.count())) == 1;
}

}  // namespace

SimWorker::SimWorker(const TestNet& net, std::vector<std::string> flags) {
  flags.insert(flags.begin(), {RBEE_SIM, "worker", "--port", "8080", "--advertise", "10.9.0.1",
                               "--hive-url", "http://127.0.0.1:9"});
  std::vector<char*> argv;
  for (std::string& flag : flags) argv.push_back(flag.data());
  argv.push_back(nullptr);
  int ends[2];
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    dup2(ends[1], STDOUT_FILENO);
    if (setns(net.target(), CLONE_NEWNET) == 0) execv(argv[0], argv.data());
    _exit(126);
  }
  close(ends[1]);
  out_ = Fd(ends[0]);
  EXPECT_NE(WaitForLine("\"listening\""), "");
}

SimWorker::~SimWorker() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

std::string SimWorker::WaitForLine(const std::string& text, milliseconds limit) {
  const auto end = steady_clock::now() + limit;
  while (true) {
    for (std::size_t line_end; (line_end = rest_.find('\n')) != std::string::npos;) {
      const std::string line = rest_.substr(0, line_end);
      rest_.erase(0, line_end + 1);
      if (line.find(text) != std::string::npos) return line;
    }
    if (!Readable(out_.get(), Left(end))) return "";
    std::array<char, 4096> buffer{};
    const ssize_t got = read(out_.get(), buffer.data(), buffer.size());
    if (got <= 0) return "";
    rest_.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

Echo::Echo(const TestNet& net) {
  int fd = -1;
  TestNet::In(net.target(), [&] {
    fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1, off = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    sockaddr_storage any{};
    const socklen_t length = Name("::", 9100, any);
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&any), length), 0);
    EXPECT_EQ(listen(fd, 128), 0);
  });
  listener_ = Fd(fd);
  thread_ = std::jthread([this] {
    std::vector<std::jthread> each;
    while (true) {
      const int one = accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
      if (one < 0 || over_) {
        if (one >= 0) close(one);
        return;
      }
      each.emplace_back([one] {
        const Fd socket(one);
        std::array<char, 65536> buffer{};
        for (ssize_t got; (got = recv(one, buffer.data(), buffer.size(), 0)) > 0;) {
          for (ssize_t sent = 0; sent < got;) {
            const ssize_t n =
                send(one, buffer.data() + sent, static_cast<std::size_t>(got - sent), MSG_NOSIGNAL);
            if (n < 0) return;
            sent += n;
          }
        }
      });
    }
  });
}

// Connections are over when their clients are; the tests end those before.
Echo::~Echo() {
  over_ = true;
  shutdown(listener_.get(), SHUT_RDWR);
}

Client::Client(int space, const std::string& source, const std::string& address, int port) {
  int fd = -1;
  TestNet::In(space, [&] {
    sockaddr_storage from{}, to{};
    const socklen_t from_length = Name(source, 0, from), to_length = Name(address, port, to);
    fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&from), from_length), 0) << source;
    const timeval limit{3, 0};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(fd, reinterpret_cast<sockaddr*>(&to), to_length) != 0) close(std::exchange(fd, -1));
  });
  socket_ = Fd(fd);
}

void Client::Send(const std::string& text) const {
  EXPECT_EQ(send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(text.size()))
      << std::strerror(errno);
}

// kNone: something came, or nothing within the limit.
Client::End Client::ReadMore(milliseconds limit) {
  if (!Readable(socket_.get(), limit)) return End::kNone;
  std::array<char, 65536> buffer{};
  const ssize_t got = recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (got == 0) return End::kFin;
  if (got < 0) return End::kReset;
  all_.append(buffer.data(), static_cast<std::size_t>(got));
  return End::kNone;
}

bool Client::ReadTo(const std::string& text, milliseconds limit) {
  const auto end = steady_clock::now() + limit;
  while (true) {
    if (const std::size_t at = all_.find(text, seen_); at != std::string::npos) {
      seen_ = at + text.size();
      return true;
    }
    if (Left(end).count() == 0 || ReadMore(Left(end)) != End::kNone) return false;
  }
}

Client::End Client::ReadToEnd(milliseconds limit) {
  const auto end = steady_clock::now() + limit;
  while (Left(end).count() > 0) {
    if (const End reached = ReadMore(Left(end)); reached != End::kNone) return reached;
  }
  return End::kNone;
}

void Client::HalfClose() const { shutdown(socket_.get(), SHUT_WR); }

int StatusOf(const TestNet& net, const std::string& source, const std::string& path,
             const std::string& more_headers) {
  Client client(net.peer(), source, "10.9.0.1", 8080);
  if (!client.open()) return 0;
  client.Send("GET " + path + " HTTP/1.1\r\nHost: a\r\n" + more_headers + "\r\n");
  if (!client.ReadTo("\r\n\r\n")) return 0;
  return std::stoi(client.all().substr(9, 3));
}

}  // namespace chaos::test
