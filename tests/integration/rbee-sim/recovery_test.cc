// The sim must lose what is lost and take back what comes back, else it could measure nobody's
// recovery.
#include <gtest/gtest.h>

#include <csignal>
#include <thread>

#include "operator/base/json.h"
#include "tests/integration/probe/sim.h"

namespace chaos::test {
namespace {

using namespace std::chrono_literals;

std::string RunJob(const Sim& sim, int tokens = 2) {
  const std::string body = PrintJson(
      {{"operation", "infer"}, {"model", "tinyllama-q4"}, {"prompt", "x"}, {"max_tokens", tokens}});
  const Result<Json> created = ParseJson(BodyOf(Ask(sim.queen_port(), "POST", "/v1/jobs", body)));
  return created ? BodyOf(Ask(sim.queen_port(), "GET", Text(*created, {"sse_url"}), "", 10s)) : "";
}

TEST(RbeeSimRecovery, ASilentHiveIsLostAfterTheTimeAskedForAndComesBack) {
  Sim sim({"--detect-after", "1500ms"});
  ASSERT_TRUE(sim.Ready());
  const auto stopped = std::chrono::steady_clock::now();
  sim.hive().Signal(SIGSTOP);
  ASSERT_FALSE(Sim::WaitForLog(sim.queen(), {"hive_lost", "silent for 15"}, 5s).empty());
  EXPECT_LT(std::chrono::steady_clock::now() - stopped, 1500ms + 1500ms);
  EXPECT_NE(RunJob(sim).find("\"failed\""), std::string::npos);
  sim.hive().Signal(SIGCONT);
  EXPECT_FALSE(Sim::WaitForLog(sim.queen(), {"hive_back"}, 3s).empty());
}

TEST(RbeeSimRecovery, ADeadHiveIsLostAtOnceAndTakenBackWhenItStartsAgain) {
  Sim sim({"--detect-after", "60s"});
  ASSERT_TRUE(sim.Ready());
  sim.hive().Signal(SIGKILL);
  EXPECT_FALSE(Sim::WaitForLog(sim.queen(), {"hive_lost"}, 5s).empty());
  ASSERT_TRUE(sim.hive().Wait(2s)) << "it still listens";
  sim.StartHive();
  EXPECT_FALSE(Sim::WaitForLog(sim.queen(), {"hive_back"}, 3s).empty());
  EXPECT_FALSE(Sim::WaitForLog(sim.queen(), {"\"workers\"", "\"count\":\"3\""}, 3s).empty());
  EXPECT_NE(RunJob(sim).find("infer_success"), std::string::npos);
}

TEST(RbeeSimRecovery, ANewQueenHearsOfTheHiveByItself) {
  Sim sim;
  ASSERT_TRUE(sim.Ready());
  sim.queen().Signal(SIGKILL);
  ASSERT_TRUE(sim.queen().Wait(2s));
  sim.StartQueen();
  EXPECT_FALSE(Sim::WaitForLog(sim.queen(), {"hive_online"}, 3s).empty());
}

TEST(RbeeSimRecovery, ADeadWorkerLeavesTheSchedule) {
  Sim sim;
  ASSERT_TRUE(sim.Ready());
  sim.worker(0).Signal(SIGKILL);
  ASSERT_FALSE(Sim::WaitForLog(sim.queen(), {"\"workers\"", "\"count\":\"2\""}, 7s).empty());
  for (int i = 0; i < 3; ++i) EXPECT_NE(RunJob(sim).find("infer_success"), std::string::npos);
}

TEST(RbeeSimRecovery, AWorkerThatDiesInMidStreamFailsTheJob) {
  Sim sim;
  ASSERT_TRUE(sim.Ready());
  std::string body;
  std::thread job([&] { body = RunJob(sim, 200); });  // ten seconds of tokens
  for (int i = 0; i < 3; ++i) {                       // whichever it is
    if (Sim::WaitForLog(sim.worker(i), {"job_start"}, 1s).empty()) continue;
    sim.worker(i).Signal(SIGKILL);
    break;
  }
  job.join();
  EXPECT_NE(body.find("Worker stream ended without [DONE]"), std::string::npos) << body;
  EXPECT_TRUE(body.ends_with("data: [DONE]\n\n")) << body;
}

TEST(RbeeSimRecovery, AWorkerThatHangsIsCutByTheQueensIdleLimit) {
  Sim sim({"--idle-cut", "500ms"});
  ASSERT_TRUE(sim.Ready());
  std::string body;
  std::thread job([&] { body = RunJob(sim, 200); });
  ASSERT_FALSE(Sim::WaitForLog(sim.queen(), {"job_start"}, 5s).empty());
  for (int i = 0; i < 3; ++i) sim.worker(i).Signal(SIGSTOP);
  job.join();
  EXPECT_EQ(body.find("\"failed\""), std::string::npos) << body;
  EXPECT_EQ(body.find("infer_success"), std::string::npos) << body;
  EXPECT_TRUE(body.ends_with("data: [DONE]\n\n")) << body;
}

}  // namespace
}  // namespace chaos::test
