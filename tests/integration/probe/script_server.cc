// Blocking sockets and a thread per connection: simple, and slow clients cannot disturb each other.
#include "tests/integration/probe/script_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

namespace chaos::test {

std::string Connection::ReadRequest() const {
  std::string text;
  for (;;) {
    if (const std::size_t head = text.find("\r\n\r\n"); head != std::string::npos) {
      const std::size_t at = text.find("Content-Length: ");
      const std::size_t length = at < head ? std::strtoul(text.c_str() + at + 16, nullptr, 10) : 0;
      if (text.size() >= head + 4 + length) return text;
    }
    char buffer[4096];
    const ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
    if (n <= 0) return "";
    text.append(buffer, static_cast<std::size_t>(n));
  }
}

void Connection::Send(std::string_view bytes) const {
  (void)::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

void Connection::SendByteByByte(std::string_view bytes) const {
  for (const char byte : bytes) Send({&byte, 1});
}

void Connection::HoldUntilClosed() const {
  char byte;
  while (::recv(fd_, &byte, 1, 0) > 0) {
  }
}

void Connection::Reset() const {
  const linger at_once{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

ScriptServer::ScriptServer(Script script) : script_(std::move(script)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof any;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&any), size) != 0 ||
      ::listen(listener_, 256) != 0)
    std::abort();
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&any), &size);
  port_ = ntohs(any.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

ScriptServer::~ScriptServer() {
  stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  for (std::thread& thread : threads_) thread.join();
  ::close(listener_);
}

void ScriptServer::Accept() {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0 || stopping_) {
      if (fd >= 0) ::close(fd);
      return;
    }
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const std::lock_guard lock(mutex_);
    open_.push_back(fd);
    threads_.emplace_back([this, fd] {
      const Connection connection(fd);
      const std::string request = connection.ReadRequest();
      if (!request.empty()) {
        ++requests_;
        script_(connection, request);
      }
      const std::lock_guard close_lock(mutex_);
      std::erase(open_, fd);
      ::close(fd);
    });
  }
}

std::string Reply(int status, const std::string& type, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Type: " + type +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string Event(const std::string& data) { return "data: " + data + "\n\n"; }

}  // namespace chaos::test
