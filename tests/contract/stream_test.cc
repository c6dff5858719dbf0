// What the table cannot show of a stream: that it is bounded, that it stops at once, that wake is
// never late.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <fstream>
#include <memory>
#include <mutex>
#include <sstream>
#include <thread>

#include "operator/base/clock.h"
#include "operator/kube/stream_beast.h"
#include "tests/contract/bad_server.h"
#include "tests/contract/certificates.h"

namespace chaos::contract {
namespace {

using kube::LineStream;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string Chunk(std::string_view bytes) {
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return size + std::string(bytes) + "\r\n";
}

bool Until(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(milliseconds(1));  // between two looks
  }
  return true;
}

// A server with its script, and the streams to it.
class Streaming {
 public:
  explicit Streaming(Script script, kube::StreamLimits limits = {},
                     const std::string& names = "IP:127.0.0.1",
                     const std::string& host = "127.0.0.1")
      : server(Ca().Issue("server", names), std::move(script), {}, "", /*six=*/host == "::1"),
        credentials(MakeCredentials(host)),
        streams(*credentials, limits) {}

  std::unique_ptr<LineStream> Open(
      std::function<void()> wake = [] {}, milliseconds silence = seconds(20)) {
    kube::Request request;
    request.target = "/log?follow=true";
    request.timeout = silence;
    return streams.Open(request, std::move(wake));
  }

  static const Authority& Ca() {
    static const Authority ca("ours");
    return ca;
  }

 private:
  std::unique_ptr<kube::Credentials> MakeCredentials(const std::string& host) {
    kube::Config config;
    config.host = config.server_name = host;
    config.port = static_cast<std::uint16_t>(server.port());
    config.ca.data = Ca().certificate();
    auto made = kube::Credentials::Make(config, clock);
    CHECK(made);
    return std::move(*made);
  }

 public:
  BadServer server;
  SystemClock clock;
  std::unique_ptr<kube::Credentials> credentials;
  kube::StreamBeast streams;
};

// Polls until the end; the lines, and how it ended.
struct Read {
  std::vector<std::string> lines;
  bool opened_first = false;
  std::string end;
};

Read ReadAll(LineStream& stream) {
  Read read{.lines = {}, .opened_first = false, .end = "no end"};
  bool first = true;
  Until([&] {
    for (;;) {
      Result<LineStream::Polled> polled = stream.Poll();
      if (!polled) {
        read.end = std::string(Name(polled.error().reason)) + ": " + polled.error().detail;
        return true;
      }
      if (std::holds_alternative<LineStream::Nothing>(*polled)) return false;
      if (std::exchange(first, false))
        read.opened_first = std::holds_alternative<LineStream::Opened>(*polled);
      if (auto* line = std::get_if<LineStream::Line>(&*polled))
        read.lines.push_back(std::move(line->text));
      if (!std::holds_alternative<LineStream::End>(*polled)) continue;
      read.end = "End";
      return true;
    }
  });
  return read;
}

TEST(StreamBeast, GivesLinesWithoutTheirEndsHoweverTheyAreCutOnTheWay) {
  Streaming test([](Exchange& x) {
    if (!x.ReadRequest() || !x.Send(kHead)) return;
    for (const std::string_view part : {"one\r", "\ntw", "o\n\n", "three\nfo", "ur\n"})
      x.Send(Chunk(part));
    x.Send(Chunk(""));
  });
  const auto stream = test.Open();
  const Read read = ReadAll(*stream);
  EXPECT_TRUE(read.opened_first);
  EXPECT_THAT(read.lines, ElementsAre("one", "two", "three", "four"));
  EXPECT_EQ(read.end, "End");
}

TEST(StreamBeast, AsksInTheWayThatTheApiServerExpects) {
  SeenRequest seen;
  {
    Streaming test([&](Exchange& x) {
      if (!x.ReadRequest()) return;
      seen = x.request();
      x.Send(std::string(kHead) + Chunk(""));
    });
    const auto stream = test.Open();
    EXPECT_EQ(ReadAll(*stream).end, "End");
    EXPECT_EQ(test.server.last_server_name(), "") << "an address was sent as SNI";
  }
  EXPECT_EQ(seen.method, "GET");
  EXPECT_EQ(seen.target, "/log?follow=true");
  EXPECT_EQ(seen.headers["accept"], "application/json, */*");
  EXPECT_EQ(seen.headers.count("authorization"), 0u);
}

TEST(StreamBeast, NamesItsHostInTheHandshake) {
  Streaming test(
      [](Exchange& x) {
        if (x.ReadRequest()) x.Send(std::string(kHead) + Chunk(""));
      },
      {}, "DNS:localhost", "localhost");
  const auto stream = test.Open();
  EXPECT_EQ(ReadAll(*stream).end, "End");
  EXPECT_EQ(test.server.last_server_name(), "localhost");
}

TEST(StreamBeast, SpeaksToIpv6Addresses) {
  Streaming test(
      [](Exchange& x) {
        if (x.ReadRequest()) x.Send(std::string(kHead) + Chunk(""));
      },
      {}, "IP:::1", "::1");
  const auto stream = test.Open();
  EXPECT_EQ(ReadAll(*stream).end, "End");
}

TEST(StreamBeast, SaysWhyACertificateIsRefused) {
  Streaming test([](Exchange&) {}, {}, "DNS:elsewhere.test");
  const auto stream = test.Open();
  EXPECT_THAT(ReadAll(*stream).end,
              HasSubstr("the server's certificate is refused: IP address mismatch"));
}

TEST(StreamBeast, StopsReadingWhenNobodyPollsAndLosesNothing) {
  constexpr std::size_t kLines = 2048;  // of 16 KiB: 32 MiB in all
  Streaming test([](Exchange& x) {
    if (!x.ReadRequest() || !x.Send(kHead)) return;
    const std::string line = std::string(16383, 'x') + "\n";
    for (std::size_t i = 0; i < kLines; ++i) {
      if (!x.Send(Chunk(line))) return;
    }
    x.Send(Chunk(""));
  });
  std::atomic<int> wakes{0};
  const auto stream = test.Open([&] { ++wakes; });
  // The server comes to a stop: what it could send does not change any more while we look.
  ASSERT_TRUE(Until([&] { return test.server.bytes_sent() > (1u << 20); }));
  std::size_t before = 0;
  auto since = std::chrono::steady_clock::now();
  ASSERT_TRUE(Until([&] {
    const std::size_t now = test.server.bytes_sent();
    if (now != before) since = std::chrono::steady_clock::now();
    before = now;
    return std::chrono::steady_clock::now() - since > milliseconds(300);
  })) << "the server never had to wait";
  EXPECT_LT(before, 16u << 20) << "more than socket buffers and our own";
  std::size_t lines = 0;
  const Read read = ReadAll(*stream);
  lines = read.lines.size();
  EXPECT_EQ(lines, kLines);
  EXPECT_EQ(read.end, "End");
}

TEST(StreamBeast, IsNotDeadBecauseItsOwnerWasSlow) {
  // Full and not read for longer than the silence that is allowed: reading on must work.
  constexpr milliseconds kSilence{200};
  std::atomic<bool> go_on{false};
  Streaming test(
      [&](Exchange& x) {
        if (!x.ReadRequest() || !x.Send(kHead)) return;
        for (int i = 0; i < 8; ++i) x.Send(Chunk("line\n"));
        Until([&] { return go_on.load(); });
        x.Send(Chunk("last\n") + Chunk(""));
      },
      {.unread_lines = 4});
  const auto stream = test.Open([] {}, kSilence);
  const auto until = std::chrono::steady_clock::now() + 3 * kSilence;
  ASSERT_TRUE(Until([&] { return std::chrono::steady_clock::now() > until; }));
  go_on = true;
  const Read read = ReadAll(*stream);
  EXPECT_EQ(read.lines.size(), 9u);
  EXPECT_EQ(read.end, "End");
}

TEST(StreamBeast, ClosesItsConnectionAtOnceWhenDestroyed) {
  Streaming test([](Exchange& x) {
    if (x.ReadRequest() && x.Send(kHead)) x.Hold();
  });
  auto stream = test.Open();
  ASSERT_TRUE(Until([&] {
    const auto polled = stream->Poll();
    return polled && std::holds_alternative<LineStream::Opened>(*polled);
  }));
  EXPECT_EQ(test.server.alive(), 1);
  stream.reset();
  EXPECT_TRUE(Until([&] { return test.server.alive() == 0; }));
}

// The kernel's keep-alive timer of the connection to `port`, in seconds; -1 without one.
double KeepAliveIn(int port) {
  std::ifstream table("/proc/net/tcp");
  std::string line;
  char remote[8];
  std::snprintf(remote, sizeof remote, ":%04X ", port);
  while (std::getline(table, line)) {
    // sl local remote state tx:rx timer:when …
    std::istringstream fields(line);
    std::string slot, local, peer, state, queues, timer;
    fields >> slot >> local >> peer >> state >> queues >> timer;
    if (!(peer + " ").ends_with(remote) || !timer.starts_with("02:")) continue;
    return std::stoul(timer.substr(3), nullptr, 16) / 100.0;
  }
  return -1;
}

TEST(StreamBeast, NoticesANetworkThatIsGoneLongBeforeItsLimitOfSilence) {
  Streaming test([](Exchange& x) {
    if (x.ReadRequest() && x.Send(kHead)) x.Hold();
  });
  const auto stream = test.Open([] {}, seconds(600));
  double soon = -1;
  ASSERT_TRUE(Until([&] { return (soon = KeepAliveIn(test.server.port())) >= 0; }));
  EXPECT_LE(soon, 15);
}

TEST(StreamBeast, CanBeDestroyedWhileItIsStillConnecting) {
  Streaming test([](Exchange& x) { x.Hold(); });
  for (int i = 0; i < 50; ++i) test.Open().reset();
  EXPECT_TRUE(Until([&] { return test.server.alive() == 0; }));
}

TEST(StreamBeast, NeverWakesAnOwnerThatHasGone) {
  struct Owner {
    std::atomic<bool> alive{true};
    std::atomic<int> wakes{0};
  };
  std::vector<std::unique_ptr<Owner>>
      owners;  // kept, so that a late wake finds one that is not alive
  Streaming test([](Exchange& x) {
    if (!x.ReadRequest() || !x.Send(kHead)) return;
    while (x.Send(Chunk("line\n"))) continue;
  });
  std::atomic<int> too_late{0};
  for (int i = 0; i < 100; ++i) {
    Owner& owner = *owners.emplace_back(std::make_unique<Owner>());
    auto stream = test.Open([&too_late, &owner] {
      ++owner.wakes;
      // Long enough to be destroyed in the middle: that has to wait for us.
      const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(200);
      while (std::chrono::steady_clock::now() < end) continue;
      if (!owner.alive) ++too_late;
    });
    ASSERT_TRUE(Until([&] { return owner.wakes > i % 5; }));
    stream.reset();
    owner.alive = false;
  }
  EXPECT_TRUE(Until([&] { return test.server.alive() == 0; }));
  EXPECT_EQ(too_late, 0);
}

TEST(StreamBeast, MayBePolledAndDestroyedFromItsOwnWake) {
  Streaming test([](Exchange& x) {
    if (x.ReadRequest() && x.Send(std::string(kHead) + Chunk("line\n"))) x.Hold();
  });
  std::mutex mutex;
  std::unique_ptr<LineStream> stream;
  std::atomic<bool> got{false};
  auto opened = test.Open([&] {
    const std::lock_guard lock(mutex);
    while (stream) {
      const auto polled = stream->Poll();
      if (!polled || std::holds_alternative<LineStream::Nothing>(*polled)) return;
      if (std::holds_alternative<LineStream::Line>(*polled)) {
        stream.reset();
        got = true;
      }
    }
  });
  {
    const std::lock_guard lock(mutex);
    stream = std::move(opened);
  }
  // The first wakes may have come before `stream` was set.
  EXPECT_TRUE(Until([&] {
    const std::lock_guard lock(mutex);
    if (!stream) return got.load();
    const auto polled = stream->Poll();
    if (polled && std::holds_alternative<LineStream::Line>(*polled)) {
      got = true;
      return true;
    }
    return false;
  }));
}

TEST(StreamBeast, EndsEveryStreamWithCancelledWhenItIsShutDown) {
  Streaming test([](Exchange& x) {
    if (x.ReadRequest() && x.Send(std::string(kHead) + Chunk("line\n"))) x.Hold();
  });
  std::vector<std::unique_ptr<LineStream>> streams;
  for (int i = 0; i < 8; ++i) streams.push_back(test.Open());
  ASSERT_TRUE(Until([&] { return test.server.seen() == 8; }));
  test.streams.Shutdown();
  streams.push_back(test.Open());
  for (const auto& stream : streams) EXPECT_THAT(ReadAll(*stream).end, HasSubstr("Cancelled"));
  EXPECT_TRUE(Until([&] { return test.server.alive() == 0; }));
}

TEST(StreamBeast, CarriesManyStreamsOnItsOneThread) {
  constexpr int kStreams = 100;
  Streaming test([](Exchange& x) {
    if (!x.ReadRequest() || !x.Send(kHead)) return;
    for (int i = 0; i < 100; ++i) x.Send(Chunk("line " + std::to_string(i) + "\n"));
    x.Send(Chunk(""));
  });
  std::vector<std::unique_ptr<LineStream>> streams;
  for (int i = 0; i < kStreams; ++i) streams.push_back(test.Open());
  for (const auto& stream : streams) {
    const Read read = ReadAll(*stream);
    EXPECT_EQ(read.lines.size(), 100u);
    EXPECT_EQ(read.end, "End");
  }
}

}  // namespace
}  // namespace chaos::contract
