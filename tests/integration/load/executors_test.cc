// The executors that deal out iterations, by a real process against a real server.
#include <gtest/gtest.h>

#include "tests/integration/load/load_run.h"
#include "tests/integration/probe/script_server.h"

namespace chaos::test {
namespace {

using namespace std::chrono_literals;
using protocol::Ending;
using protocol::ExecutorType;

void Answer(const Connection& connection, std::string request) {
  for (; !request.empty(); request = connection.ReadRequest())
    connection.Send(Reply(200, "text/plain", "ok"));
}

protocol::LoadArguments Iterations(const std::string& url, ExecutorType type, int vus,
                                   std::int64_t iterations, milliseconds at_most) {
  protocol::LoadArguments arguments = Load("http", url, vus, at_most);
  arguments.executor.type = type;
  arguments.executor.iterations = iterations;
  return arguments;
}

protocol::LoadArguments Rate(const std::string& url, int rate, milliseconds length, int vus) {
  protocol::LoadArguments arguments = Load("http", url, vus, length);
  arguments.executor.type = ExecutorType::kConstantArrivalRate;
  arguments.executor.start_rate = arguments.executor.stages[0].target = rate;
  arguments.executor.max_vus = vus;
  arguments.start += 500ms;  // who comes late makes up for nothing
  return arguments;
}

TEST(LoadExecutors, EveryVuDoesItsIterationsAndThePodIsDone) {
  ScriptServer server(Answer);
  LoadRun run(Iterations(server.url(), ExecutorType::kPerVuIterations, 3, 4, 600s));
  ASSERT_TRUE(run.Until("ended"));
  EXPECT_EQ(run.lines().back().reason, "finished");
  EXPECT_EQ(run.all().Of(Ending::kOk), 12);
  EXPECT_EQ(run.all().Begun(), 12);
  EXPECT_EQ(run.all().dropped, 0);
}

TEST(LoadExecutors, PodsShareTheIterationsToTheLastOne) {
  ScriptServer server(Answer);
  protocol::LoadArguments arguments =
      Iterations(server.url(), ExecutorType::kSharedIterations, 5, 101, 600s);
  arguments.pods = 3;
  std::int64_t sum = 0;
  for (const char* index : {"0", "1", "2"}) {
    LoadRun run(arguments, {std::string("JOB_COMPLETION_INDEX=") + index});
    ASSERT_TRUE(run.Until("ended"));
    EXPECT_GT(run.all().Of(Ending::kOk), 0);
    sum += run.all().Begun();
  }
  EXPECT_EQ(sum, 101);
}

TEST(LoadExecutors, WhatHasNotBegunInTimeIsDropped) {
  ScriptServer silent(
      [](const Connection& connection, const std::string&) { connection.HoldUntilClosed(); });
  LoadRun run(Iterations(silent.url(), ExecutorType::kSharedIterations, 2, 50, 1s));
  ASSERT_TRUE(run.Until("ended"));
  EXPECT_EQ(run.all().Of(Ending::kInterrupted), 2);
  EXPECT_EQ(run.all().dropped, 48);
}

TEST(LoadExecutors, ARateIsKeptToTheLastIteration) {
  ScriptServer server(Answer);
  LoadRun run(Rate(server.url(), 40, 1500ms, 20));
  ASSERT_TRUE(run.Until("ended"));
  EXPECT_EQ(run.all().Begun() + run.all().dropped, 60);
  EXPECT_EQ(run.all().Of(Ending::kOk), run.all().Judged());
}

TEST(LoadExecutors, ARampOfTheRateIsKeptToo) {
  ScriptServer server(Answer);
  protocol::LoadArguments arguments = Rate(server.url(), 0, 0ms, 20);
  arguments.executor.type = ExecutorType::kRampingArrivalRate;
  arguments.executor.stages = {{1000ms, 40}, {500ms, 40}};
  LoadRun run(arguments);
  ASSERT_TRUE(run.Until("ended"));
  EXPECT_EQ(run.all().Begun() + run.all().dropped, 40) << "half of 40, and half of 40";
}

TEST(LoadExecutors, ARateDoesNotWaitForAnswers) {
  ScriptServer silent(
      [](const Connection& connection, const std::string&) { connection.HoldUntilClosed(); });
  LoadRun run(Rate(silent.url(), 10, 1s, 2));
  ASSERT_TRUE(run.Until("ended"));
  EXPECT_EQ(run.all().Of(Ending::kInterrupted), 2);
  EXPECT_EQ(run.all().dropped, 8);
}

}  // namespace
}  // namespace chaos::test
