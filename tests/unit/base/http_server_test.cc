#include "operator/base/net/http_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace chaos {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// A plain socket to the server; reads give up after ten seconds.
class Peer {
 public:
  explicit Peer(std::uint16_t port, bool v6 = false)
      : fd_(socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to4{};
    to4.sin_family = AF_INET;
    to4.sin_port = htons(port);
    to4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr_in6 to6{};
    to6.sin6_family = AF_INET6;
    to6.sin6_port = htons(port);
    to6.sin6_addr = in6addr_loopback;
    connected_ = (v6 ? connect(fd_, reinterpret_cast<sockaddr*>(&to6), sizeof to6)
                     : connect(fd_, reinterpret_cast<sockaddr*>(&to4), sizeof to4)) == 0;
  }
  ~Peer() { close(fd_); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  bool connected() const { return connected_; }
  void Send(const std::string& text) {
    EXPECT_EQ(send(fd_, text.data(), text.size(), MSG_NOSIGNAL), ssize_t(text.size()));
  }
  // Until `end` has been read, or the server closed.
  std::string ReadTo(const std::string& end, int limit_ms = 10'000) {
    std::string text;
    while (end.empty() || text.find(end) == std::string::npos) {
      pollfd ready{fd_, POLLIN, 0};
      if (poll(&ready, 1, limit_ms) <= 0) return text + "[nothing more]";
      char buffer[4096];
      const ssize_t count = recv(fd_, buffer, sizeof buffer, 0);
      if (count <= 0) return text;
      text.append(buffer, static_cast<std::size_t>(count));
    }
    return text;
  }
  std::string Ask(const std::string& request) {
    Send(request);
    return ReadTo("");
  }

 private:
  int fd_;
  bool connected_;
};

constexpr const char* kClose = " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

std::unique_ptr<HttpServer> Serve(HttpServerOptions options = {}) {
  Result<std::unique_ptr<HttpServer>> server = HttpServer::Start(
      options,
      {{"/metrics",
        [] {
          return HttpAnswer{200, "a_metric 1\n", "text/plain; version=0.0.4; charset=utf-8"};
        }},
       {"/readyz", [] {
          return HttpAnswer{503, "not synced\n"};
        }}});
  return server ? std::move(*server) : nullptr;
}

TEST(HttpServer, AnswersItsPagesAndNothingElse) {
  const auto server = Serve();
  ASSERT_TRUE(server);
  struct Row {
    std::string request, status, body;
  };
  const Row rows[] = {
      {"GET /metrics", "HTTP/1.1 200", "a_metric 1\n"},
      {"GET /metrics?x=1", "HTTP/1.1 200", "a_metric 1\n"},
      {"GET /readyz", "HTTP/1.1 503", "not synced\n"},
      {"GET /other", "HTTP/1.1 404", "no such page\n"},
      {"GET /", "HTTP/1.1 404", "no such page\n"},
      {"POST /metrics", "HTTP/1.1 405", "only GET and HEAD\n"},
      {"DELETE /metrics", "HTTP/1.1 405", "only GET and HEAD\n"},
  };
  for (const Row& row : rows) {
    const std::string answer = Peer(server->port()).Ask(row.request + kClose);
    EXPECT_THAT(answer, StartsWith(row.status)) << row.request;
    EXPECT_THAT(answer, testing::EndsWith("\r\n\r\n" + row.body)) << row.request;
  }
  EXPECT_THAT(Peer(server->port()).Ask("GET /metrics" + std::string(kClose)),
              HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8"));
}

TEST(HttpServer, AHeadHasTheLengthButNoBody) {
  const auto server = Serve();
  const std::string answer = Peer(server->port()).Ask("HEAD /metrics" + std::string(kClose));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 11"));
  EXPECT_THAT(answer, testing::EndsWith("\r\n\r\n"));
}

TEST(HttpServer, ListensOnIPv4AndWhereThereIsOneOnIPv6) {
  const auto server = Serve();
  EXPECT_TRUE(Peer(server->port()).connected());
  if (access("/proc/net/if_inet6", R_OK) == 0) {
    EXPECT_THAT(Peer(server->port(), /*v6=*/true).Ask("GET /metrics" + std::string(kClose)),
                HasSubstr("a_metric"));
  }
}

TEST(HttpServer, KeepsAConnectionForMoreThanOneRequest) {
  const auto server = Serve();
  Peer peer(server->port());
  for (int i = 0; i < 3; ++i) {
    peer.Send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(peer.ReadTo("a_metric 1\n"), StartsWith("HTTP/1.1 200"));
  }
}

TEST(HttpServer, RefusesWhatIsNoRequestOrTooLarge) {
  const auto server = Serve();
  EXPECT_THAT(Peer(server->port()).Ask("nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(Peer(server->port())
                  .Ask("GET /metrics HTTP/1.1\r\nA: " + std::string(9000, 'x') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431"));
  EXPECT_THAT(Peer(server->port()).Ask("GET /metrics" + std::string(kClose)),
              StartsWith("HTTP/1.1 200"));
}

TEST(HttpServer, WhoIsTooSlowIsCutOff) {
  const auto server =
      Serve({.request_timeout = milliseconds(50), .idle_timeout = milliseconds(50)});
  Peer silent(server->port());
  EXPECT_EQ(silent.ReadTo(""), "");
  Peer slow(server->port());
  slow.Send("GET /met");
  EXPECT_EQ(slow.ReadTo(""), "");
}

TEST(HttpServer, BeyondItsBoundsConnectionsWaitForTheirTurn) {
  const auto server = Serve({.max_connections = 2});
  auto first = std::make_unique<Peer>(server->port());
  auto second = std::make_unique<Peer>(server->port());
  for (Peer* peer : {first.get(), second.get()}) {
    peer->Send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(peer->ReadTo("a_metric 1\n"), HasSubstr("200"));
  }
  Peer third(server->port());
  third.Send("GET /metrics" + std::string(kClose));
  EXPECT_EQ(third.ReadTo("", /*limit_ms=*/50), "[nothing more]");
  first.reset();
  EXPECT_THAT(third.ReadTo(""), HasSubstr("a_metric"));
}

TEST(HttpServer, APortThatIsTakenIsSaidPlainly) {
  const auto server = Serve();
  const auto other = HttpServer::Start({.port = server->port()}, {});
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().detail,
              HasSubstr("port " + std::to_string(server->port()) + ": Address already in use"));
}

TEST(HttpServer, EndsWithOpenConnections) {
  auto server = Serve();
  Peer peer(server->port());
  peer.Send("GET /met");
  const std::uint16_t port = server->port();
  server.reset();
  EXPECT_EQ(peer.ReadTo(""), "");
  EXPECT_FALSE(Peer(port).connected());
}

}  // namespace
}  // namespace chaos
