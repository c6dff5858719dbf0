// Thresholds in k6's grammar, and the exact counters that decide them. Pure.
//   p(95)<500   avg<=20   rate<0.01   count>100   med < 200   max<1e3     (Trend values in
//   milliseconds)
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"

namespace chaos::protocol {

// Trends, in the order in which they stand in snapshots. k6's names, and those of LLM serving.
enum class Trend { kHttpReqDuration, kIterationDuration, kE2e, kTtft, kItl, kTpot };
inline constexpr std::size_t kTrends = 6;
std::string_view Name(Trend trend);  // "http_req_duration"

// Everything that can be asked for: the trends, the rates errors, http_req_failed and checks, and
// the counters http_reqs, iterations, tokens, interrupted, dropped_iterations.
enum class MetricKind { kTrend, kRate, kCounter };
struct Metric {
  std::string_view name;
  MetricKind kind;
  std::optional<Trend> trend;
};
std::span<const Metric> Metrics();
const Metric* FindMetric(std::string_view name);  // nullptr: there is none

enum class Aggregation { kAvg, kMin, kMax, kMed, kPercentile, kRate, kCount };
enum class Comparison { kLess, kLessEqual, kGreater, kGreaterEqual, kEqual, kNotEqual };

struct Expression {
  Aggregation aggregation = Aggregation::kRate;
  double percentile = 0;  // with kPercentile, 0 to 100
  Comparison comparison = Comparison::kLess;
  double value = 0;
};
// The error is a sentence that says what would be right for this metric.
Result<Expression> ParseExpression(const Metric& metric, std::string_view text);

// A value at which observations of a trend are counted exactly: how many are below it, and how many
// are not above it. min, max, med and p(N) need no more. In microseconds, possibly with a fraction.
struct Pivot {
  Trend trend = Trend::kTtft;
  double at_us = 0;
  bool operator==(const Pivot&) const = default;
};
// The pivot that decides an expression; nullopt for those that sums and counts decide.
std::optional<Pivot> PivotOf(const Metric& metric, const Expression& expression);

}  // namespace chaos::protocol
