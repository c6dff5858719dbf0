#include "tests/integration/injector/dns_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace chaos::test {
namespace {

const std::string kName("\5peers\4rbee\3svc\3k8s\7example\0", 28);
const std::size_t kQuestion = 12 + kName.size() + 4;

}  // namespace

DnsServer::DnsServer(const TestNet& net) {
  char path[] = "/tmp/rbee-chaos-resolv-XXXXXX";
  const Fd file(mkstemp(path));
  path_ = path;
  const std::string text = "search rbee.svc.k8s.example svc.k8s.example\nnameserver 10.9.0.3\n";
  EXPECT_EQ(write(file.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  EXPECT_EQ(fchmod(file.get(), 0644), 0);
  TestNet::In(net.peer(), [&] {
    socket_ = Fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(53);
    at.sin_addr.s_addr = htonl(0x0a090003);
    EXPECT_EQ(bind(socket_.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0)
        << std::strerror(errno);
  });
  thread_ = std::jthread([this] { Serve(); });
}

DnsServer::~DnsServer() {
  ends_ = true;
  thread_.join();
  unlink(path_.c_str());
}

void DnsServer::Set(std::vector<std::string> addresses) {
  const std::lock_guard lock(mutex_);
  addresses_ = std::move(addresses);
}

void DnsServer::Serve() {
  while (!ends_) {
    pollfd ready{socket_.get(), POLLIN, 0};
    if (poll(&ready, 1, 20) != 1) continue;
    std::array<char, 512> buffer{};
    sockaddr_in from{};
    socklen_t length = sizeof from;
    const ssize_t got = recvfrom(socket_.get(), buffer.data(), buffer.size(), 0,
                                 reinterpret_cast<sockaddr*>(&from), &length);
    if (got < 0 || static_cast<std::size_t>(got) < kQuestion || silent_) continue;
    const bool known = std::memcmp(buffer.data() + 12, kName.data(), kName.size()) == 0;
    const char type = buffer[kQuestion - 3];
    std::string answer(buffer.data(), kQuestion);
    answer[2] = '\x85';
    answer[3] = known ? '\0' : '\3';
    answer[7] = answer[11] = '\0';
    const std::lock_guard lock(mutex_);
    for (const std::string& address : known ? addresses_ : std::vector<std::string>()) {
      const bool v6 = address.find(':') != std::string::npos;
      if (type != (v6 ? 28 : 1)) continue;
      std::array<char, 16> bytes{};
      EXPECT_EQ(inet_pton(v6 ? AF_INET6 : AF_INET, address.c_str(), bytes.data()), 1);
      const char size = v6 ? 16 : 4;
      answer += std::string("\xc0\x0c\0", 3) + type + std::string("\0\1\0\0\0\5\0", 7) + size;
      answer.append(bytes.data(), static_cast<std::size_t>(size));
      ++answer[7];
    }
    sendto(socket_.get(), answer.data(), answer.size(), 0, reinterpret_cast<const sockaddr*>(&from),
           length);
  }
}

}  // namespace chaos::test
