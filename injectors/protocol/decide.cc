// Decides thresholds from exact counts. A double compares like the decimal number that it was
// written as, because every quotient here is rounded once: equal numbers are equal doubles.
#include <algorithm>

#include "injectors/protocol/ledger.h"

namespace chaos::protocol {
namespace {

bool Holds(double observed, Comparison comparison, double value) {
  switch (comparison) {
    case Comparison::kLess:
      return observed < value;
    case Comparison::kLessEqual:
      return observed <= value;
    case Comparison::kGreater:
      return observed > value;
    case Comparison::kGreaterEqual:
      return observed >= value;
    case Comparison::kEqual:
      return observed == value;
    case Comparison::kNotEqual:
      return observed != value;
  }
  return false;
}

double PercentOf(const Expression& expression) {
  switch (expression.aggregation) {
    case Aggregation::kMin:
      return 0;
    case Aggregation::kMax:
      return 100;
    case Aggregation::kMed:
      return 50;
    default:
      return expression.percentile;
  }
}

// The value at a rank against a pivot: it is below the pivot exactly if at least `rank` values are.
// So the value's side of the pivot stands for the value: -1, 0 or 1 compared with 0.
Decision DecideRank(const Expression& expression, std::optional<std::size_t> pivot,
                    const TrendCount& trend) {
  Decision decision;
  decision.samples = trend.n;
  decision.observed = trend.Percentile(PercentOf(expression));
  if (!decision.observed || !pivot || *pivot >= trend.below.size() ||
      *pivot >= trend.not_above.size())
    return decision;
  const std::int64_t rank = NearestRank(PercentOf(expression), trend.n);
  const bool is_below = trend.below[*pivot] >= rank;
  const bool is_above = trend.not_above[*pivot] < rank;
  decision.holds = Holds(is_below ? -1 : is_above ? 1 : 0, expression.comparison, 0);
  // The middle of a bucket may lie on the other side.
  if (!is_above) decision.observed = std::min(*decision.observed, expression.value);
  if (!is_below) decision.observed = std::max(*decision.observed, expression.value);
  return decision;
}

Decision DecideAverage(const Expression& expression, const TrendCount& trend) {
  Decision decision;
  decision.samples = trend.n;
  decision.observed = trend.Average();
  if (decision.observed)
    decision.holds = Holds(*decision.observed, expression.comparison, expression.value);
  return decision;
}

Decision DecideRatio(const Expression& expression, std::int64_t part, std::int64_t whole) {
  Decision decision;
  decision.samples = whole;
  if (whole <= 0) return decision;
  decision.observed = static_cast<double>(part) / static_cast<double>(whole);
  decision.holds = Holds(*decision.observed, expression.comparison, expression.value);
  return decision;
}

Decision DecideCounter(const Expression& expression, std::int64_t count, std::int64_t iterations,
                       double duration_s) {
  Decision decision;
  decision.samples = std::max(count, iterations);
  const bool per_second = expression.aggregation == Aggregation::kRate;
  if (decision.samples <= 0 || (per_second && !(duration_s > 0))) return decision;
  decision.observed = static_cast<double>(count) / (per_second ? duration_s : 1);
  decision.holds = Holds(*decision.observed, expression.comparison, expression.value);
  return decision;
}

Decision DecideWhole(const Metric& metric, const Expression& expression,
                     std::optional<std::size_t> pivot, const Cell& cell, bool expect_tokens,
                     double duration_s) {
  if (metric.trend) {
    const TrendCount& trend = cell.Of(*metric.trend);
    return expression.aggregation == Aggregation::kAvg ? DecideAverage(expression, trend)
                                                       : DecideRank(expression, pivot, trend);
  }
  const std::int64_t judged = cell.Judged(), errors = cell.Errors(expect_tokens);
  const std::int64_t interrupted = cell.Of(Ending::kInterrupted);
  if (metric.name == "errors") return DecideRatio(expression, errors, judged);
  if (metric.name == "checks") return DecideRatio(expression, judged - errors, judged);
  if (metric.name == "http_req_failed")
    return DecideRatio(expression, cell.http_req_failed, cell.http_reqs);
  const std::int64_t count = metric.name == "http_reqs"     ? cell.http_reqs
                             : metric.name == "iterations"  ? judged
                             : metric.name == "tokens"      ? cell.tokens
                             : metric.name == "interrupted" ? interrupted
                                                            : cell.dropped;
  return DecideCounter(expression, count, judged + interrupted, duration_s);
}

}  // namespace

Decision Decide(const Metric& metric, const Expression& expression,
                std::optional<std::size_t> pivot_index, const Cell& cell, bool expect_tokens,
                double duration_s, std::int64_t min_samples) {
  Decision decision = DecideWhole(metric, expression, pivot_index, cell, expect_tokens, duration_s);
  if (decision.samples < min_samples) decision.holds.reset();
  return decision;
}

}  // namespace chaos::protocol
