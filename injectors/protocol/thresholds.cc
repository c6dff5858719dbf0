#include "injectors/protocol/thresholds.h"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace chaos::protocol {
namespace {

constexpr std::array<std::string_view, kTrends> kTrendNames = {
    "http_req_duration", "iteration_duration", "e2e", "ttft", "itl", "tpot"};

constexpr Metric kMetrics[] = {
    {kTrendNames[0], MetricKind::kTrend, Trend::kHttpReqDuration},
    {kTrendNames[1], MetricKind::kTrend, Trend::kIterationDuration},
    {kTrendNames[2], MetricKind::kTrend, Trend::kE2e},
    {kTrendNames[3], MetricKind::kTrend, Trend::kTtft},
    {kTrendNames[4], MetricKind::kTrend, Trend::kItl},
    {kTrendNames[5], MetricKind::kTrend, Trend::kTpot},
    {"errors", MetricKind::kRate, std::nullopt},
    {"http_req_failed", MetricKind::kRate, std::nullopt},
    {"checks", MetricKind::kRate, std::nullopt},
    {"http_reqs", MetricKind::kCounter, std::nullopt},
    {"iterations", MetricKind::kCounter, std::nullopt},
    {"tokens", MetricKind::kCounter, std::nullopt},
    {"interrupted", MetricKind::kCounter, std::nullopt},
    {"dropped_iterations", MetricKind::kCounter, std::nullopt},
};

// In k6's order of search: the first that occurs anywhere cuts the text.
constexpr std::pair<std::string_view, Comparison> kComparisons[] = {
    {"<=", Comparison::kLessEqual}, {"<", Comparison::kLess},    {">=", Comparison::kGreaterEqual},
    {">", Comparison::kGreater},    {"===", Comparison::kEqual}, {"==", Comparison::kEqual},
    {"!=", Comparison::kNotEqual},
};

struct Method {
  std::string_view name;
  Aggregation aggregation;
  MetricKind kind;
};
constexpr Method kMethods[] = {
    {"avg", Aggregation::kAvg, MetricKind::kTrend},
    {"min", Aggregation::kMin, MetricKind::kTrend},
    {"max", Aggregation::kMax, MetricKind::kTrend},
    {"med", Aggregation::kMed, MetricKind::kTrend},
    {"rate", Aggregation::kRate, MetricKind::kRate},
    {"count", Aggregation::kCount, MetricKind::kCounter},
    {"rate", Aggregation::kRate, MetricKind::kCounter},
};

std::string_view MethodsOf(MetricKind kind) {
  switch (kind) {
    case MetricKind::kTrend:
      return "avg, min, max, med or p(95)";
    case MetricKind::kRate:
      return "rate";
    case MetricKind::kCounter:
      return "count or rate";
  }
  return "";
}

std::string_view Example(MetricKind kind) {
  switch (kind) {
    case MetricKind::kTrend:
      return "p(95)<500";
    case MetricKind::kRate:
      return "rate<0.02";
    case MetricKind::kCounter:
      return "count>100";
  }
  return "";
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n\v\f";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// As Go's ParseFloat reads decimal numbers: 500, -1, +.5, 1e3. Infinity and NaN decide nothing.
std::optional<double> Number(std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

std::string Quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

}  // namespace

std::string_view Name(Trend trend) { return kTrendNames[static_cast<std::size_t>(trend)]; }

std::span<const Metric> Metrics() { return kMetrics; }

const Metric* FindMetric(std::string_view name) {
  for (const Metric& metric : kMetrics) {
    if (metric.name == name) return &metric;
  }
  return nullptr;
}

Result<Expression> ParseExpression(const Metric& metric, std::string_view text) {
  const std::string example = "write for example " + std::string(Example(metric.kind));
  Expression expression;
  std::size_t at = std::string_view::npos, width = 0;
  for (const auto& [sign, comparison] : kComparisons) {
    at = text.find(sign);
    if (at == std::string_view::npos) continue;
    expression.comparison = comparison;
    width = sign.size();
    break;
  }
  if (at == std::string_view::npos) {
    return Invalid("threshold " + Quoted(text) +
                   " has none of the comparisons < <= > >= == === !=: " + example);
  }

  const std::string_view value = Trimmed(text.substr(at + width));
  const std::optional<double> number = Number(value);
  if (!number) {
    return Invalid("threshold " + Quoted(text) + " compares with " + Quoted(value) +
                   ", which is not a plain number: " + example +
                   (metric.kind == MetricKind::kTrend ? " (in milliseconds, without a unit)" : ""));
  }
  expression.value = *number;

  const std::string_view method = Trimmed(text.substr(0, at));
  if (metric.kind == MetricKind::kTrend && method.starts_with("p(") && method.ends_with(')')) {
    const std::string_view inner = Trimmed(method.substr(2, method.size() - 3));
    const std::optional<double> percent = Number(inner);
    if (!percent || *percent < 0 || *percent > 100) {
      return Invalid("threshold " + Quoted(text) + " asks for percentile " + Quoted(inner) +
                     ", which is not a number from 0 to 100: " + example);
    }
    expression.aggregation = Aggregation::kPercentile;
    expression.percentile = *percent;
    return expression;
  }
  for (const Method& known : kMethods) {
    if (known.name != method || known.kind != metric.kind) continue;
    expression.aggregation = known.aggregation;
    return expression;
  }
  return Invalid("threshold " + Quoted(text) + " asks for " + Quoted(method) + ", but " +
                 std::string(metric.name) + " has " + std::string(MethodsOf(metric.kind)) + ": " +
                 example);
}

std::optional<Pivot> PivotOf(const Metric& metric, const Expression& expression) {
  if (!metric.trend) return std::nullopt;
  switch (expression.aggregation) {
    case Aggregation::kMin:
    case Aggregation::kMax:
    case Aggregation::kMed:
    case Aggregation::kPercentile:
      break;
    default:
      return std::nullopt;
  }
  // 1.001 ms must be 1001 µs, not the double just beside it.
  const double us = expression.value * 1000, whole = std::round(us);
  const bool is_whole = std::abs(us - whole) <= std::abs(whole) * 4e-16;
  return Pivot{*metric.trend, is_whole ? whole : us};
}

}  // namespace chaos::protocol
