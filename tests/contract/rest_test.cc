// What the table cannot show of unary calls: that credentials are followed, that a bad day ends,
// that many callers get along.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "operator/base/clock.h"
#include "operator/kube/api_transport.h"
#include "tests/contract/bad_server.h"
#include "tests/contract/certificates.h"
#include "tests/contract/scratch.h"

namespace chaos::contract {
namespace {

using testing::HasSubstr;

std::string Ok(std::string_view body = "{}") {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

void AnswersWell(Exchange& x) {
  while (x.ReadRequest()) {
    x.Execute();
    if (!x.Send(Ok())) return;
  }
}

kube::Request Get(milliseconds timeout = seconds(10)) {
  kube::Request request;
  request.target = "/api/v1/pods?limit=500";
  request.timeout = timeout;
  return request;
}

class Rest : public testing::TestWithParam<kube::RestLibrary> {
 protected:
  kube::Rest& Connect(int port, const std::string& host = "127.0.0.1",
                      kube::RestLimits limits = {}) {
    kube::Config config;
    config.host = config.server_name = host;
    config.port = static_cast<std::uint16_t>(port);
    config.ca.file = scratch_.File("ca.crt");
    if (!client_.certificate.empty()) {
      config.client_certificate.data = client_.certificate;
      config.client_key.data = client_.key;
    }
    scratch_.Write("ca.crt", ca_.certificate());
    auto made = kube::Credentials::Make(config, clock_);
    CHECK(made);
    credentials_ = std::move(*made);
    rest_ = kube::MakeRest(GetParam(), *credentials_, limits);
    return *rest_;
  }

  const Authority ca_{"ours"};
  Identity client_;
  Scratch scratch_;
  SystemClock clock_;
  std::unique_ptr<kube::Credentials> credentials_;
  std::unique_ptr<kube::Rest> rest_;
};

TEST_P(Rest, SendsWhatItWasGivenAndNothingElse) {
  SeenRequest seen;
  BadServer server(ca_.Issue("server", "IP:127.0.0.1"), [&](Exchange& x) {
    if (!x.ReadRequest()) return;
    seen = x.request();
    x.Send(Ok());
  });
  kube::Request request{kube::Method::kPatch,
                        "/api/v1/namespaces/n/pods/p?fieldSelector=a%3Db%2Cc&force=true",
                        "application/apply-patch+yaml", R"({"a":"é"})", seconds(10)};
  ASSERT_TRUE(Connect(server.port()).Send(request));
  EXPECT_EQ(seen.method, "PATCH");
  EXPECT_EQ(seen.target, request.target);
  EXPECT_EQ(seen.body, request.body);
  EXPECT_EQ(seen.headers["content-type"], "application/apply-patch+yaml");
  EXPECT_EQ(seen.headers["accept"], "application/json, */*");
  EXPECT_EQ(seen.headers.count("authorization"), 0u);
  EXPECT_EQ(server.last_server_name(), "") << "an address was sent as SNI";
}

TEST_P(Rest, NamesItsHostInTheHandshake) {
  BadServer server(ca_.Issue("server", "DNS:localhost"), AnswersWell);
  const auto answer = Connect(server.port(), "localhost").Send(Get());
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(server.last_server_name(), "localhost");
}

TEST_P(Rest, SpeaksToIpv6Addresses) {
  BadServer server(ca_.Issue("server", "IP:::1"), AnswersWell, {}, "", /*six=*/true);
  const auto answer = Connect(server.port(), "::1").Send(Get());
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(server.last_server_name(), "");
}

TEST_P(Rest, ShowsItsClientCertificate) {
  BadServer server(ca_.Issue("server", "IP:127.0.0.1"), AnswersWell, {}, ca_.certificate());
  EXPECT_FALSE(Connect(server.port()).Send(Get())) << "the server took us without a certificate";
  client_ = ca_.Issue("operator", "", /*client=*/true);
  const auto answer = Connect(server.port()).Send(Get());
  EXPECT_TRUE(answer) << answer.error().detail;
}

TEST_P(Rest, SaysWhyACertificateIsRefused) {
  BadServer server(Authority("another").Issue("server", "IP:127.0.0.1"), AnswersWell);
  const auto answer = Connect(server.port()).Send(Get());
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().detail,
              HasSubstr("the server's certificate is refused: unable to get local issuer"));
}

TEST_P(Rest, TrustsTheNewCaOnceTheFileWasReplaced) {
  const Authority next("next");
  BadServer server(next.Issue("server", "IP:127.0.0.1"), AnswersWell);
  kube::Rest& rest = Connect(server.port());
  EXPECT_FALSE(rest.Send(Get()));
  scratch_.Write("ca.crt", next.certificate());
  const auto answer = rest.Send(Get());
  EXPECT_TRUE(answer) << answer.error().detail;
}

TEST_P(Rest, KeepsItsConnections) {
  BadServer server(ca_.Issue("server", "IP:127.0.0.1"), AnswersWell);
  kube::Rest& rest = Connect(server.port());
  constexpr int kCalls = 300;
  for (int i = 0; i < kCalls; ++i) ASSERT_TRUE(rest.Send(Get()));
  std::printf("%d calls over %d connections\n", kCalls, server.connections());
  if (GetParam() == kube::RestLibrary::kBeast) {
    EXPECT_EQ(server.connections(), 1);
  } else {
    // cpprest gives a connection back a moment after the answer: some calls open another one.
    EXPECT_LT(server.connections(), kCalls / 3);
  }
}

// A server that closes what nobody uses must cost nobody a call. Not asked of cpprestsdk: it sends,
// and then sends again.
class RestOfOurs : public Rest {};
TEST_P(RestOfOurs, DoesNotSendOverAConnectionThatTheServerHasClosed) {
  BadServer server(ca_.Issue("server", "IP:127.0.0.1"), [](Exchange& x) {
    if (x.ReadRequest()) x.Send(Ok());
  });
  kube::Rest& rest = Connect(server.port());
  for (int i = 0; i < 20; ++i) {
    const auto answer =
        rest.Send({kube::Method::kPost, "/x", "application/json", "{}", seconds(10)});
    EXPECT_TRUE(answer) << answer.error().detail;
    while (server.alive() > 0) std::this_thread::yield();
  }
  EXPECT_EQ(server.connections(), 20);
  EXPECT_EQ(server.seen(), 20);
}

TEST_P(Rest, LeavesABadDayBehindWithFreshConnections) {
  std::atomic<bool> bad{true};
  BadServer server(ca_.Issue("server", "IP:127.0.0.1"), [&](Exchange& x) {
    while (x.ReadRequest()) {
      if (bad) return x.Hold();
      if (!x.Send(Ok())) return;
    }
  });
  kube::Rest& rest = Connect(server.port());
  for (int i = 0; i < 7; ++i) EXPECT_FALSE(rest.Send(Get(milliseconds(50))));
  bad = false;
  for (int i = 0; i < 20; ++i) {
    const auto answer = rest.Send(Get());
    EXPECT_TRUE(answer) << answer.error().detail;
  }
}

TEST_P(Rest, ClosesTheConnectionOfACallThatRanOutOfTime) {
  BadServer server(ca_.Issue("server", "IP:127.0.0.1"), [](Exchange& x) {
    if (x.ReadRequest()) x.Hold();
  });
  EXPECT_FALSE(Connect(server.port()).Send(Get(milliseconds(50))));
  const auto deadline = std::chrono::steady_clock::now() + seconds(20);
  while (server.alive() > 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(milliseconds(1));
  }
  EXPECT_EQ(server.alive(), 0) << "the server still talks to nobody";
}

TEST_P(Rest, ServesManyThreadsAlsoWhenTheServerIsSilentForMost) {
  // More callers than the library has threads: none may wait for another beyond its own deadline.
  BadServer server(ca_.Issue("server", "IP:127.0.0.1"), [](Exchange& x) {
    while (x.ReadRequest()) {
      if (x.request().method == "DELETE") return x.Hold();
      if (!x.Send(Ok())) return;
    }
  });
  kube::Rest& rest = Connect(server.port());
  std::atomic<int> good{0}, unknown{0};
  const auto start = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < 32; ++i) {
      callers.emplace_back([&, silent = i % 4 != 0] {
        kube::Request request = Get();
        if (silent) request = {kube::Method::kDelete, "/x", "", "", milliseconds(500)};
        for (int n = 0; n < 3; ++n) {
          const auto answer = rest.Send(request);
          if (answer) ++good;
          if (!answer && answer.error().reason == Reason::kUnknownOutcome) ++unknown;
        }
      });
    }
  }
  EXPECT_EQ(good, 8 * 3);
  EXPECT_EQ(unknown, 24 * 3);
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds(9));
}

TEST_P(Rest, ShutdownEndsEveryCallAtOnceAndRefusesNewOnes) {
  BadServer server(ca_.Issue("server", "IP:127.0.0.1"), [](Exchange& x) {
    if (x.ReadRequest()) x.Hold();
  });
  kube::Rest& rest = Connect(server.port());
  std::atomic<int> cancelled{0};
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < 8; ++i) {
      callers.emplace_back([&] {
        const auto answer = rest.Send(Get(seconds(600)));
        if (!answer && answer.error().reason == Reason::kCancelled) ++cancelled;
      });
    }
    const auto deadline = std::chrono::steady_clock::now() + seconds(20);
    while (server.seen() < 8 && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(milliseconds(1));
    rest.Shutdown();
  }
  EXPECT_EQ(cancelled, 8);
  const auto late = rest.Send(Get());
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().reason, Reason::kCancelled);
}

INSTANTIATE_TEST_SUITE_P(Over, Rest,
                         testing::Values(kube::RestLibrary::kCpprest, kube::RestLibrary::kBeast),
                         [](const auto& one) {
                           return one.param == kube::RestLibrary::kBeast ? "Beast" : "Cpprest";
                         });
INSTANTIATE_TEST_SUITE_P(Over, RestOfOurs, testing::Values(kube::RestLibrary::kBeast),
                         [](const auto&) { return "Beast"; });

}  // namespace
}  // namespace chaos::contract
