// An experiment and the load that it owns, on one clock, whatever happens to the operator
// meanwhile.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "tests/sim/world/world.h"

namespace chaos::sim {
namespace {

Scenario Owned() {
  Scenario scenario = Calm();
  scenario.owns = Owns::kRun;
  return scenario;
}

// What is wrong with a run that has come to rest, or "".
std::string Wrong(World& world, const std::string& verdict) {
  if (!world.invariants().broken().empty()) return world.invariants().broken().front();
  const World::Outcome outcome = world.OutcomeOf("nf-001-0");
  if (outcome.verdict != verdict)
    return outcome.verdict + " " + outcome.reason + ": " + outcome.summary;
  const auto& loads = world.api().server.store().All(*FindResource(kube::kLoadTests));
  if (loads.size() != 1) return std::to_string(loads.size()) + " load tests were made";
  const Json& load = loads.begin()->second->object;
  const auto requests = [&](const char* phase) {
    return Integer(load, {"status", "phases", phase, "requests"});
  };
  if (requests("before") + requests("during") + requests("after") != requests("all"))
    return "the phases do not add up to all requests";
  if (verdict == "Passed" && (requests("before") < 4 * 20 || requests("after") < 4))
    return "the load did not flow before and after the fault";
  const std::vector<std::string> left = world.LeftBehind();
  return left.empty() ? "" : left.front();
}

TEST(OwnedLoad, FlowsFromBeforeTheBaselineUntilAfterRecovery) {
  if (std::getenv("CHAOS_SIM_TRACE")) World::TraceTo(stderr);
  World world(Owned());
  EXPECT_TRUE(world.RunToRest(std::chrono::minutes(15)));
  world.RunFor(seconds(60));
  EXPECT_EQ("", Wrong(world, "Passed"));
  const Json load = ObjectAt(world.StatusOf("nf-001-0"), {"load"});
  EXPECT_EQ("Finished", Text(load, {"phase"}));
  EXPECT_EQ("Passed", Text(load, {"verdict"}));
  EXPECT_EQ("0%", Text(load, {"errors", "before"}));
  EXPECT_EQ("0%", Text(load, {"errors", "during"}));  // the queen answers without its hive, too
  EXPECT_FALSE(Text(load, {"report"}).empty());
  const std::string summary = world.OutcomeOf("nf-001-0").summary;
  EXPECT_NE(std::string::npos, summary.find("; errors 0% before, ")) << summary;
  std::printf("calm owned load: %s; %llu calls, %llu writes\n", summary.c_str(),
              static_cast<unsigned long long>(world.calls()),
              static_cast<unsigned long long>(world.writes()));
}

TEST(OwnedLoad, WhosePodIsLostLeavesNothingGreen) {
  World world(Owned());
  world.RunFor(seconds(50));
  world.Do(Deed::kKillLoadPod);
  EXPECT_TRUE(world.RunToRest(std::chrono::minutes(15)));
  world.RunFor(seconds(60));
  EXPECT_EQ("", Wrong(world, "Inconclusive"));
  EXPECT_EQ("LoadPodsLost", world.OutcomeOf("nf-001-0").reason);
}

TEST(OwnedLoad, EndsWithAnExperimentThatIsAborted) {
  World world(Owned());
  world.RunFor(seconds(50));
  world.Do(Deed::kAbort);
  EXPECT_TRUE(world.RunToRest(std::chrono::minutes(5)));
  world.RunFor(seconds(60));
  EXPECT_EQ("", Wrong(world, "Aborted"));
  EXPECT_EQ("Finished", Text(world.StatusOf("nf-001-0"), {"load", "phase"}));
}

TEST(OwnedLoad, AtEveryApiCallTheSuccessorBringsTheSameVerdictAndOneLoad) {
  std::vector<std::string> calls;
  {
    World world(Owned());
    EXPECT_TRUE(world.RunToRest(std::chrono::minutes(15)));
    calls = world.call_kinds();
  }
  std::map<std::string, std::array<int, 2>> table;  // crashes, the same verdict
  for (std::uint64_t call = 1; call <= calls.size(); ++call) {
    for (const CrashPoint point :
         {CrashPoint::kBefore, CrashPoint::kAfterExecution, CrashPoint::kAfterReply}) {
      World world(Owned(), CrashPlan{call, point});
      EXPECT_TRUE(world.RunToRest(std::chrono::minutes(20)));
      world.RunFor(seconds(60));
      std::string wrong = Wrong(world, "Passed");
      if (wrong.empty() && world.network().faults().size() != 1) wrong = "not exactly one fault";
      EXPECT_EQ("", wrong) << "crash " << Name(point) << " call " << call << ", "
                           << calls[call - 1];
      auto& [crashed, fine] = table[calls[call - 1]];
      crashed += world.deaths() > 0;
      fine += world.deaths() > 0 && wrong.empty();
    }
  }
  for (const auto& [kind, row] : table)
    std::printf("%-44s %d of %d\n", kind.c_str(), row[1], row[0]);
}

}  // namespace
}  // namespace chaos::sim
