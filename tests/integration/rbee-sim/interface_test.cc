// What queen, hive and worker answer, traps included: the schema that was measured on the real
// services.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <set>

#include "tests/integration/probe/sim.h"
#include "tests/integration/rbee-sim/jobs.h"

namespace chaos::test {
namespace {

using namespace std::chrono_literals;

class RbeeSim : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    sim = new Sim({}, {"--token-rate", "100/s"});
    ASSERT_TRUE(sim->Ready());
  }
  static void TearDownTestSuite() {
    delete sim;
    sim = nullptr;
  }
  static Sim* sim;
};
Sim* RbeeSim::sim = nullptr;

TEST_F(RbeeSim, HealthIsWhatEachRoleSays) {
  const std::string queen = Ask(sim->queen_port(), "GET", "/health");
  EXPECT_TRUE(queen.starts_with("HTTP/1.1 200 ")) << queen;
  EXPECT_EQ(BodyOf(queen), "");
  EXPECT_EQ(BodyOf(Ask(sim->hive_port(), "GET", "/health")), "ok");
  EXPECT_EQ(BodyOf(Ask(sim->worker_port(0), "GET", "/health")), R"({"status":"healthy"})");
}

TEST_F(RbeeSim, UnknownPathsAreAWebPageOnQueenAndHiveAnd404OnWorkers) {
  for (const int port : {sim->queen_port(), sim->hive_port()}) {
    const std::string answer = Ask(port, "POST", "/v2/tasks", "{}");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
    EXPECT_NE(answer.find("content-type: text/html"), std::string::npos) << answer;
  }
  EXPECT_TRUE(Ask(sim->worker_port(0), "GET", "/v1/ready").starts_with("HTTP/1.1 404 "));
}

TEST_F(RbeeSim, AJobNarratesStreamsItsTokensAndSaysSuccess) {
  const auto events = RunJob(sim->queen_port(), Infer());
  const std::vector<std::string> actions = {"execute",
                                            "route_job",
                                            "infer_start",
                                            "infer_schedule",
                                            "infer_worker_sel",
                                            "infer_post_start",
                                            "infer_job_created",
                                            "infer_stream_conn",
                                            "infer_streaming",
                                            "token",
                                            "token",
                                            "token",
                                            "token",
                                            "infer_complete",
                                            "infer_success",
                                            "[DONE]"};
  EXPECT_EQ(Actions(events), actions);
  ASSERT_GT(events.size(), 9u);
  EXPECT_EQ(events[9],
            R"({"type":"data","action":"token","payload":{"type":"token","t":"4","i":0}})");
  const Json narration = *ParseJson(events[0]);
  for (const char* field : {"formatted", "actor", "action", "target", "human", "job_id"}) {
    EXPECT_TRUE(narration.contains(field)) << field;
  }
  EXPECT_EQ(Text(narration, {"type"}), "narration");
}

TEST_F(RbeeSim, AJobThatFailsSaysSoOnlyInItsStream) {
  EXPECT_EQ(Actions(RunJob(sim->queen_port(), Infer("other"))),
            (std::vector<std::string>{"execute", "route_job", "infer_start", "infer_schedule",
                                      "infer_no_worker", "failed", "[DONE]"}));
  EXPECT_EQ(Actions(RunJob(sim->queen_port(), "[1]")),
            (std::vector<std::string>{"execute", "failed", "[DONE]"}));
  EXPECT_EQ(Actions(RunJob(sim->queen_port(), R"({"operation":"fly"})")),
            (std::vector<std::string>{"execute", "route_job", "failed", "[DONE]"}));
}

TEST_F(RbeeSim, OnlyTextThatIsNotJsonIsRefusedAtOnce) {
  EXPECT_TRUE(Ask(sim->queen_port(), "POST", "/v1/jobs", "hello").starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(Ask(sim->queen_port(), "POST", "/v1/jobs", "5").starts_with("HTTP/1.1 200 "));
}

TEST_F(RbeeSim, AJobCanBeReadOnceAndDeletedBefore) {
  const auto create = [&] {
    return *ParseJson(BodyOf(Ask(sim->queen_port(), "POST", "/v1/jobs", Infer())));
  };
  const Json job = create();
  EXPECT_EQ(Events(Ask(sim->queen_port(), "GET", Text(job, {"sse_url"}))).back(), "[DONE]");
  const auto again = Events(Ask(sim->queen_port(), "GET", Text(job, {"sse_url"})));
  ASSERT_EQ(again.size(), 1u);
  EXPECT_TRUE(again[0].starts_with("ERROR: Job channel not found")) << again[0];
  const std::string path = "/v1/jobs/" + Text(create(), {"job_id"});
  EXPECT_NE(BodyOf(Ask(sim->queen_port(), "DELETE", path)).find("cancelled"), std::string::npos);
  EXPECT_TRUE(Ask(sim->queen_port(), "DELETE", path).starts_with("HTTP/1.1 404 "));
}

TEST_F(RbeeSim, JobsTakeTurnsAmongTheWorkers) {
  std::set<std::string> workers;
  for (int i = 0; i < 3; ++i)
    workers.insert(Text(*ParseJson(RunJob(sim->queen_port(), Infer()).at(4)), {"human"}));
  EXPECT_EQ(workers.size(), 3u);
}

TEST_F(RbeeSim, TheQueenTellsHowManyHivesAndWorkersThereAre) {
  const auto events = Events(Ask(sim->queen_port(), "GET", "/v1/heartbeats/stream", "", 3s));
  int beats = 0, telemetry = 0;
  for (const std::string& text : events) {
    const Result<Json> event = ParseJson(text);
    if (!event) continue;  // cut off by our own limit
    if (Text(*event, {"type"}) == "hive_telemetry") {
      ++telemetry;
      EXPECT_EQ((*event)["workers"].size(), 3u);
      EXPECT_TRUE((*event)["workers"][0].contains("gpu_util_pct"));
      continue;
    }
    ++beats;
    for (const char* field : {"workers_online", "workers_available", "hives_online",
                              "hives_available", "worker_ids", "hive_ids", "timestamp"}) {
      EXPECT_TRUE(event->contains(field)) << field;
    }
    EXPECT_EQ(Integer(*event, {"hives_online"}), 1);
    EXPECT_EQ(Texts(*event, {"worker_ids"}).size(), 3u);
  }
  EXPECT_GE(beats, 2) << "one at once, one each 2.5 s";
  EXPECT_GE(telemetry, 2) << "one a second";
}

TEST_F(RbeeSim, AWorkerStreamsAtItsRateAndRefusesWhatItCannotParse) {
  const int port = sim->worker_port(0);
  const auto began = std::chrono::steady_clock::now();
  const auto events = RunJob(port, Infer("tinyllama-q4", 30));
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_GE(took, 290ms);
  EXPECT_LT(took, 1500ms);
  ASSERT_EQ(events.size(), 32u);
  EXPECT_TRUE(events[0].starts_with(R"({"type":"started","job_id":"job-)")) << events[0];
  EXPECT_EQ(events[1], R"({"type":"token","t":"4","i":0})");
  EXPECT_EQ(events[31], "[DONE]");
  const std::string refused = Ask(port, "POST", "/v1/jobs", R"({"prompt":"x","max_tokens":1})");
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 500 ")) << refused;
  EXPECT_EQ(BodyOf(refused), "Failed to parse operation: missing field `operation`");
}

TEST(RbeeSimWorker, OpensItsPortOnlyOnceItsModelIsLoaded) {
  const int port = FreePort();
  Child worker(
      SimCommand("worker", {"--port", std::to_string(port), "--model-load-time", "700ms"}));
  const auto began = std::chrono::steady_clock::now();
  ASSERT_FALSE(Sim::WaitForLog(worker, {"loading"}, 5s).empty());
  EXPECT_EQ(Ask(port, "GET", "/health"), "");
  ASSERT_FALSE(Sim::WaitForLog(worker, {"listening"}, 5s).empty());
  EXPECT_GE(std::chrono::steady_clock::now() - began, 690ms);
  EXPECT_NE(Ask(port, "GET", "/health"), "");
}

TEST(RbeeSimProcess, EndsAtOnceOnSigterm) {
  for (const std::string role : {"queen", "hive", "worker"}) {
    Child child(SimCommand(role, {"--port", std::to_string(FreePort())}));
    ASSERT_FALSE(Sim::WaitForLog(child, {"listening"}, 5s).empty());
    child.Signal(SIGTERM);
    EXPECT_EQ(child.Wait(1s), 0) << role;
  }
}

// A process without a handler ignores SIGTERM when it is PID 1, as the real services do.
TEST(RbeeSimProcess, EndsOnSigtermAlsoAsPid1) {
  std::vector<std::string> command = {"/usr/bin/unshare", "--pid", "--fork", "--kill-child"};
  for (const std::string& word : SimCommand("queen", {"--port", std::to_string(FreePort())}))
    command.push_back(word);
  Child unshare(command);
  ASSERT_FALSE(Sim::WaitForLog(unshare, {"listening"}, 5s).empty())
      << "root is needed for a PID namespace";
  const std::string path =
      "/proc/" + std::to_string(unshare.pid()) + "/task/" + std::to_string(unshare.pid());
  pid_t first = 0;
  std::ifstream(path + "/children") >> first;
  ASSERT_GT(first, 0);
  ::kill(first, SIGTERM);
  EXPECT_EQ(unshare.Wait(1s), 0);
}

TEST(RbeeSimProcess, RefusesBadFlags) {
  for (const std::vector<std::string>& flags : {std::vector<std::string>{"--port", "0"},
                                                {"--token-rate", "fast"},
                                                {"--detect-after", "1s"},
                                                {"--what"},
                                                {"--blind=yes"},
                                                {"--fail", "cut"},
                                                {"--fail", "nap:3"},
                                                {"--retry", "99"},
                                                {"--sigterm", "never"},
                                                {"--port"}}) {
    EXPECT_EQ(Child(SimCommand("queen", flags)).Wait(5s), 2) << flags[0];
  }
  EXPECT_EQ(Child(SimCommand("drone", {})).Wait(5s), 2);
  EXPECT_EQ(Child(SimCommand("queen", {"--help"})).Wait(5s), 0);
}

}  // namespace
}  // namespace chaos::test
