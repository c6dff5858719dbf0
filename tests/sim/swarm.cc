#include "tests/sim/swarm.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace chaos::sim {
namespace {

constexpr std::chrono::minutes kWithFaults{6};
// After healing: the longest of all our own limits is the starting deadline of ten minutes.
constexpr std::chrono::minutes kToRest{20};
constexpr seconds kQuiet{60};
constexpr std::uint64_t kSeedsInFull = 10000;

std::string VerdictOf(const World::Outcome& outcome) {
  if (!outcome.exists) return "deleted";
  return outcome.reason.empty() ? outcome.verdict : outcome.verdict + "/" + outcome.reason;
}

void CheckRest(World& world, SeedReport& report) {
  world.RunToRest(kWithFaults);
  world.Heal();
  const bool rest = world.RunToRest(kToRest);
  if (!rest && world.invariants().broken().empty()) {
    for (const std::string& name : world.names()) {
      const World::Outcome now = world.OutcomeOf(name);
      if (now.exists)
        report.wrong.push_back("never came to rest: " + name + " is " + now.phase + " " +
                               VerdictOf(now) + ": " + now.summary);
    }
    for (const std::string& name : world.load_names()) {
      const World::Outcome now = world.OutcomeOfLoad(name);
      if (now.exists)
        report.wrong.push_back("never came to rest: " + name + " is " + now.phase + " " +
                               VerdictOf(now) + ": " + now.summary);
    }
    if (report.wrong.empty()) report.wrong.push_back("never came to rest");
  }
  if (!rest) return;
  // What is under way may end; a half-open watch is noticed when its time is over, after ten
  // minutes.
  const bool half_open =
      world.faults().stream_counts[static_cast<std::size_t>(StreamFault::kSilent)] > 0;
  world.RunFor(half_open ? seconds(700) : seconds(90));
  const std::uint64_t writes = world.writes();
  world.RunFor(kQuiet);
  if (world.writes() != writes)
    report.wrong.push_back("not quiet: " + std::to_string(world.writes() - writes) +
                           " writes within a minute of rest");
  for (const std::string& left : world.LeftBehind()) report.wrong.push_back(left);
}

void PrintRow(std::string_view name, std::uint64_t count, std::vector<std::string>& missing) {
  std::printf("  %-38s %8llu\n", std::string(name).c_str(), static_cast<unsigned long long>(count));
  if (count == 0) missing.emplace_back(name);
}

}  // namespace

SeedReport RunSeed(std::uint64_t seed) {
  SeedReport report;
  report.seed = seed;
  World world(Swarm(seed));
  CheckRest(world, report);
  for (const std::string& broken : world.invariants().broken()) report.wrong.push_back(broken);
  if (const std::string lie = world.Lie(); !lie.empty()) report.wrong.push_back("a lie: " + lie);
  for (const std::string& name : world.names())
    report.verdicts.push_back(VerdictOf(world.OutcomeOf(name)));
  for (const std::string& name : world.load_names())
    report.verdicts.push_back("load " + VerdictOf(world.OutcomeOfLoad(name)));
  report.call_faults = world.faults().call_counts;
  report.stream_faults = world.faults().stream_counts;
  report.deeds = world.deeds();
  report.deaths = world.deaths();
  report.calls = world.calls();
  report.hash = world.history_hash();
  world.TraceObjects();
  return report;
}

std::vector<SeedReport> RunSeeds(std::uint64_t first, std::uint64_t count, bool stop_at_first) {
  std::vector<SeedReport> reports;
  std::mutex mutex;
  std::atomic<std::uint64_t> next{0};
  std::atomic<bool> stop{false};
  const auto work = [&] {
    for (std::uint64_t i = next++; i < count && !stop; i = next++) {
      SeedReport report = RunSeed(first + i);
      if (stop_at_first && !report.wrong.empty()) stop = true;
      std::lock_guard lock(mutex);
      reports.push_back(std::move(report));
    }
  };
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i)
      threads.emplace_back(work);
  }
  std::sort(reports.begin(), reports.end(),
            [](const auto& a, const auto& b) { return a.seed < b.seed; });
  return reports;
}

void PrintHistogram(const std::vector<SeedReport>& reports, std::vector<std::string>& missing) {
  SeedReport all;
  std::map<std::string, std::uint64_t> verdicts;
  for (const SeedReport& one : reports) {
    for (std::size_t i = 0; i < Faults::kCalls; ++i) all.call_faults[i] += one.call_faults[i];
    for (std::size_t i = 0; i < Faults::kStreams; ++i) all.stream_faults[i] += one.stream_faults[i];
    for (const auto& [deed, times] : one.deeds) all.deeds[deed] += times;
    for (const std::string& verdict : one.verdicts) ++verdicts[verdict];
    all.deaths += one.deaths;
    all.calls += one.calls;
  }
  std::printf(
      "%zu seeds, %llu API calls, %llu per seed\n", reports.size(),
      static_cast<unsigned long long>(all.calls),
      static_cast<unsigned long long>(all.calls / std::max<std::size_t>(1, reports.size())));
  std::printf("faults of calls\n");
  for (std::size_t i = 1; i < Faults::kCalls; ++i)
    PrintRow(Name(static_cast<CallFault>(i)), all.call_faults[i], missing);
  std::printf("faults of streams\n");
  for (std::size_t i = 1; i < Faults::kStreams; ++i)
    PrintRow(Name(static_cast<StreamFault>(i)), all.stream_faults[i], missing);
  std::printf("deeds\n");
  for (std::size_t i = 0; i < kDeeds; ++i)
    PrintRow(Name(static_cast<Deed>(i)),
             static_cast<std::uint64_t>(all.deeds[static_cast<Deed>(i)]), missing);
  PrintRow("deaths of an operator", all.deaths, missing);
  std::printf("verdicts\n");
  for (const auto& [verdict, count] : verdicts) PrintRow(verdict, count, missing);
}

SeedRange SeedsFromEnvironment(std::uint64_t count) {
  if (const char* seed = std::getenv("CHAOS_SIM_SEED"))
    return {std::strtoull(seed, nullptr, 10), 1};
  if (const char* seeds = std::getenv("CHAOS_SIM_SEEDS"))
    return {1, std::strtoull(seeds, nullptr, 10)};
  return {1, std::getenv("CHAOS_FULL") ? kSeedsInFull : count};
}

}  // namespace chaos::sim
