// The exhaustive table: the operator dies before, after the execution of, and after the reply to
// every single API call of the partition experiment and of a worker kill; a successor must bring
// the very same verdict.
#include <gtest/gtest.h>

#include <map>

#include "tests/sim/world/world.h"

namespace chaos::sim {
namespace {

constexpr std::array kPoints{CrashPoint::kBefore, CrashPoint::kAfterExecution,
                             CrashPoint::kAfterReply};

struct Row {
  int calls = 0;
  std::array<int, kPoints.size()> fine{}, crashed{};
};

std::vector<std::string> CallsOfAnUndisturbedRun(const Scenario& calm) {
  World world(calm);
  EXPECT_TRUE(world.RunToRest(std::chrono::minutes(10)));
  return world.call_kinds();
}

// What was wrong with the run, or "".
std::string RunWithCrash(const Scenario& calm, std::uint64_t call, CrashPoint point,
                         bool& crashed) {
  World world(calm, CrashPlan{call, point});
  const bool rest = world.RunToRest(std::chrono::minutes(15));
  crashed = world.deaths() > 0;
  if (!world.invariants().broken().empty()) return world.invariants().broken().front();
  const World::Outcome outcome = world.OutcomeOf("nf-001-0");
  if (!rest) return "never came to rest: " + outcome.phase + " " + outcome.summary;
  if (outcome.verdict != "Passed")
    return outcome.verdict + " " + outcome.reason + ": " + outcome.summary;
  if (const auto left = world.ServicesOfRuns(); !left.empty()) return left.front() + " is left";
  const std::size_t faults = world.faults_on().size();
  return faults == 1 ? "" : "not exactly one fault";
}

class Crash : public testing::TestWithParam<bool> {};

TEST_P(Crash, AtEveryApiCallTheSuccessorBringsTheSameVerdict) {
  const Scenario calm = GetParam() ? CalmKill() : Calm();
  const std::vector<std::string> calls = CallsOfAnUndisturbedRun(calm);
  std::map<std::string, Row> table;
  for (std::uint64_t call = 1; call <= calls.size(); ++call) {
    Row& row = table[calls[call - 1]];
    ++row.calls;
    for (std::size_t p = 0; p < kPoints.size(); ++p) {
      bool crashed = false;
      const std::string wrong = RunWithCrash(calm, call, kPoints[p], crashed);
      row.crashed[p] += crashed;
      row.fine[p] += crashed && wrong.empty();
      EXPECT_EQ(wrong, "") << "crash " << Name(kPoints[p]) << " call " << call << ", "
                           << calls[call - 1];
    }
  }
  std::printf("%-44s %6s %10s %16s %16s\n", "call", "calls", "before", "after execution",
              "after the reply");
  for (const auto& [kind, row] : table) {
    std::printf("%-44s %6d", kind.c_str(), row.calls);
    for (std::size_t p = 0; p < kPoints.size(); ++p)
      std::printf(" %9d/%-5d", row.fine[p], row.crashed[p]);
    std::printf("\n");
    EXPECT_EQ(row.crashed[0], row.calls) << kind;
    EXPECT_EQ(row.crashed[2], row.calls) << kind;
  }
}

INSTANTIATE_TEST_SUITE_P(Of, Crash, testing::Bool(), [](const auto& kills) {
  return kills.param ? "AWorkerKill" : "APartition";
});

}  // namespace
}  // namespace chaos::sim
