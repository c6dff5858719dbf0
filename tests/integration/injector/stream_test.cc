// What the fault `stream` does to the token streams of a worker, as its client and its own log see
// it.
#include <gtest/gtest.h>

#include <csignal>

#include "tests/integration/injector/program.h"
#include "tests/integration/injector/served.h"

namespace chaos::test {
namespace {

using std::chrono::steady_clock;

constexpr const char* kRun = "6677889900";

protocol::InjectArguments StreamArguments(milliseconds duration, protocol::Stream stream) {
  protocol::InjectArguments arguments = Arguments(kRun, duration);
  arguments.controls.clear();
  stream.match.ports = {8080};
  stream.match.path = "/v1/jobs/*/stream";
  stream.seed = 3;
  arguments.fault = stream;
  return arguments;
}

// A job of ten tokens; its client has sent everything and reads.
class Job {
 public:
  explicit Job(const TestNet& net, int number) : client_(net.peer(), "10.9.0.2", "10.9.0.1", 8080) {
    const std::string id = "job-8080-" + std::to_string(number);
    const std::string body =
        R"({"operation":"infer","model":"m","prompt":"p","max_tokens":10,"temperature":0.1})";
    client_.Send("POST /v1/jobs HTTP/1.1\r\nContent-Length: " + std::to_string(body.size()) +
                 "\r\n\r\n" + body);
    EXPECT_TRUE(client_.ReadTo(id));
    asked_ = steady_clock::now();
    client_.Send("GET /v1/jobs/" + id + "/stream HTTP/1.1\r\nAccept-Encoding: gzip\r\n\r\n");
  }
  Client* operator->() { return &client_; }
  steady_clock::time_point asked() const { return asked_; }
  int Tokens() const {
    int tokens = 0;
    for (std::size_t at = 0;
         (at = client_.all().find("\"type\":\"token\"", at)) != std::string::npos; ++at)
      ++tokens;
    return tokens;
  }

 private:
  Client client_;
  steady_clock::time_point asked_;
};

struct Scene {
  explicit Scene(const protocol::Stream& stream, milliseconds duration = seconds(20))
      : worker(net, {"--token-rate", "100"}),
        injector(net.target(), InjectWords(StreamArguments(duration, stream))) {
    EXPECT_TRUE(injector.WaitFor("applied"));
  }
  // Ends the fault; what it says of itself.
  std::map<std::string, std::string> End() {
    injector.Signal(SIGTERM);
    EXPECT_EQ(injector.Wait(), 0);
    EXPECT_EQ(net.Nft("list ruleset"), "");
    return injector.events().back().measured;
  }
  TestNet net;
  SimWorker worker;
  Program injector;
};

TEST(Stream, BreaksOffByAResetAndTheWorkerNotices) {
  protocol::Stream stream;
  stream.truncate_after = 4;
  stream.end = protocol::StreamEnd::kReset;
  Scene scene(stream);
  Job job(scene.net, 1);
  EXPECT_EQ(job->ReadToEnd(), Client::End::kReset);
  EXPECT_LE(job.Tokens(), 3);  // the first event says that it has started; a reset may eat some
  const std::string line = scene.worker.WaitForLine("job_end");
  EXPECT_NE(line.find("client gone"), std::string::npos) << line;
  const auto act = scene.injector.WaitFor("act");
  ASSERT_TRUE(act);
  EXPECT_EQ(act->message, "request 1, event 4: truncated");
  EXPECT_TRUE(scene.injector.WaitFor("verified"));
  const auto figures = scene.End();
  EXPECT_EQ(figures.at("truncated"), "1");
  EXPECT_EQ(figures.at("streamsSeen"), "1");
}

TEST(Stream, EndsInOrderWithoutDone) {
  protocol::Stream stream;
  stream.truncate_after = 4;
  stream.end = protocol::StreamEnd::kCleanWithoutDone;
  Scene scene(stream);
  Job job(scene.net, 1);
  EXPECT_EQ(job->ReadToEnd(), Client::End::kFin);
  EXPECT_EQ(job.Tokens(), 3);
  EXPECT_TRUE(job->all().ends_with("\r\n0\r\n\r\n"));
  EXPECT_EQ(job->all().find("[DONE]"), std::string::npos);
}

TEST(Stream, IsCutOffByAFinInTheMiddle) {
  protocol::Stream stream;
  stream.truncate_after = 4;
  stream.end = protocol::StreamEnd::kFin;
  Scene scene(stream);
  Job job(scene.net, 1);
  EXPECT_EQ(job->ReadToEnd(), Client::End::kFin);
  EXPECT_EQ(job.Tokens(), 3);
  EXPECT_FALSE(job->all().ends_with("\r\n0\r\n\r\n"));
}

TEST(Stream, AStallHoldsUntilTheFaultEndsAndThenLetsGo) {
  protocol::Stream stream;
  stream.stall_after = 3;
  Scene scene(stream, seconds(2));
  Job job(scene.net, 1);
  ASSERT_TRUE(scene.injector.WaitFor("verified"));
  EXPECT_NE(scene.worker.WaitForLine("job_end").find("done"), std::string::npos);
  EXPECT_FALSE(job->ReadTo("[DONE]", milliseconds(300)));
  EXPECT_EQ(job.Tokens(), 2);
  EXPECT_TRUE(job->ReadTo("[DONE]"));
  EXPECT_EQ(job.Tokens(), 10);
  EXPECT_EQ(scene.injector.Wait(), 0);
  EXPECT_EQ(scene.injector.events().back().measured.at("connectionsCut"), "0");
}

TEST(Stream, TokensComeLate) {
  protocol::Stream stream;
  stream.first_token_delay = protocol::Lag{milliseconds(400), milliseconds(0)};
  stream.token_delay = protocol::Lag{milliseconds(50), milliseconds(0)};
  Scene scene(stream);
  Job job(scene.net, 1);
  ASSERT_TRUE(job->ReadTo("\"started\""));
  EXPECT_GE(steady_clock::now() - job.asked(), milliseconds(400));
  ASSERT_TRUE(job->ReadTo("[DONE]"));
  // eleven more events, each 50 ms longer
  EXPECT_GE(steady_clock::now() - job.asked(), milliseconds(950));
  EXPECT_EQ(job.Tokens(), 10);
  EXPECT_EQ(scene.End().at("delayed"), "12");
}

TEST(Stream, AnErrorEventComesInsideOfTheAnswer) {
  protocol::Stream stream;
  stream.error_after = 3;
  stream.error_data = R"({"type":"error","code":"INJECTED"})";
  Scene scene(stream);
  Job job(scene.net, 1);
  EXPECT_TRUE(job->ReadTo("data: {\"type\":\"error\",\"code\":\"INJECTED\"}\n\n\r\n0\r\n\r\n"));
  EXPECT_EQ(job.Tokens(), 2);
  EXPECT_NE(scene.worker.WaitForLine("job_end").find("client gone"), std::string::npos);
}

TEST(Stream, AClientCancelIsSeenByTheWorker) {
  protocol::Stream stream;
  stream.cancel_after = 3;
  Scene scene(stream);
  Job job(scene.net, 1);
  EXPECT_NE(job->ReadToEnd(), Client::End::kNone);
  EXPECT_NE(scene.worker.WaitForLine("job_end").find("client gone"), std::string::npos);
}

TEST(Stream, EventsAreDroppedDoubledAndSpoilt) {
  protocol::Stream stream;
  stream.drop_done = true;
  stream.duplicate = 100;
  stream.corrupt = 100;
  Scene scene(stream);
  Job job(scene.net, 1);
  ASSERT_TRUE(job->ReadTo("\r\n0\r\n\r\n"));
  EXPECT_EQ(job->all().find("[DONE]"), std::string::npos);
  EXPECT_EQ(job.Tokens() % 2, 0);
  const auto figures = scene.End();
  EXPECT_EQ(figures.at("duplicated"), "11");
  EXPECT_EQ(figures.at("corrupted"), "11");
  EXPECT_EQ(figures.at("dropped"), "1");
  EXPECT_EQ(figures.at("requestsActedOn"), "1");
}

TEST(Stream, OthersPassUnchanged) {
  protocol::Stream stream;
  stream.truncate_after = 2;
  stream.end = protocol::StreamEnd::kFin;
  Scene scene(stream);
  Job cut(scene.net, 1);
  EXPECT_EQ(cut->ReadToEnd(), Client::End::kFin);
  EXPECT_EQ(StatusOf(scene.net), 200);
  // From the node's address a whole stream comes through.
  Client spared(scene.net.peer(), "10.9.0.3", "10.9.0.1", 8080);
  const std::string body =
      R"({"operation":"infer","model":"m","prompt":"p","max_tokens":10,"temperature":0.1})";
  spared.Send("POST /v1/jobs HTTP/1.1\r\nContent-Length: " + std::to_string(body.size()) +
              "\r\n\r\n" + body);
  ASSERT_TRUE(spared.ReadTo("job-8080-2"));
  spared.Send("GET /v1/jobs/job-8080-2/stream HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(spared.ReadTo("[DONE]"));
}

TEST(Stream, SigkillLeavesNothingAndStreamsWorkAgain) {
  protocol::Stream stream;
  stream.stall_after = 1;
  Scene scene(stream, seconds(60));
  Job stalled(scene.net, 1);
  ASSERT_TRUE(scene.injector.WaitFor("verified"));
  scene.injector.Signal(SIGKILL);
  EXPECT_EQ(scene.injector.Wait(), -SIGKILL);
  EXPECT_NE(stalled->ReadToEnd(), Client::End::kNone);
  EXPECT_EQ(scene.net.Nft("list ruleset"), "");
  Job job(scene.net, 2);
  EXPECT_TRUE(job->ReadTo("[DONE]"));
  EXPECT_EQ(job.Tokens(), 10);
}

}  // namespace
}  // namespace chaos::test
