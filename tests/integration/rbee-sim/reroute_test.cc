// A worker dies: its job fails in an orderly way or goes on elsewhere, and the others' jobs go
// round it within the time asked for, or never. What the queen logs is what others compare with.
#include <gtest/gtest.h>

#include <csignal>
#include <thread>

#include "tests/integration/probe/sim.h"
#include "tests/integration/rbee-sim/jobs.h"

namespace chaos::test {
namespace {

using namespace std::chrono_literals;

bool Succeeded(const std::vector<std::string>& events) {
  const auto actions = Actions(events);
  return std::find(actions.begin(), actions.end(), "infer_success") != actions.end();
}

// A job of `tokens` tokens whose worker is killed once it streams; all events of its stream.
std::vector<std::string> KillTheWorkerOf(Sim& sim, int tokens) {
  std::vector<std::string> events;
  std::thread job([&] { events = RunJob(sim.queen_port(), Infer("tinyllama-q4", tokens), 20s); });
  for (int i = 0; i < 3; ++i) {  // whichever it is
    if (Sim::WaitForLog(sim.worker(i), {"first_token"}, 1s).empty()) continue;
    sim.worker(i).Signal(SIGKILL);
    break;
  }
  job.join();
  return events;
}

int Field(const std::string& line, const char* name) {
  const Result<Json> json = ParseJson(line);
  return json ? std::atoi(Text(*json, {name}).c_str()) : -1;
}

TEST(RbeeSimReroute, ADeadWorkerLeavesAfterTheTimeAskedForSinceItBrokeOff) {
  Sim sim({"--reroute-after", "1500ms"});
  ASSERT_TRUE(sim.Ready());
  EXPECT_FALSE(Succeeded(KillTheWorkerOf(sim, 100)));
  EXPECT_FALSE(Sim::WaitForLog(sim.queen(), {"worker_doubted", "Worker stream ended"}, 2s).empty());
  const std::string lost = Sim::WaitForLog(sim.queen(), {"worker_lost"}, 5s);
  EXPECT_GE(Field(lost, "doubted_for_ms"), 1500) << lost;
  EXPECT_LT(Field(lost, "doubted_for_ms"), 3000) << lost;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Succeeded(RunJob(sim.queen_port(), Infer())));
  EXPECT_FALSE(Sim::WaitForLog(sim.queen(), {"rerouted", "after_ms"}, 1s).empty());
  for (const auto& event :
       Events(Ask(sim.queen_port(), "GET", "/v1/heartbeats/stream", "", 500ms))) {
    const Result<Json> json = ParseJson(event);
    if (json && Text(*json, {"type"}) == "queen") {
      EXPECT_EQ(Texts(*json, {"worker_ids"}).size(), 2u);
    }
  }
}

TEST(RbeeSimReroute, AnIdleWorkerThatDiesIsNoticedByItsSilence) {
  Sim sim({"--reroute-after", "0s"});
  ASSERT_TRUE(sim.Ready());
  sim.worker(0).Signal(SIGKILL);
  EXPECT_FALSE(Sim::WaitForLog(sim.queen(), {"worker_doubted", "has not reported"}, 5s).empty());
  EXPECT_FALSE(Sim::WaitForLog(sim.queen(), {"\"workers\"", "\"count\":\"2\""}, 1s).empty());
}

TEST(RbeeSimReroute, AQueenThatNeverReroutesGoesOnFailingAThirdOfTheJobs) {
  Sim sim({"--reroute-never"});
  ASSERT_TRUE(sim.Ready());
  EXPECT_FALSE(Succeeded(KillTheWorkerOf(sim, 100)));
  // Later than the hive's own memory of it.
  EXPECT_FALSE(Sim::WaitForLog(sim.hive(), {"worker_lost"}, 7s).empty());
  int good = 0;
  for (int i = 0; i < 6; ++i) good += Succeeded(RunJob(sim.queen_port(), Infer())) ? 1 : 0;
  EXPECT_EQ(good, 4);
}

TEST(RbeeSimReroute, AJobWhoseWorkerDiesGoesOnElsewhereWhenToldTo) {
  Sim sim({"--retry", "1"});
  ASSERT_TRUE(sim.Ready());
  const auto events = KillTheWorkerOf(sim, 40);
  EXPECT_TRUE(Succeeded(events));
  EXPECT_FALSE(Sim::WaitForLog(sim.queen(), {"job_retry"}, 1s).empty());
  int next = 0;
  for (const auto& event : events) {  // each token once, in order
    const Result<Json> json = ParseJson(event);
    if (json && Text(*json, {"action"}) == "token") {
      EXPECT_EQ(Integer(*json, {"payload", "i"}), next++);
    }
  }
  EXPECT_EQ(next, 40);
}

TEST(RbeeSimReroute, AWorkerThatHangsIsLostAndTakenBack) {
  Sim sim({"--reroute-after", "500ms"});
  ASSERT_TRUE(sim.Ready());
  sim.worker(1).Signal(SIGSTOP);
  ASSERT_FALSE(Sim::WaitForLog(sim.queen(), {"worker_lost"}, 6s).empty());
  sim.worker(1).Signal(SIGCONT);
  EXPECT_FALSE(Sim::WaitForLog(sim.queen(), {"worker_back", "\"was_lost\":\"true\""}, 4s).empty());
  EXPECT_FALSE(Sim::WaitForLog(sim.queen(), {"\"workers\"", "\"count\":\"3\""}, 1s).empty());
}

TEST(RbeeSimReroute, AWorkerRegistersOnlyOnceItsModelIsLoaded) {
  Sim sim({}, {"--model-load-time", "1s"});
  ASSERT_FALSE(Sim::WaitForLog(sim.worker(0), {"loading"}, 5s).empty());
  const auto began = std::chrono::steady_clock::now();
  ASSERT_FALSE(Sim::WaitForLog(sim.worker(0), {"\"registered\""}, 5s).empty());
  EXPECT_GE(std::chrono::steady_clock::now() - began, 900ms);
  EXPECT_TRUE(sim.Ready());
}

}  // namespace
}  // namespace chaos::test
