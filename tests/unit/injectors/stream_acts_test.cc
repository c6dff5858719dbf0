// What is done to the events of a stream. Every answer is played whole, byte by byte, and split
// once at each place: the client must get the same.
#include "injectors/proxy/stream_acts.h"

#include <gtest/gtest.h>

#include "injectors/proxy/relay.h"

namespace chaos::inject {
namespace {

constexpr nanoseconds kStart = seconds(1000);
const std::string kRequest = "GET /v1/jobs/1/stream HTTP/1.1\r\nHost: a\r\n\r\n";
const std::string kHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    "Transfer-Encoding: chunked\r\n\r\n";

std::string Chunk(const std::string& text) {
  char size[16];
  std::snprintf(size, sizeof size, "%zx", text.size());
  return std::string(size) + "\r\n" + text + "\r\n";
}
std::string Event(const std::string& data) { return "data: " + data + "\n\n"; }

// Two chunks that cut events in the middle, a comment among them, and the end.
std::string Answer(const std::string& newline = "\n") {
  std::string body = "data: a" + newline + newline + ": ping" + newline + newline +
                     "data: {\"t\":1}" + newline + newline + "data: c" + newline + newline +
                     "data: [DONE]" + newline + newline;
  return kHead + Chunk(body.substr(0, 12)) + Chunk(body.substr(12)) + "0\r\n\r\n";
}

struct Seen {
  std::string to_client;
  std::string figures;  // what was done, in one line
  Pipe::End client = Pipe::End::kOpen, server = Pipe::End::kOpen;
  bool operator==(const Seen&) const = default;
};
void PrintTo(const Seen& seen, std::ostream* out) {
  *out << "[" << seen.to_client << "] " << seen.figures << static_cast<int>(seen.client)
       << static_cast<int>(seen.server);
}

protocol::Stream Plain() {
  protocol::Stream stream;
  stream.match.ports = {8080};
  stream.seed = 5;
  return stream;
}

class Stage {
 public:
  explicit Stage(const protocol::Stream& stream) : script_(stream), relay_(script_, tally_) {
    relay_.FromClient(kRequest, now_);
    Look();
  }
  void Server(std::string_view bytes) { relay_.FromServer(bytes, now_); }
  void Wait(nanoseconds time) { now_ += time; }
  Seen Look() {
    const std::string_view server = relay_.ToServer(now_);
    to_server_ += server;
    relay_.TakeToServer(server.size());
    const std::string_view client = relay_.ToClient(now_);
    seen_.to_client += client;
    relay_.TakeToClient(client.size());
    seen_.client = relay_.to_client().EndReached();
    seen_.server = relay_.to_server().EndReached();
    seen_.figures.clear();
    for (const auto& [name, value] : tally_.Figures()) {
      if (value != "0" && name != "requestsSeen") seen_.figures += name + "=" + value + " ";
    }
    return seen_;
  }
  Relay& relay() { return relay_; }
  Tally& tally() { return tally_; }
  const std::string& to_server() const { return to_server_; }

 private:
  const Script script_;
  Tally tally_;
  Relay relay_;
  nanoseconds now_ = kStart;
  Seen seen_;
  std::string to_server_;
};

Seen Play(const protocol::Stream& stream, const std::string& answer) {
  const std::string_view all = answer;
  const auto play = [&](std::size_t first, std::size_t step) {
    Stage stage(stream);
    stage.Server(all.substr(0, first));
    for (std::size_t at = first; at < all.size(); at += step) {
      stage.Look();
      stage.Server(all.substr(at, step));
    }
    return stage.Look();
  };
  const Seen whole = play(all.size(), all.size());
  EXPECT_EQ(play(0, 1), whole) << "byte by byte";
  for (std::size_t at = 1; at < all.size(); ++at)
    EXPECT_EQ(play(at, all.size()), whole) << "split at " << at;
  return whole;
}

// The events that a client finds in what it got, each with a bar behind it; ~ where the body ended
// in order.
std::string Events(std::string_view to_client) {
  load::ResponseParser parser;
  load::SseParser sse;
  std::string body, events;
  parser.Feed(to_client, body);
  sse.Feed(body,
           [&](std::string_view, std::string_view data) { events += std::string(data) + "|"; });
  return events + (parser.done() ? "~" : "");
}

TEST(StreamActs, AStreamThatIsNotChosenPassesUnchanged) {
  protocol::Stream stream = Plain();
  stream.stall_after = 0;
  stream.match.share = 1;
  stream.seed = 1;
  ASSERT_FALSE(Script(stream).Chosen(1));
  const Seen seen = Play(stream, Answer());
  EXPECT_EQ(seen.to_client, Answer());
  EXPECT_EQ(seen.figures, "streamsSeen=1 ");
}

TEST(StreamActs, WhatIsNoStreamPassesUnchanged) {
  protocol::Stream stream = Plain();
  stream.truncate_after = 0;
  const std::string answer =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: "
      "chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
  const Seen seen = Play(stream, answer);
  EXPECT_EQ(seen.to_client, answer);
  EXPECT_EQ(seen.figures, "");
}

TEST(StreamActs, ACompressedStreamIsUncovered) {
  protocol::Stream stream = Plain();
  stream.truncate_after = 0;
  for (const std::string more :
       {"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Content-Length: 2\r\n\r\n\n\n"}) {
    const std::string answer = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + more;
    const Seen seen = Play(stream, answer);
    EXPECT_EQ(seen.to_client, answer);
    EXPECT_EQ(seen.figures,
              "streamsSeen=1 uncovered=1 uncoveredKinds=compressed or of fixed length 1 ");
  }
}

TEST(StreamActs, TheTargetIsNotAskedForACompressedOne) {
  protocol::Stream stream = Plain();
  stream.truncate_after = 0;
  Stage stage(stream);
  stage.relay().FromClient("GET /2 HTTP/1.1\r\nACCEPT-Encoding: gzip, br\r\nB: c\r\n\r\n", kStart);
  stage.Look();
  EXPECT_EQ(stage.to_server(), kRequest + "GET /2 HTTP/1.1\r\nB: c\r\n\r\n");
}

struct EndRow {
  protocol::StreamEnd end;
  std::string events;
  Pipe::End client;
};

TEST(StreamActs, ATruncatedStreamEndsAsAskedForAndTheTargetIsHungUpOn) {
  for (const EndRow& row :
       {EndRow{protocol::StreamEnd::kCleanWithoutDone, "a|{\"t\":1}|~", Pipe::End::kFin},
        EndRow{protocol::StreamEnd::kFin, "a|{\"t\":1}|", Pipe::End::kFin},
        EndRow{protocol::StreamEnd::kReset, "a|{\"t\":1}|", Pipe::End::kReset}}) {
    protocol::Stream stream = Plain();
    stream.truncate_after = 2;
    stream.end = row.end;
    for (const std::string newline : {"\n", "\r\n", "\r"}) {
      const Seen seen = Play(stream, Answer(newline));
      EXPECT_EQ(Events(seen.to_client), row.events);
      EXPECT_EQ(seen.client, row.client);
      EXPECT_EQ(seen.server, Pipe::End::kClose);
      EXPECT_EQ(seen.figures, "requestsActedOn=1 streamsSeen=1 truncated=1 ");
    }
  }
}

TEST(StreamActs, ATruncationAfterNoEventLeavesTheHeadAlone) {
  protocol::Stream stream = Plain();
  stream.truncate_after = 0;
  EXPECT_EQ(Play(stream, Answer()).to_client, kHead);
}

TEST(StreamActs, AStreamThatIsShorterIsNotActedOn) {
  protocol::Stream stream = Plain();
  stream.truncate_after = 5;
  const Seen seen = Play(stream, Answer());
  EXPECT_EQ(Events(seen.to_client), "a|{\"t\":1}|c|[DONE]|~");
  EXPECT_EQ(seen.figures, "streamsSeen=1 ");
  EXPECT_EQ(seen.client, Pipe::End::kOpen);  // the next request may come
}

TEST(StreamActs, AStalledStreamSaysNothingUntilTheFaultEnds) {
  protocol::Stream stream = Plain();
  stream.stall_after = 1;
  Stage stage(stream);
  stage.Server(Answer());
  EXPECT_EQ(Events(stage.Look().to_client), "a|");
  stage.Wait(std::chrono::hours(1));
  EXPECT_EQ(Events(stage.Look().to_client), "a|");
  EXPECT_EQ(stage.Look().figures, "requestsActedOn=1 stalled=1 streamsSeen=1 ");
  stage.relay().StopActing();
  EXPECT_EQ(Events(stage.Look().to_client), "a|{\"t\":1}|c|[DONE]|~");
  EXPECT_TRUE(stage.relay().Idle());
}

TEST(StreamActs, AnErrorEventComesInsideOfTheGoodAnswer) {
  protocol::Stream stream = Plain();
  stream.error_after = 1;
  stream.error_data = R"({"type":"error"})";
  const Seen seen = Play(stream, Answer());
  EXPECT_EQ(Events(seen.to_client), R"(a|{"type":"error"}|~)");
  EXPECT_EQ(seen.server, Pipe::End::kClose);
}

TEST(StreamActs, ACancelIsAResetForTheTarget) {
  protocol::Stream stream = Plain();
  stream.cancel_after = 2;
  const Seen seen = Play(stream, Answer());
  EXPECT_EQ(Events(seen.to_client), "a|{\"t\":1}|");
  EXPECT_EQ(seen.server, Pipe::End::kReset);
  EXPECT_EQ(seen.client, Pipe::End::kFin);
}

TEST(StreamActs, EventsAreSpoiltDroppedAndDoubled) {
  const struct {
    const char* events;
    void (*ask)(protocol::Stream&);
  } rows[] = {
      {"a|{\"t\":1}|c|~", [](protocol::Stream& s) { s.drop_done = true; }},
      {"[DONE]|~", [](protocol::Stream& s) { s.drop = 100; }},
      {"~", [](protocol::Stream& s) { s.drop = 100, s.drop_done = true; }},
      {"a|a|{\"t\":1}|{\"t\":1}|c|c|[DONE]|~", [](protocol::Stream& s) { s.duplicate = 100; }},
      {"{\"t\":1}|a|[DONE]|c|~", [](protocol::Stream& s) { s.reorder = 100; }},
  };
  for (const auto& row : rows) {
    protocol::Stream stream = Plain();
    row.ask(stream);
    for (const std::string newline : {"\n", "\r\n"})
      EXPECT_EQ(Events(Play(stream, Answer(newline)).to_client), row.events);
  }
}

TEST(StreamActs, ACorruptedEventIsStillOne) {
  protocol::Stream stream = Plain();
  stream.corrupt = 100;
  EXPECT_EQ(Events(Play(stream, kHead + Chunk(Event(R"({"t":"x"})")) + "0\r\n\r\n").to_client),
            "{\"t\"|~");
  stream.corruption = protocol::Corruption::kBadUtf8;
  EXPECT_EQ(Events(Play(stream, kHead + Chunk(Event(R"({"t":"x"})")) + "0\r\n\r\n").to_client),
            "{\"t\"\xff:\"x\"}|~");
}

TEST(StreamActs, AShareOfTheEventsIsAShare) {
  protocol::Stream stream = Plain();
  stream.drop = 30;
  std::string answer = kHead;
  for (int i = 0; i < 1000; ++i) answer += Chunk(Event(std::to_string(i)));
  Stage stage(stream);
  stage.Server(answer + "0\r\n\r\n");
  stage.Look();
  EXPECT_NEAR(std::stoi(stage.tally().Figures().at("dropped")), 300, 60);
  EXPECT_EQ(stage.tally().acted_on(), 1);
}

TEST(StreamActs, ADelayOfTheFirstTokenMovesAllAndThatOfEachAddsUp) {
  protocol::Stream stream = Plain();
  stream.first_token_delay = protocol::Lag{seconds(2), milliseconds(0)};
  stream.token_delay = protocol::Lag{milliseconds(100), milliseconds(0)};
  Stage stage(stream);
  stage.Server(Answer());
  EXPECT_EQ(stage.Look().to_client, kHead);
  stage.Wait(milliseconds(1999));
  EXPECT_EQ(Events(stage.Look().to_client), "");
  stage.Wait(milliseconds(1));
  EXPECT_EQ(Events(stage.Look().to_client), "a|");
  stage.Wait(milliseconds(100));
  EXPECT_EQ(Events(stage.Look().to_client), "a|{\"t\":1}|");
  stage.Wait(milliseconds(200));
  EXPECT_EQ(Events(stage.Look().to_client), "a|{\"t\":1}|c|[DONE]|~");
  const auto figures = stage.tally().Figures();
  EXPECT_EQ(figures.at("delayed"), "4");
  EXPECT_EQ(figures.at("heldLeast"), "2.0s");
  EXPECT_EQ(stage.tally().TakeLines(kStart).at(1), "request 1, event 2: delayed 2.1s");
}

TEST(StreamActs, ABodyThatEndsWithItsConnectionIsNotFramed) {
  protocol::Stream stream = Plain();
  stream.duplicate = 100;
  Stage stage(stream);
  const std::string head = "HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
  stage.Server(head + Event("a") + "data: b\n");
  stage.relay().ServerEnded();
  EXPECT_EQ(stage.Look().to_client, head + Event("a") + Event("a") + "data: b\n");
  EXPECT_EQ(stage.Look().client, Pipe::End::kFin);
}

TEST(StreamActs, TheNextAnswerOnTheConnectionHasEventsOfItsOwn) {
  protocol::Stream stream = Plain();
  stream.truncate_after = 5;
  Stage stage(stream);
  stage.relay().FromClient(kRequest, kStart);
  stage.Server(Answer() + Answer());
  const std::string both = stage.Look().to_client;
  EXPECT_EQ(stage.Look().figures, "streamsSeen=2 ");
  EXPECT_EQ(both.substr(0, both.size() / 2), both.substr(both.size() / 2));
}

TEST(StreamActs, AfterItsEndEverythingPasses) {
  protocol::Stream stream = Plain();
  stream.drop = 100;
  Stage stage(stream);
  const std::string all = Answer();
  stage.Server(all.substr(0, kHead.size() + 12));
  stage.Look();
  stage.relay().StopActing();
  stage.Server(all.substr(kHead.size() + 12));
  EXPECT_EQ(Events(stage.Look().to_client), "{\"t\":1}|c|[DONE]|~");
}

}  // namespace
}  // namespace chaos::inject
