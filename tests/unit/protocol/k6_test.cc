// Schedules and thresholds beside those of k6 itself: tests/k6/golden.jsonl, which its own code
// wrote.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <set>

#include "injectors/protocol/arrivals.h"
#include "injectors/protocol/ledger.h"
#include "injectors/protocol/stages.h"
#include "injectors/protocol/thresholds.h"

namespace chaos::protocol {
namespace {

std::vector<Json> Facts(std::string_view kind) {
  std::ifstream file(CHAOS_K6_GOLDEN);
  std::vector<Json> facts;
  for (std::string line; std::getline(file, line);) {
    Json fact = Json::parse(line);
    if (Text(fact, {"kind"}) == kind) facts.push_back(std::move(fact));
  }
  return facts;
}

std::vector<Stage> StagesOf(const Json& fact) {
  std::vector<Stage> stages;
  for (const Json& stage : ListAt(fact, {"stages"})) {
    stages.push_back(
        {milliseconds(Integer(stage, {"ms"})), static_cast<int>(Integer(stage, {"target"}))});
  }
  return stages;
}

using Steps = std::map<std::int64_t, std::int64_t>;  // ns since T0 to a count from then on

// Of several steps at one moment the last counts; those that change nothing are left out.
Steps Changes(const Steps& steps) {
  Steps changes;
  std::int64_t last = 0;
  for (const auto& [at, count] : steps) {
    if (count != last) changes[at] = count;
    last = count;
  }
  return changes;
}

Steps StepsOf(const Json& pod) {
  Steps steps;
  for (const Json& step : pod) steps[step[0].get<std::int64_t>()] = step[1].get<std::int64_t>();
  return Changes(steps);
}

// How many of a pod's VUs start iterations, or (held) may have one under way.
Steps Ours(const Executor& executor, int pods, int pod, bool held) {
  Steps deltas;
  for (int vu = pod + 1; vu <= MaxVus(executor); vu += pods) {
    std::vector<std::pair<nanoseconds, nanoseconds>> spans;
    for (const Interval& wanted : Wanted(executor, vu)) {
      const nanoseconds to = held ? HardStop(executor, wanted) : wanted.to;
      if (!spans.empty() && spans.back().second >= wanted.from)
        spans.back().second = to;
      else
        spans.emplace_back(wanted.from, to);
    }
    for (const auto& [from, to] : spans) {
      ++deltas[from.count()];
      --deltas[to.count()];
    }
  }
  std::int64_t count = 0;
  for (auto& [at, delta] : deltas) delta = count += delta;
  return Changes(deltas);
}

TEST(K6, PlansTheSameVusOnEveryPod) {
  const std::vector<Json> facts = Facts("vus");
  ASSERT_GE(facts.size(), 50u);
  for (const Json& fact : facts) {
    const Executor executor{static_cast<int>(Integer(fact, {"startVUs"})), StagesOf(fact)};
    const auto pods = static_cast<int>(ListAt(fact, {"planned"}).size());
    for (int pod = 0; pod < pods; ++pod) {
      ASSERT_EQ(Ours(executor, pods, pod, false),
                StepsOf(fact["planned"][static_cast<std::size_t>(pod)]))
          << "pod " << pod << " of " << fact["startVUs"] << fact["stages"];
    }
  }
}

TEST(K6, LetsIterationsGoOnForAsLongOnEveryPod) {
  int compared = 0;
  for (const Json& fact : Facts("vus")) {
    Executor executor{static_cast<int>(Integer(fact, {"startVUs"})), StagesOf(fact)};
    executor.graceful_ramp_down = milliseconds(Integer(fact, {"gracefulRampDown"}));
    executor.graceful_stop = milliseconds(Integer(fact, {"gracefulStop"}));
    const auto pods = static_cast<int>(ListAt(fact, {"held"}).size());
    for (int pod = 0; pod < pods; ++pod) {
      ASSERT_EQ(Ours(executor, pods, pod, true),
                StepsOf(fact["held"][static_cast<std::size_t>(pod)]))
          << "pod " << pod << " of " << fact["startVUs"] << fact["stages"]
          << fact["gracefulRampDown"] << fact["gracefulStop"];
    }
    compared += pods > 0;
  }
  EXPECT_GE(compared, 50);
}

Executor WithRate(const Json& fact) {
  Executor executor;
  executor.type = ExecutorType::kRampingArrivalRate;
  executor.start_rate = static_cast<int>(Integer(fact, {"rate"}));
  executor.time_unit = milliseconds(Integer(fact, {"timeUnit"}));
  executor.max_vus = static_cast<int>(Integer(fact, {"maxVUs"}));
  executor.stages = StagesOf(fact);
  if (!executor.stages.empty()) return executor;
  executor.type = ExecutorType::kConstantArrivalRate;
  executor.stages = {{milliseconds(Integer(fact, {"duration"})), executor.start_rate}};
  return executor;
}

TEST(K6, BeginsTheSameIterationsAtTheSameNanosecondsOnEveryPod) {
  std::size_t compared = 0;
  for (const Json& fact : Facts("arrivals")) {
    const Executor executor = WithRate(fact);
    const auto pods = static_cast<int>(fact["times"].size());
    std::int64_t all = 0;
    for (int pod = 0; pod < pods; ++pod) {
      std::vector<std::int64_t> times;
      Arrivals arrivals(executor, pods, pod);
      while (const auto at = arrivals.Next()) times.push_back(at->count());
      ASSERT_EQ(times,
                fact["times"][static_cast<std::size_t>(pod)].get<std::vector<std::int64_t>>())
          << "pod " << pod << " of " << pods << " " << PrintJson(fact).substr(0, 200);
      all += static_cast<std::int64_t>(times.size());
    }
    EXPECT_EQ(all, PlannedIterations(executor, Length(executor)));
    ++compared;
  }
  EXPECT_GE(compared, 60u);
}

TEST(K6, SharesIterationsOutInTheSameWay) {
  const std::vector<Json> facts = Facts("shares");
  ASSERT_GE(facts.size(), 30u);
  for (const Json& fact : facts) {
    Executor executor;
    executor.type = ExecutorType::kSharedIterations;
    executor.start_vus = static_cast<int>(Integer(fact, {"vus"}));
    executor.iterations = Integer(fact, {"iterations"});
    const auto pods = static_cast<int>(fact["shares"].size());
    std::vector<std::int64_t> shares;
    for (int pod = 0; pod < pods; ++pod) shares.push_back(IterationsOf(executor, pods, pod));
    EXPECT_EQ(shares, fact["shares"].get<std::vector<std::int64_t>>()) << fact;
  }
}

const Metric& MetricOf(std::string_view kind) {
  return *FindMetric(kind == "trend" ? "ttft" : kind == "rate" ? "errors" : "http_reqs");
}

// Where we differ, and why.
const std::map<std::string, std::string> kOnlyK6 = {
    {"rate<inf", "decides nothing"},
    {"rate<Infinity", "decides nothing"},
    {"rate<nan", "decides nothing"},
    {"rate<0x1p-2", "Go's numbers, nobody's thresholds"},
    {"rate<1_000", "Go's numbers, nobody's thresholds"},
    {"p(9_5)<1", "Go's numbers, nobody's thresholds"},
    {"p<5", "k6 never finds a value for it, and passes"},
    {"p(-1)<5", "there is no such percentile"},
    {"p(101)<5", "there is no such percentile"},
    {"p(inf)<1", "there is no such percentile"},
};
const std::map<std::string, std::string> kOnlyOurs = {
    {"p( 95 )<500", "blanks do no harm"},
    {"p(95 )<500", "blanks do no harm"},
};

TEST(K6, TakesTheSameThresholds) {
  const std::vector<Json> facts = Facts("grammar");
  ASSERT_GE(facts.size(), 200u);
  std::set<std::string> differ;
  for (const Json& fact : facts) {
    const std::string text = Text(fact, {"text"});
    const bool ours{ParseExpression(MetricOf(Text(fact, {"of"})), text)};
    if (ours == Flag(fact, {"good"})) continue;
    differ.insert(text);
    EXPECT_TRUE((ours ? kOnlyOurs : kOnlyK6).contains(text))
        << text << " of a " << Text(fact, {"of"}) << (ours ? ": only ours" : ": only k6's");
  }
  EXPECT_EQ(differ.size(), kOnlyK6.size() + kOnlyOurs.size()) << "a row that is not true any more";
}

// k6 draws a straight line between two samples, we take the nearest one: the two may differ where
// the line runs through the value that is compared with, and nowhere else.
bool BetweenTwoSamples(const Expression& e, std::vector<std::int64_t> samples) {
  if (e.aggregation != Aggregation::kPercentile && e.aggregation != Aggregation::kMed) return false;
  const double percent = e.aggregation == Aggregation::kMed ? 50 : e.percentile;
  std::sort(samples.begin(), samples.end());
  const double at = percent / 100 * static_cast<double>(samples.size() - 1);
  const auto low = static_cast<double>(samples[static_cast<std::size_t>(std::floor(at))]);
  const auto high = static_cast<double>(samples[static_cast<std::size_t>(std::ceil(at))]);
  return low <= e.value && e.value <= high;
}

TEST(K6, DecidesTheSameOnTheSameSamples) {
  int same = 0, different = 0;
  for (const Json& fact : Facts("decision")) {
    const Metric& metric = MetricOf("trend");
    const Expression expression = *ParseExpression(metric, Text(fact, {"text"}));
    std::vector<double> pivots;
    if (const auto pivot = PivotOf(metric, expression)) pivots.push_back(pivot->at_us);
    const auto samples = fact["samplesMs"].get<std::vector<std::int64_t>>();
    Cell cell;
    for (const std::int64_t ms : samples)
      cell.Of(Trend::kTtft).Record(static_cast<std::uint64_t>(ms) * 1000, pivots);
    const Decision ours = Decide(metric, expression, 0, cell, false, 1, 1);
    ASSERT_TRUE(ours.holds);
    if (*ours.holds == Flag(fact, {"holds"})) {
      ++same;
    } else {
      ++different;
      EXPECT_TRUE(BetweenTwoSamples(expression, samples)) << fact;
    }
  }
  EXPECT_GE(same, 250);
  EXPECT_LE(different, 30);
}

}  // namespace
}  // namespace chaos::protocol
