// Loads: one that nothing disturbs, what is lost and what is refused, and an operator that dies in
// every call.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "tests/sim/world/world.h"

namespace chaos::sim {
namespace {

Scenario CalmLoad() {
  Scenario scenario = Calm();
  scenario.experiments = 0;
  scenario.loads = {{.pods = 2, .vus = 5, .seconds = 40}};
  return scenario;
}

World::Outcome Finish(World& world) {
  EXPECT_TRUE(world.RunToRest(std::chrono::minutes(15)));
  for (const std::string& broken : world.invariants().broken()) ADD_FAILURE() << broken;
  const World::Outcome outcome = world.OutcomeOfLoad("lt-0");
  world.RunFor(seconds(60));
  for (const std::string& left : world.LeftBehind()) ADD_FAILURE() << left;
  return outcome;
}

std::string Verdict(const World::Outcome& o) { return o.verdict + "/" + o.reason; }

TEST(Load, ACalmOnePassesWithEveryRequestCounted) {
  if (std::getenv("CHAOS_SIM_TRACE")) World::TraceTo(stderr);
  World world(CalmLoad());
  const World::Outcome outcome = Finish(world);
  EXPECT_EQ("Passed/", Verdict(outcome)) << outcome.summary;
  EXPECT_EQ(5 * 40, Integer(world.StatusOfLoad("lt-0"), {"phases", "all", "requests"}));
  std::printf("calm load: %s; %llu calls, %llu writes\n", outcome.summary.c_str(),
              static_cast<unsigned long long>(world.calls()),
              static_cast<unsigned long long>(world.writes()));
}

class Hit : public testing::TestWithParam<Deed> {};

TEST_P(Hit, ALoadPodThatIsLostIsShownAndNeverGreen) {
  World world(CalmLoad());
  world.RunFor(seconds(30));  // T0 is at 10 s
  world.Do(GetParam());
  const World::Outcome outcome = Finish(world);
  EXPECT_EQ("Inconclusive/LoadPodsLost", Verdict(outcome)) << outcome.summary;
  const Json status = world.StatusOfLoad("lt-0");
  EXPECT_EQ("1/2", Text(status, {"coverage", "pods"}));
  EXPECT_EQ(1U, ListAt(status, {"coverage", "missing"}).size());
  EXPECT_GT(Integer(status, {"phases", "all", "requests"}), 120);
}

INSTANTIATE_TEST_SUITE_P(Pod, Hit,
                         testing::Values(Deed::kKillLoadPod, Deed::kEvictLoadPod,
                                         Deed::kForceLoadPod));

TEST(Load, AnOperatorThatIsKilledInTheMiddleCountsNothingTwice) {
  World world(CalmLoad());
  world.RunFor(seconds(30));
  world.Do(Deed::kKillOperator);
  const World::Outcome outcome = Finish(world);
  EXPECT_EQ("Passed/", Verdict(outcome)) << outcome.summary;
  EXPECT_EQ(5 * 40, Integer(world.StatusOfLoad("lt-0"), {"phases", "all", "requests"}));
}

TEST(Load, AStopEndsItInSeconds) {
  World world(CalmLoad());
  world.RunFor(seconds(25));
  world.Do(Deed::kAbortLoad);
  world.RunFor(seconds(8));
  EXPECT_EQ("Aborted/Stopped", Verdict(world.OutcomeOfLoad("lt-0")));
  Finish(world);
}

TEST(Load, ADeletedOneTakesItsPodsAlong) {
  World world(CalmLoad());
  world.RunFor(seconds(25));
  world.Do(Deed::kDeleteLoad);
  world.RunFor(seconds(30));
  EXPECT_FALSE(world.OutcomeOfLoad("lt-0").exists);
  for (const std::string& left : world.LeftBehind()) ADD_FAILURE() << left;
}

TEST(Load, AQuotaIsSaidInTheWordsOfTheRefusal) {
  Scenario scenario = CalmLoad();
  scenario.pod_quota = 0;
  World world(std::move(scenario));
  const World::Outcome outcome = Finish(world);
  EXPECT_EQ("Inconclusive/StartFailed", Verdict(outcome));
  EXPECT_NE(std::string::npos, outcome.summary.find("exceeded quota")) << outcome.summary;
}

TEST(Load, ATargetThatIsDownIsNeverGreen) {
  Scenario scenario = CalmLoad();
  scenario.rbee.down = true;
  World world(std::move(scenario));
  EXPECT_EQ("Failed/ThresholdBreached", Verdict(Finish(world)));
}

TEST(Load, TheSecondOneWaitsForTheFirst) {
  Scenario scenario = CalmLoad();
  scenario.loads.push_back({.pods = 1, .vus = 1, .seconds = 10});
  World world(std::move(scenario));
  world.RunFor(seconds(5));
  const std::string a = world.OutcomeOfLoad("lt-0").phase, b = world.OutcomeOfLoad("lt-1").phase;
  EXPECT_TRUE((a == "Starting" && b == "Queued") || (a == "Queued" && b == "Starting"))
      << a << " " << b;
  EXPECT_EQ("Passed/", Verdict(Finish(world)));
  EXPECT_EQ("Passed/", Verdict(world.OutcomeOfLoad("lt-1")));
}

// The exhaustive table of crash_test for a load: whoever dies in whatever call, the verdict is the
// same, unless so much time was lost that the pods came late.
TEST(Load, AtEveryApiCallTheSuccessorBringsTheSameVerdict) {
  constexpr std::array kPoints{CrashPoint::kBefore, CrashPoint::kAfterExecution,
                               CrashPoint::kAfterReply};
  Scenario scenario = CalmLoad();
  scenario.loads[0].seconds = 20;
  std::vector<std::string> calls;
  {
    World world(scenario);
    EXPECT_EQ("Passed/", Verdict(Finish(world)));
    calls = world.call_kinds();
  }
  std::map<std::string, std::array<int, 2>> table;  // crashes, the same verdict
  for (std::uint64_t call = 1; call <= calls.size(); ++call) {
    for (const CrashPoint point : kPoints) {
      World world(scenario, CrashPlan{call, point});
      const World::Outcome outcome = Finish(world);
      auto& [crashed, fine] = table[calls[call - 1]];
      crashed += world.deaths() > 0;
      fine += world.deaths() > 0 && outcome.verdict == "Passed";
      EXPECT_EQ("Passed/", Verdict(outcome)) << "crash " << Name(point) << " call " << call << ", "
                                             << calls[call - 1] << ": " << outcome.summary;
      EXPECT_EQ(5 * 20, Integer(world.StatusOfLoad("lt-0"), {"phases", "all", "requests"}))
          << "crash " << Name(point) << " call " << call << ", " << calls[call - 1];
    }
  }
  for (const auto& [kind, row] : table)
    std::printf("%-44s %d of %d\n", kind.c_str(), row[1], row[0]);
}

}  // namespace
}  // namespace chaos::sim
