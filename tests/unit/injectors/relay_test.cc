// A proxied connection without a socket. Every conversation is played whole, byte by byte, and
// split once at each place: both sides must get the same.
#include "injectors/proxy/relay.h"

#include <gtest/gtest.h>

#include <functional>

namespace chaos::inject {
namespace {

constexpr nanoseconds kStart = seconds(1000);

protocol::Http Delay(milliseconds latency) {
  protocol::Http http;
  http.match.ports = {8080};
  http.delay = protocol::Lag{latency, milliseconds(0)};
  return http;
}

protocol::Http Abort(int status) {
  protocol::Http http;
  http.match.ports = {8080};
  http.abort_status = status;
  return http;
}

// What came out so far, and what was counted.
struct Seen {
  std::string to_server, to_client, figures;
  bool operator==(const Seen&) const = default;
};

void PrintTo(const Seen& seen, std::ostream* out) {
  *out << "to server [" << seen.to_server << "] to client [" << seen.to_client << "] "
       << seen.figures;
}

class Stage {
 public:
  explicit Stage(protocol::Http http) : script_(std::move(http)), relay_(script_, tally_) {}

  void Client(std::string_view bytes) { relay_.FromClient(bytes, now_); }
  void Server(std::string_view bytes) { relay_.FromServer(bytes, now_); }
  void Wait(nanoseconds time) { now_ += time; }
  // Takes what may be sent now, as the sockets would.
  const Seen& Look() {
    Drain(relay_.ToServer(now_), seen_.to_server, &Relay::TakeToServer);
    Drain(relay_.ToClient(now_), seen_.to_client, &Relay::TakeToClient);
    seen_.figures.clear();
    for (const auto& [name, value] : tally_.Figures())
      if (value != "0") seen_.figures += name + "=" + value + " ";
    return seen_;
  }
  Relay& relay() { return relay_; }
  Tally& tally() { return tally_; }
  nanoseconds now() const { return now_; }

 private:
  void Drain(std::string_view ready, std::string& into, void (Relay::*take)(std::size_t)) {
    into += ready;
    (relay_.*take)(ready.size());
  }

  const Script script_;
  Tally tally_;
  Relay relay_;
  nanoseconds now_ = kStart;
  Seen seen_;
};

// The client says all of `client`, then the server all of `server`; whatever the pieces.
Seen Play(const protocol::Http& http, const std::string& client, const std::string& server,
          nanoseconds wait = nanoseconds(0)) {
  const auto play = [&](const std::function<void(std::string_view, void(Stage::*)(std::string_view),
                                                 Stage&)>& feed) {
    Stage stage(http);
    feed(client, &Stage::Client, stage);
    stage.Look();
    stage.Wait(wait);
    stage.Look();
    feed(server, &Stage::Server, stage);
    return stage.Look();
  };
  const Seen whole =
      play([](std::string_view text, auto say, Stage& stage) { (stage.*say)(text); });
  const Seen bytes = play([](std::string_view text, auto say, Stage& stage) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      (stage.*say)(text.substr(i, 1));
      stage.Look();
    }
  });
  EXPECT_EQ(bytes, whole) << "byte by byte";
  for (std::size_t at = 1; at < std::max(client.size(), server.size()); ++at) {
    const Seen split = play([at](std::string_view text, auto say, Stage& stage) {
      (stage.*say)(text.substr(0, at));
      stage.Look();
      if (at < text.size()) (stage.*say)(text.substr(at));
    });
    EXPECT_EQ(split, whole) << "split at " << at;
  }
  return whole;
}

const std::string kGet = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";
const std::string kPost = "POST /v1/jobs?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const std::string kChunks =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";

TEST(Relay, WhatDoesNotFitPassesUnchangedAndAtOnce) {
  protocol::Http http = Abort(503);
  http.match.path = "/v2/*";
  const std::string client = kGet + kPost + "HEAD / HTTP/1.1\r\n\r\n" + kGet;
  const std::string server = "HTTP/1.1 100 Continue\r\n\r\n" + kOk + kChunks +
                             "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" +
                             "HTTP/1.1 204 No Content\r\n\r\n";
  const Seen seen = Play(http, client, server);
  EXPECT_EQ(seen.to_server, client);
  EXPECT_EQ(seen.to_client, server);
  EXPECT_EQ(seen.figures, "");
}

TEST(Relay, BytesOfABodyAreNotHeldBackForTheirEnd) {
  Stage stage(Abort(503));
  protocol::Http http = Abort(503);
  http.match.method = "PUT";
  Stage passing(http);
  passing.Client("POST /v1/jobs HTTP/1.1\r\nContent-Length: 100\r\n\r\nhal");
  EXPECT_TRUE(passing.Look().to_server.ends_with("\r\n\r\nhal"));
  passing.Server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\ndata: x");
  EXPECT_TRUE(passing.Look().to_client.ends_with("data: x"));
}

TEST(Relay, ADelayHoldsARequestBackAndWhatIsBehindIt) {
  Stage stage(Delay(milliseconds(200)));
  stage.Client(kPost + kGet);
  EXPECT_EQ(stage.Look().to_server, "");
  EXPECT_EQ(stage.relay().NextDue(), kStart + milliseconds(200));
  stage.Wait(milliseconds(199));
  EXPECT_EQ(stage.Look().to_server, "");
  EXPECT_EQ(stage.tally().acted_on(), 0);  // not yet
  stage.Wait(milliseconds(3));
  EXPECT_EQ(stage.Look().to_server, kPost + kGet);
  EXPECT_EQ(stage.tally().acted_on(), 2);
  EXPECT_EQ(stage.tally().Figures().at("heldLeast"), "202ms");
  stage.Server(kOk + kOk);
  EXPECT_EQ(stage.Look().to_client, kOk + kOk);
}

TEST(Relay, ADelayIsTheSameHoweverTheRequestIsSplit) {
  const Seen seen = Play(Delay(milliseconds(50)), kPost, kChunks, milliseconds(50));
  EXPECT_EQ(seen.to_server, kPost);
  EXPECT_EQ(seen.to_client, kChunks);
  EXPECT_EQ(seen.figures,
            "delayed=1 heldLeast=50ms heldMean=50ms heldMost=50ms requestsActedOn=1 "
            "requestsSeen=1 ");
}

TEST(Relay, AnAbortAnswersInTheTargetsPlaceAndTheConnectionGoesOn) {
  const Seen seen = Play(Abort(503), kPost + kGet, "");
  EXPECT_EQ(seen.to_server, "");
  const std::string answer =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 47\r\n\r\n"
      "this answer was injected by a chaos experiment\n";
  EXPECT_EQ(seen.to_client, answer + answer);
  EXPECT_EQ(seen.figures, "aborted=2 requestsActedOn=2 requestsSeen=2 ");
}

TEST(Relay, AnAbortWaitsForTheAnswersBeforeIt) {
  protocol::Http http = Abort(429);
  http.match.path = "/v1/*";
  Stage stage(http);
  stage.Client(kGet + kPost + kGet);
  EXPECT_EQ(stage.Look().to_server, kGet + kGet);
  EXPECT_EQ(stage.Look().to_client, "");
  stage.Server(kOk.substr(0, 10));
  EXPECT_EQ(stage.Look().to_client, kOk.substr(0, 10));
  stage.Server(kOk.substr(10));
  EXPECT_EQ(stage.Look().to_client.find("HTTP/1.1 429 Too Many Requests\r\n"), kOk.size());
  stage.Server(kOk);
  EXPECT_TRUE(stage.Look().to_client.ends_with("experiment\n" + kOk));
  EXPECT_TRUE(stage.relay().Idle());
}

TEST(Relay, AnAbortOfHeadHasNoBodyAndOneOfAClosingClientEnds) {
  EXPECT_TRUE(
      Play(Abort(500), "HEAD / HTTP/1.1\r\n\r\n", "").to_client.ends_with("Length: 47\r\n\r\n"));
  for (const std::string head :
       {"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n",
        "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"}) {
    Stage stage(Abort(500));
    stage.Client(head + kGet);
    EXPECT_NE(stage.Look().to_client.find("Connection: close\r\n"), std::string::npos) << head;
    EXPECT_EQ(stage.tally().requests(), 1) << head;
    EXPECT_EQ(stage.relay().to_client().EndReached(), Pipe::End::kFin);
    EXPECT_EQ(stage.relay().to_server().EndReached(), Pipe::End::kClose);
  }
}

TEST(Relay, DelayAndAbortTogetherAnswerLate) {
  protocol::Http http = Abort(504);
  http.delay = protocol::Lag{seconds(1), milliseconds(0)};
  Stage stage(http);
  stage.Client(kGet);
  EXPECT_EQ(stage.Look().to_client, "");
  stage.Wait(seconds(1));
  EXPECT_TRUE(stage.Look().to_client.starts_with("HTTP/1.1 504 Gateway Timeout\r\n"));
  EXPECT_EQ(stage.tally().Figures().at("heldMean"), "1.0s");
}

struct OpaqueRow {
  std::string client, server, kind;
};

TEST(Relay, WhatIsNoHttpPassesUntouchedAndIsCounted) {
  for (const OpaqueRow& row : {
           OpaqueRow{std::string("\x16\x03\x01\x02", 4), "\x16\x03", "TLS 1"},
           OpaqueRow{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x01\x02", "\x01", "HTTP/2 1"},
           OpaqueRow{"SSH-2.0-x\r\n", "SSH-2.0-y\r\n", "not HTTP 1"},
           OpaqueRow{"GET / HTTP/1.1\r\nno colon\r\n\r\n", kOk, "not HTTP 1"},
           OpaqueRow{"\x01", "\x02", "not HTTP 1"},
           OpaqueRow{"CONNECT a:1 HTTP/1.1\r\n\r\n\x01", "HTTP/1.1 200 OK\r\n\r\n\x02",
                     "not HTTP 1"},
       }) {
    const Seen seen = Play(Abort(503), row.client, row.server);
    EXPECT_EQ(seen.to_server, row.client);
    EXPECT_EQ(seen.to_client, row.server);
    EXPECT_EQ(seen.figures, "uncovered=1 uncoveredKinds=" + row.kind + " ");
  }
}

TEST(Relay, AChangeOfProtocolPassesFromThereOn) {
  protocol::Http http = Abort(503);
  http.match.path = "/other";
  const std::string client = "GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
  const std::string server = "HTTP/1.1 101 Switching Protocols\r\n\r\nHTTP/1.1 nonsense";
  const Seen seen = Play(http, client, server);
  EXPECT_EQ(seen.to_client, server);
  EXPECT_EQ(seen.figures, "uncovered=1 uncoveredKinds=upgraded 1 ");
}

TEST(Relay, AServerThatSpeaksFirstIsHeard) {
  Stage stage(Abort(503));
  stage.Server("220 mail\r\n");
  EXPECT_EQ(stage.Look().to_client, "220 mail\r\n");
  EXPECT_EQ(stage.tally().Figures().at("uncovered"), "1");
}

TEST(Relay, EndsPassInTheirTurn) {
  Stage stage(Delay(milliseconds(100)));
  stage.Client(kGet);
  stage.relay().ClientEnded();
  EXPECT_EQ(stage.relay().to_server().EndReached(), Pipe::End::kOpen);
  stage.Wait(milliseconds(100));
  EXPECT_EQ(stage.Look().to_server, kGet);
  EXPECT_EQ(stage.relay().to_server().EndReached(), Pipe::End::kFin);
  stage.Server(kOk);
  stage.relay().ServerBroken();
  EXPECT_EQ(stage.relay().to_client().EndReached(), Pipe::End::kOpen);
  EXPECT_EQ(stage.Look().to_client, kOk);
  EXPECT_EQ(stage.relay().to_client().EndReached(), Pipe::End::kReset);
}

TEST(Relay, AfterItsEndEverythingPassesAndWhatWasHeldIsLetGo) {
  Stage stage(Delay(seconds(60)));
  stage.Client(kGet);
  stage.relay().StopActing();
  EXPECT_EQ(stage.Look().to_server, kGet);
  EXPECT_FALSE(stage.relay().Idle());
  stage.Server(kOk);
  EXPECT_FALSE(stage.relay().Idle());
  stage.Look();
  EXPECT_TRUE(stage.relay().Idle());
  stage.Client(kGet);
  EXPECT_EQ(stage.Look().to_server, kGet + kGet);
  EXPECT_EQ(stage.tally().requests(), 1);
}

TEST(Relay, KubeletProbesPassUnlessAskedFor) {
  const std::string probe = "GET /health HTTP/1.1\r\nUser-Agent: kube-probe/1.34\r\n\r\n";
  protocol::Http http = Abort(503);
  EXPECT_EQ(Play(http, probe, kOk).to_client, kOk);
  http.match.kubelet_probes = true;
  EXPECT_TRUE(Play(http, probe, "").to_client.starts_with("HTTP/1.1 503 "));
}

TEST(Script, TheShareAndTheLagsComeFromTheSeed) {
  protocol::Http http = Abort(503);
  http.match.share = 30;
  http.seed = 7;
  const Script script(http);
  http.seed = 8;
  const Script other(http);
  int chosen = 0, differ = 0;
  const protocol::Lag lag{milliseconds(100), milliseconds(40)};
  nanoseconds least = seconds(9), most{0};
  for (std::int64_t request = 1; request <= 2000; ++request) {
    EXPECT_EQ(script.Chosen(request), Script(*script.http()).Chosen(request));
    chosen += script.Chosen(request);
    differ += script.Chosen(request) != other.Chosen(request);
    least = std::min(least, script.Draw(lag, request, 0));
    most = std::max(most, script.Draw(lag, request, 0));
  }
  EXPECT_NEAR(chosen, 600, 80);
  EXPECT_GT(differ, 500);
  EXPECT_GE(least, milliseconds(60));
  EXPECT_LT(least, milliseconds(61));
  EXPECT_LE(most, milliseconds(140));
  EXPECT_GT(most, milliseconds(139));
  EXPECT_EQ(script.Draw({milliseconds(5), milliseconds(0)}, 1, 1), milliseconds(5));
}

TEST(Script, AStarStandsForAnyText) {
  struct Row {
    const char *pattern, *text;
    bool fits;
  };
  for (const Row& row : {Row{"/v1/jobs", "/v1/jobs", true}, Row{"/v1/jobs", "/v1/jobs/1", false},
                         Row{"/v1/*", "/v1/", true}, Row{"/v1/*", "/v1/jobs/1/stream", true},
                         Row{"/v1/jobs/*/stream", "/v1/jobs/a/b/stream", true},
                         Row{"/v1/jobs/*/stream", "/v1/jobs/a/streams", false}, Row{"*", "", true},
                         Row{"", "", true}, Row{"", "/", false}, Row{"*a*b*", "xxaxxbxx", true},
                         Row{"*a*b*", "xxbxxaxx", false}, Row{"*ab", "aab", true}}) {
    EXPECT_EQ(GlobFits(row.pattern, row.text), row.fits) << row.pattern << " " << row.text;
  }
}

TEST(Tally, PrintsSoManyLinesAndCountsTheRest) {
  Tally tally;
  for (int i = 1; i <= 50; ++i) tally.Did({i, 0, "aborted"}, nanoseconds(0), true);
  EXPECT_EQ(tally.TakeLines(seconds(1)).size(), 20U);
  EXPECT_TRUE(tally.TakeLines(seconds(1)).empty());
  tally.Did({51, 3, "dropped"}, nanoseconds(0), true);
  const std::vector<std::string> lines = tally.TakeLines(seconds(2));
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0], "request 51, event 3: dropped (30 before it not printed)");
  EXPECT_EQ(tally.Figures().at("actsNotPrinted"), "30");
  EXPECT_EQ(tally.Figures().at("requestsActedOn"), "51");
  std::size_t printed = 21;
  for (int i = 0; i < 1000; ++i) {
    tally.Did({60 + i, 0, "aborted"}, nanoseconds(0), true);
    printed += tally.TakeLines(seconds(100 + 2 * i)).size();
  }
  EXPECT_EQ(printed, 500U);
}

TEST(Pipe, AnEndIsReachedBehindWhatWaits) {
  Pipe pipe;
  pipe.Put("a");
  pipe.PutLater("", kStart, kStart + seconds(1));
  pipe.Finish(Pipe::End::kFin);
  EXPECT_EQ(pipe.Ready(kStart), "a");
  pipe.Take(1);
  EXPECT_EQ(pipe.EndReached(), Pipe::End::kOpen);
  EXPECT_EQ(pipe.Ready(kStart + seconds(1)), "");
  EXPECT_EQ(pipe.EndReached(), Pipe::End::kFin);
}

TEST(Pipe, NothingOvertakes) {
  Pipe pipe;
  pipe.PutLater("a", kStart, kStart + seconds(2));
  pipe.PutLater("b", kStart, kStart + seconds(1));
  pipe.Put("c");
  EXPECT_EQ(pipe.Ready(kStart + seconds(1)), "");
  EXPECT_EQ(pipe.Ready(kStart + seconds(2)), "abc");
}

TEST(Pipe, ManyBytesTakenInPiecesStayInOrder) {
  Pipe pipe;
  std::string all, out;
  for (int i = 0; i < 4000; ++i) {
    const std::string piece =
        std::to_string(i) + std::string(static_cast<std::size_t>(i % 97), '.');
    all += piece;
    pipe.PutLater(piece, seconds(i), seconds(i));
    const std::string_view ready = pipe.Ready(seconds(i)).substr(0, 53);
    out += ready;
    pipe.Take(ready.size());
  }
  const std::string_view rest = pipe.Ready(seconds(9999));
  EXPECT_EQ(out + std::string(rest), all);
}

}  // namespace
}  // namespace chaos::inject
