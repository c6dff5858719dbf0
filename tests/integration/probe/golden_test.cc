// Each way in which a service can disappoint, said by a scripted server over real sockets, with the
// words in which the probe must report it.
#include <gtest/gtest.h>

#include "tests/integration/probe/probe_run.h"
#include "tests/integration/probe/script_server.h"

namespace chaos::test {
namespace {

using namespace std::chrono_literals;

// The first sample of a probe that has 700 ms for it.
protocol::Event FirstSample(protocol::ProbeArguments probe) {
  probe.timeout = 700ms;
  probe.interval = 60s;
  ProbeRun run(Pod({probe}));
  const auto sample = run.Until([](const auto& event) { return event.event == "sample"; }, 10s);
  EXPECT_TRUE(sample) << "no sample within 10 s";
  return sample.value_or(protocol::Event{});
}

std::string Narration(const std::string& actor, const std::string& action,
                      const std::string& human = "…") {
  return Event(R"({"type":"narration","actor":")" + actor + R"(","action":")" + action +
               R"(","human":")" + human + R"(","job_id":"job-1"})");
}
std::string Token(int i) {
  return Event(R"({"type":"token","t":")" + std::string(i == 0 ? "4" : " x") + R"(","i":)" +
               std::to_string(i) + "}");
}
std::string QueenToken(int i) {
  return Event(R"({"type":"data","action":"token","payload":{"t":")" +
               std::string(i == 0 ? "4" : " x") + R"(","i":)" + std::to_string(i) + "}}");
}
std::string Chunked(const std::string& text) {
  std::string chunks;
  for (const char c : text) chunks += "1\r\n" + std::string(1, c) + "\r\n";
  return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: "
         "chunked\r\n\r\n" +
         chunks + "0\r\n\r\n";
}

const std::string kCreated =
    Reply(200, "application/json", R"({"job_id":"job-1","sse_url":"/v1/jobs/job-1/stream"})");
const std::string kStart = Narration("queen_rbee", "infer_start");
const std::string kDone = Event("[DONE]");

struct Case {
  std::string name;
  std::string post;     // the answer to POST /v1/jobs
  std::string stream;   // the answer to the GET that follows
  bool hold = false;    // then say nothing more, instead of closing
  std::string message;  // "" = a good sample
};

std::string Head() { return std::string(kStreamHead); }

const std::vector<Case>& InferenceCases() {
  static const std::vector<Case> cases = {
      {"a queen that succeeds", kCreated,
       Head() + kStart + QueenToken(0) + QueenToken(1) + Narration("queen_rbee", "infer_success") +
           kDone,
       true, ""},
      {"a worker that succeeds, in chunks of one byte", kCreated,
       Chunked(Token(0) + Token(1) + kDone), false, ""},
      {"a worker whose last event has no blank line", kCreated,
       Head() + Token(0) + "data: [DONE]\n", false, ""},
      {"a web page for the POST", Reply(200, "text/html", "<!doctype html>"), "", false,
       "HTTP 200 with a web page instead of a job"},
      {"a web page for the stream", kCreated, Reply(200, "text/html", "<!doctype html>"), false,
       "stream: HTTP 200 with a web page instead of a stream"},
      {"503", Reply(503, "text/plain", "No idle workers"), "", false, "HTTP 503: No idle workers"},
      {"404 for the stream", kCreated, Reply(404, "text/plain", ""), false, "stream: HTTP 404"},
      {"a failed job", kCreated,
       Head() + kStart +
           Narration("job_server", "failed", "Job job-1 failed: No available worker found") + kDone,
       false, "failed: No available worker found"},
      {"an idle cut", kCreated, Head() + kStart + QueenToken(0) + kDone, false,
       "idle cut: [DONE] after 1 token"},
      {"an error event", kCreated,
       Head() + Event(R"({"type":"error","code":"TIMEOUT","message":"late"})") + kDone, false,
       "failed: TIMEOUT late"},
      {"a job that is not there", kCreated, Head() + Event("ERROR: Job channel not found."), false,
       "failed: ERROR: Job channel not found."},
      {"a stream that ends early", kCreated, Head() + Token(0) + Token(1), false,
       "stream cut after 2 tokens"},
      {"a chunked stream that is cut", kCreated,
       "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: "
       "chunked\r\n\r\nff\r\n" +
           Token(0),
       false, "stream cut after 1 token: cut off in the body"},
      {"a missing token", kCreated, Head() + Token(0) + Token(2) + kDone, false,
       "token 1 is missing"},
      {"a doubled token", kCreated, Head() + Token(0) + Token(0) + kDone, false,
       "token 0 came twice"},
      {"a wrong text", kCreated, Head() + Event(R"({"type":"token","t":"5","i":0})") + kDone, false,
       "the text does not match: \"5\""},
      {"no token at all", kCreated, Head() + Event(R"({"type":"started"})") + kDone, false,
       "0 tokens, wanted at least 1"},
      {"a stall", kCreated, Head() + Token(0), true, "timeout after 700ms: waiting for token 1"},
      {"a stream that never begins", kCreated, "", true,
       "timeout after 700ms: waiting for the first event"},
      {"no answer to the POST", "", "", true,
       "timeout after 700ms: POST /v1/jobs, waiting for the answer"},
      {"no HTTP", "SSH-2.0-OpenSSH\r\n", "", false, "POST /v1/jobs: not an HTTP/1.1 answer"},
      {"hanging up", "", "", false, "POST /v1/jobs: closed without an answer"},
      {"leading away", Reply(200, "application/json", R"({"sse_url":"http://127.0.0.2:1/x"})"), "",
       false, "leads away from 127.0.0.1"},
  };
  return cases;
}

TEST(InferenceProbe, ReportsEachKindOfFailureInItsOwnWords) {
  for (const Case& c : InferenceCases()) {
    SCOPED_TRACE(c.name);
    ScriptServer server([&](const Connection& connection, const std::string& request) {
      connection.Send(request.starts_with("POST /v1/jobs ") ? c.post : c.stream);
      if (c.hold) connection.HoldUntilClosed();
    });
    const protocol::Event sample = FirstSample(InferenceProbe(server.url()));
    EXPECT_EQ(sample.ok, c.message.empty()) << sample.message;
    EXPECT_NE(sample.message.find(c.message), std::string::npos) << sample.message;
  }
}

TEST(InferenceProbe, SaysWhenNobodyListens) {
  const protocol::Event sample =
      FirstSample(InferenceProbe("http://127.0.0.1:" + std::to_string(FreePort())));
  EXPECT_EQ(sample.message, "POST /v1/jobs: connect: Connection refused");
}

TEST(HttpProbe, ReportsEachKindOfFailureInItsOwnWords) {
  struct Row {
    std::string answer;
    bool hold;
    std::string message;
  };
  for (const Row& row :
       {Row{Reply(200, "text/plain", "ok"), true, ""},
        Row{"HTTP/1.0 200 OK\n\nok, until the end", false, ""},
        Row{Reply(200, "text/html", "<html>"), true,
            "does not contain \"ok\" but begins with \"<html>\""},
        Row{Reply(500, "text/plain", "boom"), true, "HTTP 500: boom"},
        Row{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", false, "cut off in the body"},
        Row{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", true,
            "timeout after 700ms: reading the answer"},
        Row{"", true, "timeout after 700ms: waiting for the answer"},
        Row{"hello\r\n", false, "not an HTTP/1.1 answer"}}) {
    SCOPED_TRACE(row.answer);
    ScriptServer server([&](const Connection& connection, const std::string&) {
      connection.SendByteByByte(row.answer);
      if (row.hold) connection.HoldUntilClosed();
    });
    auto probe = HttpProbe(server.url() + "/health");
    probe.body_contains = "ok";
    const protocol::Event sample = FirstSample(probe);
    EXPECT_EQ(sample.ok, row.message.empty()) << sample.message;
    EXPECT_NE(sample.message.find(row.message), std::string::npos) << sample.message;
  }
}

TEST(HttpProbe, SaysWhenTheConnectionIsReset) {
  ScriptServer server([](const Connection& connection, const std::string&) { connection.Reset(); });
  EXPECT_EQ(FirstSample(HttpProbe(server.url())).message, "Connection reset by peer");
}

TEST(SseProbe, FailsByWhatTheStreamSays) {
  struct Row {
    std::string answer;
    std::string message;
  };
  for (const Row& row :
       {Row{Head() + Event(R"({"type":"queen","hives_online":1})"), ""},
        Row{Head() + ": hello\r\n\r\ndata: {\"type\":\"queen\",\rdata: \"hives_online\":2}\r\n\r",
            ""},
        Row{Head() + Event(R"({"type":"queen","hives_online":0})"),
            "/hives_online is 0, wanted at least 1"},
        Row{Head() + Event(R"({"type":"other"})"), "connected, but no matching event yet"},
        Row{Reply(200, "text/html", "<html>"), "HTTP 200 with a web page instead of a stream"},
        Row{"", "not connected yet: waiting for the answer"}}) {
    SCOPED_TRACE(row.answer);
    ScriptServer server([&](const Connection& connection, const std::string&) {
      connection.SendByteByByte(row.answer);
      connection.HoldUntilClosed();
    });
    const protocol::Event sample = FirstSample(SseProbe(server.url()));
    EXPECT_EQ(sample.ok, row.message.empty()) << sample.message;
    EXPECT_NE(sample.message.find(row.message), std::string::npos) << sample.message;
  }
}

TEST(SseProbe, ComesBackAfterAStreamThatEnded) {
  std::atomic<int> streams{0};
  ScriptServer server([&](const Connection& connection, const std::string&) {
    if (++streams < 3) return;  // hangs up twice
    connection.Send(Head() + Event(R"({"type":"queen","hives_online":1})"));
    connection.HoldUntilClosed();
  });
  auto probe = SseProbe(server.url());
  probe.interval = 100ms;
  ProbeRun run(Pod({probe}));
  EXPECT_TRUE(
      run.Until([](const auto& event) { return event.event == "sample" && event.ok; }, 10s));
  EXPECT_GE(streams, 3);
}

TEST(SseProbe, ReplacesAStreamThatFellSilentAndSaysHowLongNothingCame) {
  std::atomic<int> streams{0};
  ScriptServer server([&](const Connection& connection, const std::string&) {
    const int n = ++streams;
    connection.Send(Head());
    if (n != 2) connection.Send(Event(R"({"type":"queen","hives_online":1})"));
    connection.HoldUntilClosed();
  });
  auto probe = SseProbe(server.url());
  probe.interval = 100ms;
  probe.max_silence = 500ms;
  ProbeRun run(Pod({probe}));
  EXPECT_TRUE(
      run.Until([](const auto& event) { return event.event == "sample" && event.ok; }, 10s));
  const auto bad =
      run.Until([](const auto& event) { return event.event == "sample" && !event.ok; }, 10s);
  ASSERT_TRUE(bad);
  EXPECT_TRUE(bad->message.starts_with("no event for 0.")) << bad->message;
  EXPECT_TRUE(
      run.Until([](const auto& event) { return event.event == "sample" && event.ok; }, 10s));
  EXPECT_GE(streams, 3);
}

}  // namespace
}  // namespace chaos::test
