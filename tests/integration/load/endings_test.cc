// Each way in which a service can disappoint, said by a scripted server over real sockets, must be
// counted exactly as what it is and as nothing else.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <ostream>

#include "tests/integration/load/load_run.h"
#include "tests/integration/probe/script_server.h"

namespace chaos::test {
namespace {

using namespace std::chrono_literals;
using protocol::Ending;
using protocol::Trend;

std::string Narration(const std::string& actor, const std::string& action) {
  return Event(R"({"type":"narration","actor":")" + actor + R"(","action":")" + action +
               R"(","human":"so it is"})");
}
std::string Token(int i) {
  return Event(R"({"type":"token","t":"x","i":)" + std::to_string(i) + "}");
}
std::string QueenToken(int i) {
  return Event(R"({"type":"data","action":"token","payload":{"t":"x","i":)" + std::to_string(i) +
               "}}");
}
// Cut into chunks of `size` bytes.
std::string Chunked(const std::string& text, std::size_t size, bool whole = true) {
  std::string out =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (std::size_t at = 0; at < text.size(); at += size) {
    const std::string piece = text.substr(at, size);
    char head[16];
    std::snprintf(head, sizeof head, "%zx\r\n", piece.size());
    out += head + piece + "\r\n";
  }
  return out + (whole ? "0\r\n\r\n" : "");
}
std::string WithCrlf(std::string text) {
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2)
    text.replace(at, 1, "\r\n");
  return text;
}

const std::string kCreated =
    Reply(200, "application/json", R"({"job_id":"job-1","sse_url":"/v1/jobs/job-1/stream"})");
const std::string kPage = Reply(200, "text/html", "<!doctype html>");
const std::string kQueen = Narration("queen_rbee", "infer_start");
const std::string kSuccess = Narration("queen_rbee", "infer_success");
const std::string kFailed = Narration("job_server", "failed");
const std::string kDone = Event("[DONE]");
const std::string kAll = Token(0) + Token(1) + Token(2) + kDone;

enum class Then { kClose, kHold, kReset };

struct Case {
  std::string name;
  std::string post, stream;
  Ending ending;
  Then then = Then::kClose;
  std::int64_t tokens = 0;  // of each iteration
  bool byte_by_byte = false;
};

std::string Head() { return std::string(kStreamHead); }

const std::vector<Case>& Cases() {
  static const std::vector<Case> cases = {
      {"AQueen", kCreated,
       Head() + kQueen + QueenToken(0) + QueenToken(1) + QueenToken(2) + kSuccess + kDone,
       Ending::kOk, Then::kClose, 3},
      {"AQueenThatHoldsTheStream", kCreated, Head() + kQueen + kSuccess + kDone, Ending::kOk,
       Then::kHold, 0},
      {"AWorker", kCreated, Head() + kAll, Ending::kOk, Then::kClose, 3},
      {"AWorkersTokenOnceMore", kCreated,
       Head() + Token(0) + Token(1) + Token(2) + Token(3) + kDone, Ending::kOk, Then::kClose, 4},
      {"ChunksOfOneByte", kCreated, Chunked(kAll, 1), Ending::kOk, Then::kClose, 3},
      {"ChunksOfSevenBytes", kCreated, Chunked(kAll, 7), Ending::kOk, Then::kClose, 3},
      {"EveryByteAlone", kCreated, Chunked(kAll, 5), Ending::kOk, Then::kClose, 3, true},
      {"CrlfInTheStream", kCreated, Chunked(WithCrlf(kAll), 11), Ending::kOk, Then::kClose, 3},
      {"DoneWithoutBlankLine", kCreated, Head() + Token(0) + Token(1) + Token(2) + "data: [DONE]\n",
       Ending::kOk, Then::kClose, 3},
      {"EndedShort", kCreated, Head() + Token(0) + kDone, Ending::kEndedShort, Then::kClose, 1},
      {"FalseDone", kCreated, Head() + kQueen + QueenToken(0) + kDone, Ending::kFalseDone,
       Then::kClose, 1},
      {"FailedInsideOf200", kCreated, Head() + kQueen + kFailed + kDone, Ending::kErrorEvent,
       Then::kClose},
      {"ErrorMarker", kCreated, Head() + Event("[ERROR] no such model"), Ending::kErrorEvent,
       Then::kClose},
      {"ErrorEvent", kCreated,
       Head() + Token(0) + Event(R"({"type":"error","code":"X","message":"no"})") + kDone,
       Ending::kErrorEvent, Then::kClose, 1},
      {"Truncated", kCreated, Chunked(Token(0) + Token(1), 9, false), Ending::kTruncated,
       Then::kClose, 2},
      {"TruncatedWithoutLength", kCreated, Head() + Token(0), Ending::kTruncated, Then::kClose, 1},
      {"CutByReset", kCreated, Chunked(Token(0), 9, false), Ending::kTruncated, Then::kReset, 1},
      {"ClosedWithoutAnAnswer", "", "", Ending::kTruncated, Then::kClose},
      {"Gap", kCreated, Head() + Token(0) + Token(2) + Token(3) + kDone, Ending::kTokenGap,
       Then::kClose, 3},
      {"Repeat", kCreated, Head() + Token(0) + Token(0) + Token(1) + kDone, Ending::kTokenRepeated,
       Then::kClose, 3},
      {"HtmlForThePost", kPage, "", Ending::kWrongContent, Then::kClose},
      {"HtmlForTheStream", kCreated, kPage, Ending::kWrongContent, Then::kClose},
      {"Status503ForThePost", Reply(503, "text/plain", "no"), "", Ending::kHttpError, Then::kClose},
      {"Status404ForTheStream", kCreated, Reply(404, "text/plain", "no"), Ending::kHttpError,
       Then::kClose},
      {"NotJson", Reply(200, "application/json", "{"), "", Ending::kProtocolError, Then::kClose},
      {"ElsewhereForTheStream",
       Reply(200, "application/json", R"({"sse_url":"http://elsewhere/x"})"), "",
       Ending::kProtocolError, Then::kClose},
      {"NotHttp", "SSH-2.0-x\r\n", "", Ending::kProtocolError, Then::kClose},
      {"BrokenChunks", kCreated, Chunked(Token(0), 99, false) + "zz\r\n", Ending::kProtocolError,
       Then::kClose, 1},
      {"StallBeforeTheHead", kCreated, "", Ending::kFirstTokenTimeout, Then::kHold},
      {"StallBeforeTheFirstToken", kCreated, Head() + kQueen, Ending::kFirstTokenTimeout,
       Then::kHold},
      {"StallAfterATokenIsSilence", kCreated, Head() + kQueen + QueenToken(0), Ending::kIdleTimeout,
       Then::kHold, 1},
      {"SlowHeaderOfThePost", "HTTP/1.1 200 OK\r\nContent-Le", "", Ending::kFirstTokenTimeout,
       Then::kHold},
  };
  return cases;
}

void PrintTo(const Case& it, std::ostream* out) { *out << it.name; }

class Endings : public testing::TestWithParam<Case> {};

TEST_P(Endings, AreCountedAsWhatTheyAre) {
  const Case& it = GetParam();
  ScriptServer server([&](const Connection& connection, const std::string& request) {
    const bool post = request.starts_with("POST /v1/jobs ");
    const std::string& answer = post ? it.post : it.stream;
    if (it.byte_by_byte && !post)
      connection.SendByteByByte(answer);
    else
      connection.Send(answer);
    if (post && answer == kCreated) return;
    if (it.then == Then::kHold) connection.HoldUntilClosed();
    if (it.then == Then::kReset) connection.Reset();
  });
  protocol::LoadArguments arguments = Load("rbee", server.url(), 2, 1200ms);
  arguments.request.first_token_timeout = 300ms;
  arguments.request.idle_timeout = 200ms;
  if (it.then == Then::kHold && it.ending == Ending::kFirstTokenTimeout)
    arguments.request.idle_timeout = 0ms;
  arguments.think_min = arguments.think_max = 20ms;
  LoadRun run(arguments);
  ASSERT_TRUE(run.Until("ended"));
  EXPECT_EQ(run.child().Wait(10s), 0);

  const protocol::Cell all = run.all();
  EXPECT_GE(all.Of(it.ending), 2);
  for (std::size_t i = 0; i < protocol::kEndings; ++i) {
    const auto ending = static_cast<Ending>(i);
    if (ending == it.ending || ending == Ending::kInterrupted) continue;
    EXPECT_EQ(all.Of(ending), 0) << Name(ending);
  }
  EXPECT_LE(all.Of(Ending::kInterrupted), 2);
  // A reset may overtake what was sent before it.
  const std::int64_t surely = it.then == Then::kReset ? 0 : it.tokens;
  EXPECT_GE(all.tokens, all.Of(it.ending) * surely);
  EXPECT_LE(all.tokens, (all.Of(it.ending) + all.Of(Ending::kInterrupted)) * it.tokens);
  EXPECT_EQ(all.Of(Trend::kIterationDuration).n, all.Of(it.ending));
  EXPECT_EQ(all.Of(Trend::kE2e).n,
            it.ending == Ending::kOk || it.ending == Ending::kEndedShort ? all.Of(it.ending) : 0);
  const auto& samples = run.log().error_samples();
  EXPECT_EQ(samples.empty(), it.ending == Ending::kOk);
  for (const std::string& sample : samples)
    EXPECT_TRUE(sample.starts_with(std::string(Name(it.ending)) + ": ")) << sample;
}

INSTANTIATE_TEST_SUITE_P(Golden, Endings, testing::ValuesIn(Cases()),
                         [](const auto& row) { return row.param.name; });

TEST(Load, AClosedPortIsAConnectErrorAndNoTightLoop) {
  LoadRun run(Load("http", "http://127.0.0.1:" + std::to_string(FreePort()), 1, 1500ms));
  ASSERT_TRUE(run.Until("ended"));
  const protocol::Cell all = run.all();
  EXPECT_GE(all.Of(Ending::kConnectError), 2);
  EXPECT_LE(all.Of(Ending::kConnectError), 6) << "100, 200, 400, 800 ms apart";
  EXPECT_EQ(all.Judged(), all.Errors(false));
  EXPECT_EQ(all.http_req_failed, all.Of(Ending::kConnectError));
  EXPECT_EQ(all.Of(Trend::kHttpReqDuration).n, 0) << "nothing was sent";
}

// The script server says nothing of closing and closes: every reuse meets a dead connection.
TEST(Load, AConnectionThatTheServerClosedMeanwhileIsNoError) {
  ScriptServer server([](const Connection& connection, const std::string&) {
    connection.Send(Reply(200, "text/plain", "good"));
  });
  protocol::LoadArguments arguments = Load("http", server.url(), 2, 600ms);
  arguments.request.body_contains = "good";
  LoadRun run(arguments);
  ASSERT_TRUE(run.Until("ended"));
  const protocol::Cell all = run.all();
  EXPECT_GE(all.Of(Ending::kOk), 4);
  EXPECT_EQ(all.Of(Ending::kOk), all.Judged());
  EXPECT_EQ(all.http_reqs, all.Of(Ending::kOk)) << "what is sent again counts once";
}

TEST(Load, AConnectionIsKeptAndEveryRequestIsCounted) {
  std::atomic<int> answered{0}, connections{0};
  ScriptServer server([&](const Connection& connection, std::string request) {
    ++connections;
    for (; !request.empty(); request = connection.ReadRequest()) {
      connection.Send(Reply(200, "text/plain", "ok"));
      ++answered;
    }
  });
  LoadRun run(Load("http", server.url(), 3, 500ms));
  ASSERT_TRUE(run.Until("ended"));
  const protocol::Cell all = run.all();
  EXPECT_EQ(connections, 3);
  EXPECT_EQ(all.Of(Ending::kOk) + all.Of(Ending::kInterrupted), answered);
  EXPECT_LE(all.Of(Ending::kInterrupted), 3);
}

TEST(Load, StatusAndBodyDecideOverPlainHttp) {
  ScriptServer server([](const Connection& connection, const std::string& request) {
    connection.Send(Reply(request.starts_with("GET /teapot ") ? 418 : 200, "text/plain", "tea"));
  });
  struct Row {
    std::string path;
    std::vector<int> status_in;
    std::string contains;
    Ending ending;
  };
  for (const Row& row :
       {Row{"/teapot", {418}, "tea", Ending::kOk}, Row{"/teapot", {}, "", Ending::kHttpError},
        Row{"/", {418}, "", Ending::kHttpError}, Row{"/", {}, "coffee", Ending::kWrongContent}}) {
    protocol::LoadArguments arguments = Load("http", server.url() + row.path, 1, 300ms);
    arguments.request.status_in = row.status_in;
    arguments.request.body_contains = row.contains;
    arguments.think_min = arguments.think_max = 20ms;
    LoadRun run(arguments);
    ASSERT_TRUE(run.Until("ended"));
    EXPECT_GE(run.all().Of(row.ending), 1) << row.path;
    EXPECT_EQ(run.all().Of(row.ending), run.all().Judged()) << row.path;
  }
}

TEST(Load, ASlowHeaderIsATotalTimeoutOverPlainHttp) {
  ScriptServer server([](const Connection& connection, const std::string&) {
    connection.Send("HTTP/1.1 200 OK\r\nContent-");
    connection.HoldUntilClosed();
  });
  protocol::LoadArguments arguments = Load("http", server.url(), 1, 1000ms);
  arguments.request.timeout = 200ms;
  LoadRun run(arguments);
  ASSERT_TRUE(run.Until("ended"));
  EXPECT_GE(run.all().Of(Ending::kTotalTimeout), 2);
  EXPECT_EQ(run.all().Of(Ending::kTotalTimeout), run.all().Judged());
}

}  // namespace
}  // namespace chaos::test
