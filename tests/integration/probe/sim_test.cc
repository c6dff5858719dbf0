// The three probes against a whole rbee-sim: healthy, with its hive silenced (SIGSTOP: connections
// stay, nothing comes), back again, and with a queen that never notices.
#include <gtest/gtest.h>

#include <csignal>
#include <map>

#include "tests/integration/probe/probe_run.h"
#include "tests/integration/probe/sim.h"

namespace chaos::test {
namespace {

using namespace std::chrono_literals;

protocol::ProbePodArguments ThreeProbes(const Sim& sim) {
  auto pod =
      Pod({HttpProbe(sim.queen_url() + "/health"),
           SseProbe(sim.queen_url() + "/v1/heartbeats/stream"), InferenceProbe(sim.queen_url())});
  for (auto& probe : pod.probes) probe.interval = 500ms;
  return pod;
}

std::function<bool(const protocol::Event&)> SampleOf(const std::string& probe, bool ok,
                                                     TimePoint from) {
  return [=](const protocol::Event& event) {
    return event.event == "sample" && event.probe == probe && event.ok == ok && event.at >= from;
  };
}

TEST(ProbesOnASim, AllSucceedWhileItIsHealthy) {
  Sim sim;
  ASSERT_TRUE(sim.Ready());
  ProbeRun run(ThreeProbes(sim));
  std::map<std::string, int> good;
  while (good["http"] < 6 || good["sse"] < 6 || good["inference"] < 6) {
    const auto sample = run.Until([](const auto& event) { return event.event == "sample"; }, 10s);
    ASSERT_TRUE(sample);
    EXPECT_TRUE(sample->ok) << sample->probe << ": " << sample->message;
    ++good[sample->probe];
  }
}

TEST(ProbesOnASim, SeeTheLossOfTheHiveAndItsReturn) {
  Sim sim({"--detect-after", "2s"});
  ASSERT_TRUE(sim.Ready());
  ProbeRun run(ThreeProbes(sim));
  const SystemClock clock;
  ASSERT_TRUE(run.Until(SampleOf("inference", true, {}), 10s));
  const TimePoint stopped = clock.Now();
  sim.hive().Signal(SIGSTOP);
  const auto lost = run.Until(SampleOf("sse", false, stopped), 10s);
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->message, "/hives_online is 0, wanted at least 1");
  // Detection after two seconds of silence (the last beat may be a second old), one interval of the
  // probe.
  EXPECT_GT(lost->at - stopped, 900ms);
  EXPECT_LT(lost->at - stopped, 2s + 500ms + 1s);
  const auto refused = run.Until(SampleOf("inference", false, stopped), 10s);
  ASSERT_TRUE(refused);
  EXPECT_TRUE(refused->message.starts_with("failed: Scheduling failed: No available worker found"))
      << refused->message;
  EXPECT_FALSE(Sim::WaitForLog(sim.queen(), {"hive_lost", "silent for"}, 1s).empty());

  const TimePoint continued = clock.Now();
  sim.hive().Signal(SIGCONT);
  const auto back = run.Until(SampleOf("sse", true, continued), 10s);
  ASSERT_TRUE(back);
  EXPECT_LT(back->at - continued, 3s);
  const auto answered = run.Until(SampleOf("inference", true, continued), 10s);
  ASSERT_TRUE(answered);
  EXPECT_LT(answered->at - continued, 4s);
  for (const auto& event : run.seen()) {
    if (event.probe == "http") {
      EXPECT_TRUE(event.ok) << "the queen itself was never gone: " << event.message;
    }
  }
}

TEST(ProbesOnASim, ABlindQueenNeverNotices) {
  Sim sim({"--blind"});
  ASSERT_TRUE(sim.Ready());
  ProbeRun run(ThreeProbes(sim));
  ASSERT_TRUE(run.Until(SampleOf("inference", true, {}), 10s));
  const TimePoint stopped = SystemClock().Now();
  sim.hive().Signal(SIGSTOP);
  // Twice what a seeing queen needs.
  const auto late = run.Until(SampleOf("inference", true, stopped + 5s), 15s);
  ASSERT_TRUE(late);
  for (const auto& event : run.seen()) {
    if (event.event == "sample") {
      EXPECT_TRUE(event.ok) << event.probe << ": " << event.message;
    }
  }
}

}  // namespace
}  // namespace chaos::test
