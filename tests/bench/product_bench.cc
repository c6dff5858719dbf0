// What the operator's own work costs, without a network: a whole run in the simulation, a plan, a
// pod read.
#include <benchmark/benchmark.h>

#include "tests/sim/world/world.h"
#include "tests/unit/controllers/fixture.h"

namespace chaos {
namespace {

// Goal: at least 100 runs of the partition experiment per second and core (items_per_second).
void WholeRunInTheSimulation(benchmark::State& state) {
  std::uint64_t calls = 0;
  for (auto _ : state) {
    sim::World world(sim::Calm());
    if (!world.RunToRest(std::chrono::minutes(10)) ||
        world.OutcomeOf("nf-001-0").verdict != "Passed") {
      state.SkipWithError("the run did not pass");
      return;
    }
    calls += world.calls();
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["api_calls"] =
      benchmark::Counter(static_cast<double>(calls), benchmark::Counter::kAvgIterations);
}
BENCHMARK(WholeRunInTheSimulation)->Unit(benchmark::kMillisecond);

void PlanOfANewExperiment(benchmark::State& state) {
  experiment::World world;
  const experiment::Experiment cx = experiment::MakeExperiment();
  for (auto _ : state)
    benchmark::DoNotOptimize(experiment::Plan(cx, world.Look(), experiment::T(1)));
}
BENCHMARK(PlanOfANewExperiment)->Unit(benchmark::kMicrosecond);

void StatusWrittenAndReadAgain(benchmark::State& state) {
  experiment::World world;
  const experiment::Experiment cx = experiment::MakeExperiment();
  const experiment::Step step = experiment::Plan(cx, world.Look(), experiment::T(1));
  const auto& status = std::get<experiment::WriteStatus>(step.actions.at(0)).status;
  for (auto _ : state) benchmark::DoNotOptimize(experiment::Status::FromJson(status.ToJson()));
}
BENCHMARK(StatusWrittenAndReadAgain)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace chaos
