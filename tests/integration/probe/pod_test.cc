// The probe pod as a process: its schedule, its end, its one channel.
#include <gtest/gtest.h>

#include <csignal>
#include <map>

#include "tests/integration/probe/probe_run.h"
#include "tests/integration/probe/script_server.h"

namespace chaos::test {
namespace {

using namespace std::chrono_literals;

ScriptServer::Script Healthy() {
  return [](const Connection& connection, const std::string&) {
    connection.Send(Reply(200, "text/plain", "ok"));
  };
}
ScriptServer::Script Silent() {
  return [](const Connection& connection, const std::string&) { connection.HoldUntilClosed(); };
}
bool IsSample(const protocol::Event& event) { return event.event == "sample"; }

protocol::ProbeArguments Every100ms(const std::string& url) {
  auto probe = HttpProbe(url);
  probe.interval = 100ms;
  return probe;
}

TEST(ProbePod, SamplesStartOnAFixedGridEvenWhenTheyAreSlow) {
  std::atomic<int> n{0};
  ScriptServer server([&](const Connection& connection, const std::string&) {
    if (n++ % 2 == 0) connection.HoldUntilClosed();  // every second one runs into its timeout
    connection.Send(Reply(200, "text/plain", "ok"));
  });
  auto probe = Every100ms(server.url());
  probe.timeout = 350ms;
  ProbeRun run(Pod({probe}));
  const auto started = run.Next(10s);
  ASSERT_TRUE(started);
  EXPECT_EQ(started->event, "started");
  std::map<TimePoint, int> starts;
  int good = 0;
  while (starts.size() < 20) {
    const auto sample = run.Until(IsSample, 10s);
    ASSERT_TRUE(sample);
    ++starts[sample->at];
    good += sample->ok ? 1 : 0;
    if (!sample->ok) {
      EXPECT_GE(sample->took, 340ms);
    }
  }
  // On a machine that held the probe itself up, it says so in place of the sample.
  for (const protocol::Event& event : run.seen()) {
    if (event.event == "interrupted") ++starts[event.at];
  }
  // No sample is missing between the first and those that are still under way.
  TimePoint expected = starts.begin()->first;
  for (const auto& [at, count] : starts) {
    EXPECT_EQ(count, 1);
    if (at - starts.begin()->first > 1500ms) break;
    EXPECT_EQ(at, expected);
    expected += 100ms;
  }
  EXPECT_GE(good, 5);
}

TEST(ProbePod, NoMoreThan32SamplesOfAProbeWaitAtOnce) {
  ScriptServer server(Silent());
  auto probe = Every100ms(server.url());
  probe.timeout = 60s;
  ProbeRun run(Pod({probe}));
  const auto refused = run.Until(IsSample, 15s);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->message, "too many in flight: 32 samples have no answer yet");
  EXPECT_GT(refused->at - run.seen()[0].at, 3s) << "the 33rd, not earlier";
}

TEST(ProbePod, EndsAtOnceOnSigtermWithEverySampleAccountedFor) {
  ScriptServer server(Silent());
  auto probe = Every100ms(server.url());
  probe.timeout = 60s;
  ProbeRun run(Pod({probe, [&] {
                      auto healthy = SseProbe(server.url());
                      healthy.name = "second";
                      healthy.timeout = 60s;
                      return healthy;
                    }()}));
  ASSERT_TRUE(run.Next(10s));
  for (const auto deadline = std::chrono::steady_clock::now() + 10s; server.requests() < 7;) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::this_thread::yield();
  }
  const auto sent = std::chrono::steady_clock::now();
  run.child().Signal(SIGTERM);
  const auto ended = run.Until([](const auto& event) { return event.event == "ended"; }, 5s);
  EXPECT_EQ(run.child().Wait(5s), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - sent, 500ms);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->message, "stopped by SIGTERM");
  int interrupted = 0;
  for (const auto& event : run.seen()) {
    EXPECT_NE(event.event, "sample") << "nobody has answered: " << event.message;
    if (event.event == "interrupted" && event.probe == "http") ++interrupted;
  }
  EXPECT_GE(interrupted, 6);
}

TEST(ProbePod, EndsByItselfWhenItsLifeIsOver) {
  ScriptServer server(Healthy());
  ProbeRun run(Pod({Every100ms(server.url())}, 700ms));
  const auto ended = run.Until([](const auto& event) { return event.event == "ended"; }, 10s);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->message, "its life of 700ms is over");
  EXPECT_EQ(run.child().Wait(5s), 0);
}

TEST(ProbePod, SaysThatItIsAlive) {
  ScriptServer server(Healthy());
  auto probe = HttpProbe(server.url());
  probe.interval = 60s;
  ProbeRun run(Pod({probe}));
  ASSERT_TRUE(run.Until(IsSample, 10s));
  const auto alive = run.Next(8s);
  ASSERT_TRUE(alive);
  EXPECT_EQ(alive->event, "alive");
}

TEST(ProbePod, WhatItMissedWhileItWasHeldUpIsNobodysFailure) {
  ScriptServer server(Healthy());
  ProbeRun run(Pod({Every100ms(server.url())}));
  ASSERT_TRUE(run.Until(IsSample, 10s));
  run.child().Signal(SIGSTOP);
  while (run.Next(1s)) {  // until it has been silent for ten intervals
  }
  run.child().Signal(SIGCONT);
  const auto missed =
      run.Until([](const auto& event) { return event.event == "interrupted"; }, 10s);
  ASSERT_TRUE(missed);
  EXPECT_EQ(missed->message, "the probe itself was held up");
  ASSERT_TRUE(run.Until(IsSample, 10s));
  for (const auto& event : run.seen())
    EXPECT_TRUE(event.event != "sample" || event.ok) << event.message;
}

TEST(ProbePod, GoesOnWhenNobodyReadsItsLines) {
  ScriptServer server(Healthy());
  ProbeRun run(Pod({Every100ms(server.url())}));
  ASSERT_TRUE(run.Until(IsSample, 10s));
  run.child().CloseOutput();
  const int before = server.requests();
  for (const auto deadline = std::chrono::steady_clock::now() + 10s;
       server.requests() < before + 5;) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::this_thread::yield();
  }
  run.child().Signal(SIGTERM);
  EXPECT_EQ(run.child().Wait(5s), 0);
}

TEST(ProbePod, RefusesBadArgumentsOnItsChannelAndInItsExitCode) {
  struct Row {
    std::string json, why;
  };
  for (const Row& row :
       {Row{"{", "not JSON"}, Row{"[]", "must be an object"},
        Row{R"({"v":1,"run":"r","maxLife":"10s","probes":[{"name":"p","kind":"tcp","url":"x"}]})",
            "kind must be a known word"},
        Row{R"({"v":1,"run":"r","maxLife":"10s","probes":[{"name":"p","kind":"http","url":"x"}]})",
            "probe p: \"x\" is not a URL that can be probed"},
        Row{R"({"v":1,"run":"r","maxLife":"10s","probes":[]})", "probes must not be empty"}}) {
    SCOPED_TRACE(row.json);
    ProbeRun run(row.json);
    const auto failed = run.Next(10s);
    ASSERT_TRUE(failed);
    EXPECT_EQ(failed->event, "failed");
    EXPECT_EQ(failed->reason, "Refused");
    EXPECT_NE(failed->message.find(row.why), std::string::npos) << failed->message;
    EXPECT_EQ(run.child().Wait(5s), 2);
  }
}

}  // namespace
}  // namespace chaos::test
