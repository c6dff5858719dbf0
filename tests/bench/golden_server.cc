#include "tests/bench/golden_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>
#include <queue>

namespace chaos::bench {
namespace {

std::int64_t NowNs() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1'000'000'000 + t.tv_nsec;
}

std::string Chunk(const std::string& text) {
  char size[16];
  std::snprintf(size, sizeof size, "%zx\r\n", text.size());
  return size + text + "\r\n";
}

struct Peer {
  int fd = -1;
  std::uint64_t generation = 0;
  std::string in;
  int sent = 0;  // tokens
  std::int64_t posted = 0, last = 0;
};

struct Due {
  std::int64_t at;
  int fd;
  std::uint64_t generation;
  bool operator>(const Due& other) const { return at > other.at; }
};

void Send(int fd, const std::string& bytes) {
  (void)!::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

}  // namespace

GoldenServer::GoldenServer(Program program) : program_(program) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listener_, 8192) != 0)
    std::abort();
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Run(); });
}

GoldenServer::~GoldenServer() {
  if (thread_.joinable()) Stop();
}

GoldenServer::Log GoldenServer::Stop() {
  stop_ = true;
  thread_.join();
  ::close(listener_);
  return std::move(log_);
}

void GoldenServer::Run() {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = listener_;
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, listener_, &event);
  std::map<int, Peer> peers;
  std::uint64_t generations = 0;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due;
  std::map<long, std::int64_t> posts;  // job to the time of its POST
  long jobs = 0;
  const std::string plain =
      "HTTP/1.1 200 OK\r\nServer: golden\r\nDate: Mon, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: "
      "application/json\r\nContent-Length: 256\r\n\r\n" +
      std::string(256, 'x');
  const std::string stream_head =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string done = Chunk("data: [DONE]\n\n") + "0\r\n\r\n";
  std::vector<char> buffer(65536);
  epoll_event ready[512];

  const auto request = [&](Peer& peer, const std::string& head) {
    const std::int64_t now = NowNs();
    if (head.starts_with("POST /v1/jobs ")) {
      posts[++jobs] = now;
      const std::string body =
          R"({"job_id":"j","sse_url":"/v1/jobs/)" + std::to_string(jobs) + R"(/stream"})";
      Send(peer.fd, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
                        std::to_string(body.size()) + "\r\n\r\n" + body);
    } else if (head.starts_with("GET /v1/jobs/")) {
      const long job = std::strtol(head.c_str() + 13, nullptr, 10);
      peer.posted = posts[job];
      posts.erase(job);
      peer.sent = 0;
      Send(peer.fd, stream_head);
      const std::int64_t later = job * 7'919 % std::max<std::int64_t>(program_.spread_us, 1);
      due.push({now + (program_.first_us + later) * 1000, peer.fd, peer.generation});
    } else {
      Send(peer.fd, plain);
    }
  };
  const auto read = [&](Peer& peer) {
    const ssize_t n = ::recv(peer.fd, buffer.data(), buffer.size(), 0);
    if (n <= 0) return n < 0 && errno == EAGAIN;
    peer.in.append(buffer.data(), static_cast<std::size_t>(n));
    for (;;) {
      const std::size_t end = peer.in.find("\r\n\r\n");
      if (end == std::string::npos) return true;
      const std::size_t at = peer.in.find("Content-Length: ");
      const std::size_t body = at < end ? std::strtoul(peer.in.c_str() + at + 16, nullptr, 10) : 0;
      if (peer.in.size() < end + 4 + body) return true;
      request(peer, peer.in.substr(0, end));
      peer.in.erase(0, end + 4 + body);
    }
  };
  const auto token = [&](Peer& peer) {
    if (peer.sent == program_.tokens) {
      const std::int64_t now = NowNs();
      Send(peer.fd, done);
      log_.e2e.push_back(static_cast<double>(now - peer.posted) / 1000);
      return;
    }
    const std::string text =
        Chunk(R"(data: {"type":"token","t":" hello","i":)" + std::to_string(peer.sent) + "}\n\n");
    const std::int64_t now = NowNs();
    Send(peer.fd, text);
    if (peer.sent == 0)
      log_.ttft.push_back(static_cast<double>(now - peer.posted) / 1000);
    else
      log_.itl.push_back(static_cast<double>(now - peer.last) / 1000);
    peer.last = now;
    ++peer.sent;

    due.push({now + program_.gap_us * 1000, peer.fd, peer.generation});
  };

  while (!stop_) {
    std::int64_t wait = 50'000'000;
    if (!due.empty()) wait = std::clamp<std::int64_t>(due.top().at - NowNs(), 0, wait);
    const timespec timeout{0, wait};
    const int n = ::epoll_pwait2(epoll, ready, 512, &timeout, nullptr);
    while (!due.empty() && due.top().at <= NowNs()) {
      const Due next = due.top();
      due.pop();
      const auto peer = peers.find(next.fd);
      if (peer != peers.end() && peer->second.generation == next.generation) token(peer->second);
    }
    for (int i = 0; i < n; ++i) {
      const int fd = ready[i].data.fd;
      if (fd != listener_) {
        const auto peer = peers.find(fd);
        if (peer != peers.end() && !read(peer->second)) {
          ::close(fd);
          peers.erase(peer);
        }
        continue;
      }
      for (;;) {
        const int client = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client < 0) break;
        const int on = 1;
        ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        peers[client] = {.fd = client, .generation = ++generations, .in = ""};
        event.data.fd = client;
        ::epoll_ctl(epoll, EPOLL_CTL_ADD, client, &event);
      }
    }
  }
  for (const auto& [fd, peer] : peers) ::close(fd);
  ::close(epoll);
}

}  // namespace chaos::bench
