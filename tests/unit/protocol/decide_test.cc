// Thresholds decided from counters equal those decided from all the values, sorted.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>

#include "tests/unit/protocol/requests.h"

namespace chaos::protocol {
namespace {

constexpr const char* kSigns[] = {"<", "<=", ">", ">=", "==", "!="};

bool Brute(long double observed, const std::string& sign, long double value) {
  if (sign == "<") return observed < value;
  if (sign == "<=") return observed <= value;
  if (sign == ">") return observed > value;
  if (sign == ">=") return observed >= value;
  return (observed == value) == (sign == "==");
}

struct Asked {
  const Metric* metric;
  Expression expression;
  std::optional<Pivot> pivot;
};
Asked Ask(const std::string& metric, const std::string& text) {
  Asked asked{FindMetric(metric), {}, {}};
  const Result<Expression> expression = ParseExpression(*asked.metric, text);
  EXPECT_TRUE(expression) << text << " " << (expression ? "" : expression.error().detail);
  asked.expression = *expression;
  asked.pivot = PivotOf(*asked.metric, *expression);
  return asked;
}

// Milliseconds with three digits, so that a threshold often is exactly a value.
std::string Ms(std::int64_t us) {
  return std::to_string(us / 1000) + "." + std::to_string(1000 + us % 1000).substr(1);
}

TEST(Decide, TrendsEqualTheSortedValuesForEveryMethodAndComparison) {
  const std::uint64_t seed = ::testing::UnitTest::GetInstance()->random_seed() + 23;
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  int held = 0, broken = 0;
  for (int round = 0; round < 200; ++round) {
    std::vector<std::int64_t> values;
    const auto spread = std::uint64_t{1} << (1 + random.Below(20));
    for (std::uint64_t n = 1 + random.Below(120); n > 0; --n)
      values.push_back(static_cast<std::int64_t>(random.Below(spread)));
    std::sort(values.begin(), values.end());
    const auto n = static_cast<std::int64_t>(values.size());
    const std::int64_t sum = std::accumulate(values.begin(), values.end(), std::int64_t{0});
    for (const std::string method :
         {"avg", "min", "max", "med", "p(0)", "p(25)", "p(95)", "p(99.9)", "p(100)"}) {
      for (const std::string sign : kSigns) {
        const std::int64_t us = random.Chance(1, 2)
                                    ? values[random.Below(values.size())]
                                    : static_cast<std::int64_t>(random.Below(spread));
        const Asked asked = Ask("ttft", method + sign + Ms(us));
        Cell cell;
        std::vector<double> pivots = {1e9, -1};
        if (asked.pivot) pivots.push_back(asked.pivot->at_us);
        for (const std::int64_t value : values)
          cell.Of(Trend::kTtft).Record(static_cast<std::uint64_t>(value), pivots);
        const Decision decision =
            Decide(*asked.metric, asked.expression,
                   asked.pivot ? std::optional<std::size_t>(2) : std::nullopt, cell, false, 1, 1);
        bool truth = false;
        if (method == "avg") {
          truth = Brute(sum, sign, static_cast<long double>(us * n));
        } else {
          std::int64_t thousandths = 0;  // of the whole
          if (method == "max" || method == "p(100)") thousandths = 1000;
          if (method == "med") thousandths = 500;
          if (method == "p(25)") thousandths = 250;
          if (method == "p(95)") thousandths = 950;
          if (method == "p(99.9)") thousandths = 999;
          const std::int64_t rank = std::max<std::int64_t>(1, (thousandths * n + 999) / 1000);
          truth = Brute(values[static_cast<std::size_t>(rank - 1)], sign, us);
        }
        ASSERT_TRUE(decision.holds) << method;
        ASSERT_EQ(*decision.holds, truth) << method << sign << Ms(us) << " of " << n;
        ASSERT_EQ(decision.samples, n);
        // What people are shown never contradicts the decision.
        if (sign == "<" && truth) {
          ASSERT_LE(*decision.observed, asked.expression.value);
        }
        if (sign == "<" && !truth) {
          ASSERT_GE(*decision.observed, asked.expression.value);
        }
        (truth ? held : broken)++;
      }
    }
  }
  EXPECT_GT(held, 1000);
  EXPECT_GT(broken, 1000);
}

TEST(Decide, RatesAndCountersEqualTheRequestsCounted) {
  Random random(31);
  for (int round = 0; round < 300; ++round) {
    Cell cell;
    std::int64_t judged = 0, errors = 0, interrupted = 0, reqs = 0, failed = 0, tokens = 0;
    const bool expect_tokens = random.Chance(1, 2);
    cell.dropped = static_cast<std::int64_t>(random.Below(100));
    for (std::uint64_t n = 1 + random.Below(60); n > 0; --n) {
      const Request r = RandomRequest(random, 5);
      Enter(cell, r, {});
      ++reqs;
      failed += r.failed;
      tokens += r.tokens;
      interrupted += r.ending == Ending::kInterrupted;
      if (r.ending == Ending::kInterrupted || r.ending == Ending::kGeneratorFault) continue;
      ++judged;
      errors += IsError(r.ending, expect_tokens);
    }
    for (const std::string sign : kSigns) {
      const auto decide = [&](const char* metric, const std::string& text) {
        const Asked asked = Ask(metric, text);
        return Decide(*asked.metric, asked.expression, std::nullopt, cell, expect_tokens, 4, 1);
      };
      // hundredths as text: 0.02 is no double, yet 2 of 100 equals it
      const auto hundredths = static_cast<std::int64_t>(random.Below(101));
      const std::string ratio = "rate" + sign + std::to_string(hundredths) + "e-2";
      const auto expect_ratio = [&](const char* metric, std::int64_t part, std::int64_t whole) {
        const Decision d = decide(metric, ratio);
        ASSERT_EQ(d.samples, whole);
        if (whole == 0) {
          ASSERT_FALSE(d.holds || d.observed);
        } else {
          ASSERT_EQ(d.holds, Brute(part * 100, sign, hundredths * whole)) << metric << ratio;
        }
      };
      expect_ratio("errors", errors, judged);
      expect_ratio("checks", judged - errors, judged);
      expect_ratio("http_req_failed", failed, reqs);
      const auto limit = static_cast<std::int64_t>(random.Below(80));
      const auto expect_count = [&](const char* metric, std::int64_t count) {
        const Decision total = decide(metric, "count" + sign + std::to_string(limit));
        const Decision rate = decide(metric, "rate" + sign + std::to_string(limit));
        ASSERT_EQ(total.samples, std::max(count, judged + interrupted));
        if (total.samples == 0) return;
        ASSERT_EQ(total.holds, Brute(count, sign, limit)) << metric;
        ASSERT_EQ(rate.holds, Brute(count, sign, limit * 4)) << metric << " over 4 s";
      };
      expect_count("http_reqs", reqs);
      expect_count("iterations", judged);
      expect_count("tokens", tokens);
      expect_count("interrupted", interrupted);
      expect_count("dropped_iterations", cell.dropped);
    }
  }
}

TEST(Decide, WithoutSamplesNothingIsDecided) {
  for (const Metric& metric : Metrics()) {
    const std::string text = metric.kind == MetricKind::kTrend  ? "p(95)<500"
                             : metric.kind == MetricKind::kRate ? "rate<0.5"
                                                                : "count<5";
    const Asked asked = Ask(std::string(metric.name), text);
    const Decision decision = Decide(metric, asked.expression, 0, Cell{}, false, 10, 0);
    EXPECT_FALSE(decision.holds) << metric.name;
    EXPECT_FALSE(decision.observed) << metric.name;
    EXPECT_EQ(decision.samples, 0);
  }
  const Asked avg = Ask("ttft", "avg<5");
  EXPECT_FALSE(Decide(*avg.metric, avg.expression, std::nullopt, Cell{}, false, 10, 1).holds);
}

TEST(Decide, FewerSamplesThanAskedForDecideNothingButAreShown) {
  Cell cell;
  for (int i = 0; i < 9; ++i) ++cell.Of(Ending::kOk);
  const Asked asked = Ask("errors", "rate<0.5");
  const auto decide = [&](std::int64_t least) {
    return Decide(*asked.metric, asked.expression, std::nullopt, cell, false, 10, least);
  };
  EXPECT_EQ(decide(9).holds, true);
  EXPECT_FALSE(decide(10).holds);
  EXPECT_EQ(decide(10).observed, 0.0);
}

TEST(Decide, APivotThatNobodyCountedDecidesNothing) {
  Cell cell;
  cell.Of(Trend::kTtft).Record(10, {5.0});
  const Asked asked = Ask("ttft", "p(95)<500");
  EXPECT_FALSE(Decide(*asked.metric, asked.expression, 1, cell, false, 1, 1).holds);
  EXPECT_FALSE(Decide(*asked.metric, asked.expression, std::nullopt, cell, false, 1, 1).holds);
}

}  // namespace
}  // namespace chaos::protocol
