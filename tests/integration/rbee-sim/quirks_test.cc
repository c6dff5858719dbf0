// The traps of the real services that are there only when asked for. Each test also sees the sim
// without the trap, in interface_test.cc.
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>

#include "tests/integration/probe/sim.h"
#include "tests/integration/rbee-sim/jobs.h"

namespace chaos::test {
namespace {

using namespace std::chrono_literals;

// One worker alone: no hive is needed to ask it directly.
struct OneWorker {
  explicit OneWorker(std::vector<std::string> flags) : port(FreePort()), child(Command(flags)) {}
  std::vector<std::string> Command(std::vector<std::string> flags) const {
    flags.insert(flags.begin(), {"--port", std::to_string(port), "--token-interval", "5ms"});
    return SimCommand("worker", flags);
  }
  std::vector<std::string> Run(int tokens) {
    EXPECT_FALSE(Sim::WaitForLog(child, {"listening"}, 5s).empty());
    return RunJob(port, Infer("tinyllama-q4", tokens));
  }
  int port;
  Child child;
};

// Type or text of each event, and the texts of the tokens.
std::vector<std::string> Short(const std::vector<std::string>& events) {
  std::vector<std::string> all;
  for (const std::string& event : events) {
    const Result<Json> json = ParseJson(event);
    const bool token = json && Text(*json, {"type"}) == "token";
    all.push_back(!json ? event : token ? Text(*json, {"t"}) : Text(*json, {"type"}));
  }
  return all;
}

int CountOf(const std::vector<std::string>& all, const std::string& one) {
  return static_cast<int>(std::count(all.begin(), all.end(), one));
}

TEST(RbeeSimWorkerQuirks, TextIsRepeatedAndOneTokenIsTooMany) {
  const auto plain = Short(OneWorker({}).Run(3));
  ASSERT_EQ(plain.size(), 5u);
  EXPECT_EQ(plain[1], "4");
  const auto real = Short(OneWorker({"--repeat-text", "--extra-token"}).Run(3));
  ASSERT_EQ(real.size(), 6u);
  EXPECT_EQ(real[1], plain[1]);
  EXPECT_EQ(real[2], plain[1] + plain[2]);
  EXPECT_EQ(real[3], plain[2].substr(1) + plain[3]);
  EXPECT_EQ(real[4], plain[3].substr(1));
  EXPECT_EQ(real[5], "[DONE]");
}

TEST(RbeeSimWorkerQuirks, AnEngineErrorLooksLikeAnEarlyEnd) {
  OneWorker worker({"--fail", "engine-error:2"});
  const auto events = Short(worker.Run(9));
  EXPECT_EQ(events.size(), 4u);
  EXPECT_EQ(events.back(), "[DONE]");
  EXPECT_FALSE(Sim::WaitForLog(worker.child, {"token_failure", "engine-error"}, 5s).empty());
}

TEST(RbeeSimWorkerQuirks, AnErrorEventComesInsideA200) {
  const auto events = Short(OneWorker({"--fail", "error-event:2"}).Run(9));
  ASSERT_EQ(events.size(), 5u);
  EXPECT_EQ(events[3], "error");
  EXPECT_EQ(events[4], "[DONE]");
}

TEST(RbeeSimWorkerQuirks, ACutStreamHasNoDone) {
  const auto events = Short(OneWorker({"--fail", "cut:2"}).Run(9));
  EXPECT_EQ(CountOf(events, "[DONE]"), 0);
  EXPECT_LE(events.size(), 3u);
}

TEST(RbeeSimWorkerQuirks, TheFirstTokenWaitsForItsDelay) {
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(OneWorker({"--first-token-delay", "600ms"}).Run(1).size(), 3u);
  EXPECT_GE(std::chrono::steady_clock::now() - began, 600ms);
}

TEST(RbeeSimQueenQuirks, TokensThatAreHiddenAreInItsLogAndNotAtItsClient) {
  Sim sim({"--hide-tokens"});
  ASSERT_TRUE(sim.Ready());
  const auto actions = Actions(RunJob(sim.queen_port(), Infer()));
  EXPECT_EQ(CountOf(actions, "token"), 0);
  EXPECT_EQ(CountOf(actions, "infer_success"), 1);
  EXPECT_FALSE(Sim::WaitForLog(sim.queen(), {"\"token\"", "\"t\":\"4\""}, 1s).empty());
}

// The client hears a bare [DONE] while the worker goes on: neither success nor failure.
TEST(RbeeSimQueenQuirks, HiddenTokensEndInAFalseDoneWhileTheWorkerGoesOn) {
  Sim sim({"--hide-tokens", "--idle-cut", "300ms"}, {"--token-interval", "100ms"});
  ASSERT_TRUE(sim.Ready());
  const auto actions = Actions(RunJob(sim.queen_port(), Infer("tinyllama-q4", 12)));
  EXPECT_EQ(actions.back(), "[DONE]");
  EXPECT_EQ(CountOf(actions, "infer_success") + CountOf(actions, "failed"), 0);
  ASSERT_FALSE(Sim::WaitForLog(sim.queen(), {"idle_cut"}, 1s).empty());
  EXPECT_FALSE(
      Sim::WaitForLog(sim.queen(), {"job_end", "idle cut", "\"tokens\":\"12\""}, 5s).empty());
}

TEST(RbeeSimQueenQuirks, AWorkersStallIsCutWithAFalseDone) {
  Sim sim({"--idle-cut", "300ms"}, {"--fail", "stall:2"});
  ASSERT_TRUE(sim.Ready());
  const auto actions = Actions(RunJob(sim.queen_port(), Infer()));
  EXPECT_EQ(CountOf(actions, "token"), 2);
  EXPECT_EQ(actions.back(), "[DONE]");
  EXPECT_EQ(CountOf(actions, "infer_success") + CountOf(actions, "failed"), 0);
}

TEST(RbeeSimQueenQuirks, AnErrorEventOfTheWorkerFailsTheJob) {
  Sim sim({}, {"--fail", "error-event:1"});
  ASSERT_TRUE(sim.Ready());
  const auto events = RunJob(sim.queen_port(), Infer());
  ASSERT_GE(events.size(), 2u);
  EXPECT_NE(events[events.size() - 2].find("GENERATION_ERROR"), std::string::npos);
  EXPECT_EQ(CountOf(Actions(events), "failed"), 1);
}

TEST(RbeeSimQueenQuirks, EachReturnOfAHiveAddsItsTelemetryOnceMore) {
  Sim sim({"--repeat-telemetry"});
  ASSERT_TRUE(sim.Ready());
  sim.hive().Signal(SIGKILL);
  ASSERT_FALSE(Sim::WaitForLog(sim.queen(), {"hive_lost"}, 5s).empty());
  ASSERT_TRUE(sim.hive().Wait(2s)) << "it still listens";
  sim.StartHive();
  ASSERT_FALSE(Sim::WaitForLog(sim.queen(), {"telemetry_repeated", "\"2\""}, 5s).empty());
  std::vector<std::string> telemetry;
  for (const auto& event :
       Events(Ask(sim.queen_port(), "GET", "/v1/heartbeats/stream", "", 2500ms))) {
    if (event.find("hive_telemetry") != std::string::npos) telemetry.push_back(event);
  }
  ASSERT_GE(telemetry.size(), 2u);
  EXPECT_EQ(telemetry[0], telemetry[1]);
}

pid_t FirstChildOf(pid_t parent) {
  const std::string id = std::to_string(parent);
  pid_t first = 0;
  std::ifstream("/proc/" + id + "/task/" + id + "/children") >> first;
  return first;
}

TEST(RbeeSimSigterm, WithoutAHandlerAnOrdinaryProcessEndsAndPid1DoesNot) {
  const auto command = [](const std::string& more) {
    return SimCommand("worker", {"--port", std::to_string(FreePort()), "--sigterm", more});
  };
  Child ordinary(command("default"));
  ASSERT_FALSE(Sim::WaitForLog(ordinary, {"listening"}, 5s).empty());
  ordinary.Signal(SIGTERM);
  EXPECT_EQ(ordinary.Wait(2s), 128 + SIGTERM);

  std::vector<std::string> inside = {"/usr/bin/unshare", "--pid", "--fork", "--kill-child"};
  for (const std::string& word : command("default")) inside.push_back(word);
  Child unshare(inside);
  ASSERT_FALSE(Sim::WaitForLog(unshare, {"listening"}, 5s).empty())
      << "root is needed for a PID namespace";
  const pid_t first = FirstChildOf(unshare.pid());
  ASSERT_GT(first, 0);
  ::kill(first, SIGTERM);
  EXPECT_EQ(unshare.Wait(500ms), std::nullopt) << "PID 1 has no handler: nothing happens";
  ::kill(first, SIGKILL);
  EXPECT_TRUE(unshare.Wait(2s));
}

TEST(RbeeSimSigterm, CanBeIgnoredByAnyProcessWhichSaysSo) {
  Child hive(SimCommand("hive", {"--port", std::to_string(FreePort()), "--sigterm", "ignore"}));
  ASSERT_FALSE(Sim::WaitForLog(hive, {"listening"}, 5s).empty());
  for (int i = 0; i < 2; ++i) {
    hive.Signal(SIGTERM);
    EXPECT_FALSE(Sim::WaitForLog(hive, {"sigterm_ignored"}, 5s).empty());
  }
  hive.Signal(SIGINT);
  EXPECT_EQ(hive.Wait(2s), 0);
}

}  // namespace
}  // namespace chaos::test
