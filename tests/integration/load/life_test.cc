// When a load pod starts, what it says meanwhile, and how it ends.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>

#include "tests/integration/load/load_run.h"
#include "tests/integration/probe/script_server.h"

namespace chaos::test {
namespace {

using namespace std::chrono_literals;
using protocol::Ending;

// Answers everything at once, on connections that are kept.
class Good : public ScriptServer {
 public:
  Good()
      : ScriptServer([](const Connection& connection, std::string request) {
          for (; !request.empty(); request = connection.ReadRequest())
            connection.Send(Reply(200, "text/plain", "ok"));
        }) {}
};

// Never answers.
class Silent : public ScriptServer {
 public:
  Silent()
      : ScriptServer([](const Connection& connection, const std::string&) {
          connection.HoldUntilClosed();
        }) {}
};

protocol::LoadArguments Calm(const std::string& url, int vus, milliseconds length) {
  protocol::LoadArguments arguments = Load("http", url, vus, length);
  arguments.think_min = arguments.think_max = 50ms;
  return arguments;
}

// A stop file of its own, gone with the test.
class StopFile {
 public:
  StopFile() {
    char name[] = "/tmp/chaos-load-stop-XXXXXX";
    ::close(::mkstemp(name));
    path_ = name;
  }
  ~StopFile() { ::unlink(path_.c_str()); }
  void Write(const std::string& text) const { std::ofstream(path_) << text; }
  std::string environment() const { return "CHAOS_LOAD_STOP_FILE=" + path_; }

 private:
  std::string path_;
};

TEST(LoadLife, TheVusAreThoseOfThePlan) {
  Good server;
  protocol::LoadArguments arguments = Calm(server.url(), 0, 0ms);
  arguments.executor.stages = {{0ms, 3}, {1500ms, 3}, {0ms, 1}, {1000ms, 1}};
  arguments.executor.start_vus = 3;
  LoadRun run(arguments);
  ASSERT_TRUE(run.Until("ended"));
  int seconds = 0;
  for (const auto& line : run.lines()) {
    if (line.event != protocol::kLoadDelta || line.elapsed_ms >= 2500) continue;
    EXPECT_EQ(line.vus, protocol::Planned(arguments.executor, milliseconds(line.elapsed_ms)));
    ++seconds;
  }
  EXPECT_GE(seconds, 2);
  EXPECT_LE(run.lines().back().vu_ms, 5500);
  EXPECT_EQ(run.lines().back().vus, 0);
}

TEST(LoadLife, LinesAddUpToTheCheckpoint) {
  Good server;
  LoadRun run(Calm(server.url(), 2, 2200ms));
  ASSERT_TRUE(run.Until("ended"));
  protocol::Ledger deltas, checkpoint;
  for (const auto& line : run.lines()) {
    if (line.event == protocol::kLoadCheckpoint)
      checkpoint = line.ledger;
    else
      deltas.Add(line.ledger);
  }
  EXPECT_EQ(deltas, checkpoint);
  EXPECT_EQ(run.log().Total(), checkpoint);
  ASSERT_GE(run.lines().size(), 6u);
  EXPECT_EQ(run.lines().front().event, protocol::kLoadStarted);
  EXPECT_EQ(run.lines()[run.lines().size() - 2].event, protocol::kLoadCheckpoint);
  EXPECT_EQ(run.lines().back().reason, "finished");
}

TEST(LoadLife, PodsTakeTheirShare) {
  Good server;
  protocol::LoadArguments arguments = Calm(server.url(), 5, 500ms);
  arguments.pods = 3;
  LoadRun second(arguments, {"JOB_COMPLETION_INDEX=1"}),
      third(arguments, {"JOB_COMPLETION_INDEX=2"});
  ASSERT_TRUE(second.Until("ended"));
  ASSERT_TRUE(third.Until("ended"));
  EXPECT_NE(second.lines()[0].message.find("2 VUs of 5"), std::string::npos);
  EXPECT_NE(third.lines()[0].message.find("1 VUs of 5"), std::string::npos);
  EXPECT_EQ(second.lines()[0].pod, 1);
}

TEST(LoadLife, WaitsForItsStart) {
  Good server;
  protocol::LoadArguments arguments = Calm(server.url(), 1, 500ms);
  arguments.start += 1500ms;
  LoadRun run(arguments);
  ASSERT_TRUE(run.Until("started"));
  EXPECT_EQ(server.requests(), 0);
  ASSERT_TRUE(run.Until("ended"));
  EXPECT_GE(run.lines().back().at, arguments.start + 500ms);
  EXPECT_GE(run.all().Of(Ending::kOk), 1);
}

TEST(LoadLife, WhoComesLateJoinsAtTheSchedulesPosition) {
  Good server;
  protocol::LoadArguments arguments = Calm(server.url(), 2, 6000ms);
  arguments.start -= 4500ms;
  LoadRun run(arguments);
  ASSERT_TRUE(run.Until("ended"));
  EXPECT_GE(run.lines().front().elapsed_ms, 4500);
  EXPECT_LE(run.lines().back().vu_ms, 3000) << "1.5 s of 6 s are left";
  EXPECT_GE(run.log().Total().by_start.begin()->first, 4);
}

TEST(LoadLife, WhoComesAfterTheEndSaysSo) {
  protocol::LoadArguments arguments = Calm("http://127.0.0.1:9", 1, 1000ms);
  arguments.start -= 60s;
  LoadRun run(arguments);
  ASSERT_TRUE(run.Until("failed"));
  EXPECT_EQ(run.lines().back().reason, "TooLate");
  EXPECT_EQ(run.child().Wait(10s), 3);
}

TEST(LoadLife, ArgumentsThatCannotBeRunAreRefused) {
  protocol::LoadArguments arguments = Calm("ftp://x", 1, 1000ms);
  LoadRun run(arguments);
  ASSERT_TRUE(run.Until("failed"));
  EXPECT_NE(run.lines().back().message.find("request.url"), std::string::npos);
  EXPECT_EQ(run.child().Wait(10s), 2);
  LoadRun index(Calm("http://127.0.0.1:9", 1, 1000ms), {"JOB_COMPLETION_INDEX=1"});
  EXPECT_EQ(index.child().Wait(10s), 2);
}

TEST(LoadLife, TooFewDescriptorsAreSaidBeforeAnythingStarts) {
  LoadRun run(std::vector<std::string>{"/bin/sh", "-c", "ulimit -n 100; exec \"$0\" run \"$1\"",
                                       LoadBinary(),
                                       PrintJson(ToJson(Calm("http://127.0.0.1:9", 50, 1000ms)))});
  ASSERT_TRUE(run.Until("failed"));
  EXPECT_EQ(run.lines().back().message,
            "50 VUs need 119 file descriptors, but the limit here is 100: use more pods, or raise "
            "the node's nofile limit");
  EXPECT_EQ(run.child().Wait(10s), 4);
}

TEST(LoadLife, SigtermEndsItAtOnceWithEverythingCounted) {
  Silent server;
  protocol::LoadArguments arguments = Load("http", server.url(), 3, 60s);
  arguments.executor.graceful_stop = 30s;
  arguments.linger = 60s;
  LoadRun run(arguments);
  ASSERT_TRUE(run.Until("load"));
  run.child().Signal(SIGTERM);
  ASSERT_TRUE(run.Until("ended", 5s));
  EXPECT_EQ(run.lines().back().reason, "terminated");
  EXPECT_EQ(run.all().Of(Ending::kInterrupted), 3);
  EXPECT_EQ(run.all().Of(protocol::Trend::kIterationDuration).n, 0);
  EXPECT_EQ(run.child().Wait(5s), 143);
}

TEST(LoadLife, TheStopFileEndsItGracefullyAndReadLetsItGo) {
  Good server;
  StopFile stop;
  protocol::LoadArguments arguments = Calm(server.url(), 2, 600s);
  arguments.until_stopped = true;
  arguments.linger = 60s;
  LoadRun run(arguments, {stop.environment()});
  ASSERT_TRUE(run.Until("load"));
  stop.Write("the owner has recovered\n");
  ASSERT_TRUE(run.Until("ended", 10s));
  EXPECT_EQ(run.lines().back().reason, "stopped");
  EXPECT_EQ(run.all().Of(Ending::kInterrupted), 0) << "what ran could finish";
  stop.Write("read\n");
  EXPECT_EQ(run.child().Wait(10s), 0);
}

TEST(LoadLife, AfterTheStopNothingRunsLongerThanGracefulStop) {
  Silent server;
  StopFile stop;
  protocol::LoadArguments arguments = Load("http", server.url(), 2, 600s);
  arguments.request.timeout = 600s;
  arguments.executor.graceful_stop = 300ms;
  LoadRun run(arguments, {stop.environment()});
  ASSERT_TRUE(run.Until("load"));
  stop.Write("stop");
  ASSERT_TRUE(run.Until("ended", 10s));
  EXPECT_EQ(run.all().Of(Ending::kInterrupted), 2);
}

TEST(LoadLife, WhoIsTakenAwayByARampIsInterruptedAfterItsGrace) {
  Silent server;
  protocol::LoadArguments arguments = Load("http", server.url(), 2, 0ms);
  arguments.executor.stages = {{500ms, 2}, {0ms, 1}, {2000ms, 1}};
  arguments.executor.graceful_ramp_down = 300ms;
  LoadRun run(arguments);
  ASSERT_TRUE(run.Until("ended"));
  const auto& by_end = run.log().Total().by_end;
  EXPECT_EQ(by_end.at(0).Of(Ending::kInterrupted), 1) << "at 0.8 s";
  EXPECT_EQ(by_end.at(2).Of(Ending::kInterrupted), 1) << "at 2.5 s";
}

TEST(LoadLife, AFinishedPodLeavesOnSigterm) {
  Good server;
  protocol::LoadArguments arguments = Calm(server.url(), 1, 200ms);
  arguments.linger = 60s;
  LoadRun run(arguments);
  ASSERT_TRUE(run.Until("ended"));
  run.child().Signal(SIGTERM);
  EXPECT_EQ(run.child().Wait(5s), 0) << "it had worked";
}

}  // namespace
}  // namespace chaos::test
