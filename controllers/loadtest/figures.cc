#include "controllers/loadtest/figures.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "injectors/protocol/arrivals.h"
#include "operator/base/time_text.h"

namespace chaos::loadtest {
namespace {

using protocol::Cell;
using protocol::Trend;

constexpr std::array<const char*, protocol::kTrends> kTrendKeys = {
    "httpReqDuration", "iterationDuration", "e2e", "ttft", "itl", "tpot"};
constexpr std::size_t kErrorSamples = 5;
constexpr seconds kSilent{5};  // what such a pod had under way is not known to go on

template <class... Values>
std::string Format(const char* format, Values... values) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), format, values...);
  return text.data();
}

const Cell& CellOf(const protocol::Phases& phases, const std::string& phase) {
  if (phase == "Before") return phases.before;
  if (phase == "During") return phases.during;
  return phase == "After" ? phases.after : phases.all;
}

double SecondsOf(const Measured& m, const std::string& phase) {
  milliseconds time = m.elapsed;
  if (m.fault_known && phase == "Before") time = m.fault_from;
  if (m.fault_known && phase == "During") time = m.fault_to - m.fault_from;
  if (m.fault_known && phase == "After") time = m.elapsed - m.fault_to;
  return std::max(0.001, static_cast<double>(time.count()) / 1000);
}

// The cell with so many more samples of the best kind as its share of the whole lacks.
Cell WithIdealSamples(Cell cell, double coverage) {
  const auto missing = [&](std::int64_t n) {
    return coverage <= 0
               ? n * 1'000'000
               : static_cast<std::int64_t>(std::ceil(static_cast<double>(n) * (1 / coverage - 1)));
  };
  cell.Of(protocol::Ending::kOk) += missing(cell.Judged());
  cell.http_reqs += missing(cell.http_reqs);
  for (protocol::TrendCount& trend : cell.trends) {
    const std::int64_t more = missing(trend.n);
    trend.n += more;
    for (std::int64_t& count : trend.below) count += more;
    for (std::int64_t& count : trend.not_above) count += more;
  }
  return cell;
}

double Share(double part, double whole) { return whole <= 0 ? 1 : std::min(1.0, part / whole); }

bool LessIsBetter(const protocol::Expression& expression) {
  return expression.comparison == protocol::Comparison::kLess ||
         expression.comparison == protocol::Comparison::kLessEqual;
}

std::string PrintObserved(const Threshold& threshold, double observed) {
  if (threshold.metric->kind == protocol::MetricKind::kTrend) return PrintMillis(observed);
  if (threshold.metric->kind == protocol::MetricKind::kRate) return PrintShare(observed);
  return Format("%.6g", observed);
}

PhaseStatus PrintPhase(const Cell& cell, bool expect_tokens) {
  PhaseStatus phase;
  phase.requests = cell.Judged();
  phase.errors = cell.Errors(expect_tokens);
  phase.tokens = cell.tokens;
  phase.dropped = cell.dropped;
  if (phase.requests > 0)
    phase.error_rate =
        PrintShare(static_cast<double>(phase.errors) / static_cast<double>(phase.requests));
  for (std::size_t i = 0; i < protocol::kTrends; ++i) {
    const protocol::TrendCount& trend = cell.trends[i];
    if (trend.n == 0) continue;
    const auto print = [](std::optional<double> value) { return value ? PrintMillis(*value) : ""; };
    phase.trends[kTrendKeys[i]] = {trend.n, print(trend.Average()), print(trend.Percentile(50)),
                                   print(trend.Percentile(95)), print(trend.Percentile(99))};
  }
  for (std::size_t i = 0; i < protocol::kEndings; ++i) {
    const auto ending = static_cast<protocol::Ending>(i);
    if (cell.endings[i] != 0) phase.endings[std::string(Name(ending))] = cell.endings[i];
  }
  return phase;
}

}  // namespace

std::string PrintMillis(double value) {
  if (value >= 10'000) return Format("%.1fs", value / 1000);
  if (value >= 1'000) return Format("%.2fs", value / 1000);
  if (value >= 100) return Format("%.0fms", value);
  return Format(value >= 10 ? "%.1fms" : "%.2fms", value);
}

std::string PrintShare(double ratio) { return Format("%.4g%%", ratio * 100); }

Measured Measure(const Workload& workload, const protocol::LoadLog& log,
                 const std::optional<Owner>& owner, TimePoint t0, TimePoint until) {
  Measured m;
  const auto since = [&](TimePoint at) {
    return std::clamp(std::chrono::floor<milliseconds>(at - t0), milliseconds(0), workload.length);
  };
  m.elapsed = since(until);
  std::int64_t vu_ms = 0, alive = 0;
  for (const auto& [index, pod] : log.pods()) {
    const bool silent = milliseconds(pod.elapsed_ms) + kSilent < m.elapsed;
    alive += pod.ended || silent ? 0 : pod.alive;
    vu_ms += pod.vu_ms;
    m.vus += pod.ended ? 0 : pod.vus;
    m.worst_lag_us = std::max(m.worst_lag_us, pod.worst_lag_us);
    m.throttled_ms += pod.throttled_ms;
  }
  m.vu_time = milliseconds(vu_ms);
  std::optional<std::int64_t> from, to;
  if (owner && owner->fault_from) {
    m.fault_known = true;
    m.fault_from = since(*owner->fault_from);
    m.fault_to = owner->fault_to ? since(*owner->fault_to) : m.elapsed;
    from = nanoseconds(*owner->fault_from - t0).count();
    if (owner->fault_to) to = nanoseconds(*owner->fault_to - t0).count();
  }
  m.phases = protocol::SplitByFault(log.Total(), from, to);
  m.coverage =
      workload.executor.DealsIterations()
          ? Share(static_cast<double>(m.phases.all.Begun() + m.phases.all.dropped + alive),
                  static_cast<double>(PlannedIterations(workload.executor, m.elapsed)))
          : Share(static_cast<double>(nanoseconds(m.vu_time).count()),
                  static_cast<double>(PlannedVuTime(workload.executor, m.elapsed).count()));
  return m;
}

std::vector<protocol::Decision> DecideAll(const Workload& workload, const Measured& measured,
                                          bool expect_tokens, bool missing_ideal) {
  std::vector<protocol::Decision> decisions;
  for (const Threshold& t : workload.thresholds) {
    const Cell& cell = CellOf(measured.phases, t.spec.phase);
    const bool fill = missing_ideal && LessIsBetter(t.expression) &&
                      t.metric->kind != protocol::MetricKind::kCounter;
    protocol::Decision decision =
        Decide(*t.metric, t.expression, t.pivot_index,
               fill ? WithIdealSamples(cell, measured.coverage) : cell, expect_tokens,
               SecondsOf(measured, t.spec.phase), t.spec.min_samples);
    // More samples could still change it.
    if (missing_ideal && !LessIsBetter(t.expression)) decision.holds.reset();
    decisions.push_back(decision);
  }
  return decisions;
}

void FillFigures(const Workload& workload, const Measured& measured, const protocol::LoadLog& log,
                 bool expect_tokens, Status& status) {
  status.phases.clear();
  status.phases["all"] = PrintPhase(measured.phases.all, expect_tokens);
  if (measured.fault_known) {
    status.phases["before"] = PrintPhase(measured.phases.before, expect_tokens);
    status.phases["during"] = PrintPhase(measured.phases.during, expect_tokens);
    status.phases["after"] = PrintPhase(measured.phases.after, expect_tokens);
  }
  const PhaseStatus& all = status.phases["all"];
  const double elapsed = std::max(0.001, static_cast<double>(measured.elapsed.count()) / 1000);
  status.progress = Progress{measured.elapsed, measured.vus, all.requests, all.errors,
                             Format("%.1f/s", static_cast<double>(all.requests) / elapsed)};
  status.coverage_vu_time = PrintShare(std::floor(measured.coverage * 1000) / 1000);
  const std::vector<protocol::Decision> decisions = DecideAll(workload, measured, expect_tokens);
  status.thresholds.clear();
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    const Threshold& t = workload.thresholds[i];
    const protocol::Decision& d = decisions[i];
    status.thresholds.push_back({t.spec.metric, t.spec.expression, t.spec.phase,
                                 !d.holds   ? "unknown"
                                 : *d.holds ? "true"
                                            : "false",
                                 d.observed ? PrintObserved(t, *d.observed) : "", d.samples});
  }
  status.worst_lag = PrintMillis(static_cast<double>(measured.worst_lag_us) / 1000);
  status.throttled = PrintDuration(milliseconds(measured.throttled_ms));
  status.error_samples = log.error_samples();
  if (status.error_samples.size() > kErrorSamples) status.error_samples.resize(kErrorSamples);
}

}  // namespace chaos::loadtest
