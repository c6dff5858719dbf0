#include "controllers/loadtest/workload.h"

#include <algorithm>

namespace chaos::loadtest {
namespace {

constexpr int kVusPerPod = 500;
constexpr int kMostAutoPods = 16;

using std::chrono::minutes;

// A load that says nothing of errors must not be green because they came fast.
ThresholdSpec DefaultThreshold(bool owned) {
  ThresholdSpec threshold;
  threshold.metric = "errors";
  threshold.expression = "rate<0.01";
  if (owned) threshold.phase = "Before";  // what happens after the fault is the experiment's matter
  return threshold;
}

Result<protocol::Executor> ExecutorOf(const Spec& spec) {
  std::optional<protocol::Executor> executor =
      spec.pattern.empty() ? spec.executor : PatternStages(spec.pattern);
  if (!executor) return Invalid("spec needs a pattern (Ramp, Stress or Spike) or an executor");
  if (executor->stages.empty()) return Invalid("spec.executor needs at least one stage");
  if (executor->HasRate() && executor->max_vus < executor->start_vus)
    return Invalid("spec.executor.maxVUs must be no less than preAllocatedVUs");
  if (spec.scale <= 0 || spec.scale > 100)
    return Invalid("spec.scale must be above 0% and at most 10000%");
  if (spec.time_scale < 1 || spec.time_scale > 1000)
    return Invalid("spec.timeScale must be 1 to 1000");
  return protocol::Scaled(*executor, spec.scale, spec.time_scale);
}

Result<void> AddThresholds(const LoadTest& test, Workload& workload) {
  std::vector<ThresholdSpec> specs = test.spec.thresholds;
  const bool about_errors = std::any_of(specs.begin(), specs.end(), [](const ThresholdSpec& t) {
    return t.metric == "errors" || t.metric == "http_req_failed" || t.metric == "checks";
  });
  if (!about_errors) specs.push_back(DefaultThreshold(test.owner.has_value()));
  for (const ThresholdSpec& spec : specs) {
    const std::string where = "threshold " + spec.metric + " " + spec.expression + ": ";
    if (!spec.phase.empty() && !test.owner)
      return Invalid(where + "phase is only known to the load of an experiment; leave it out");
    Threshold threshold{spec, protocol::FindMetric(spec.metric), {}, {}};
    if (threshold.metric == nullptr) {
      std::string known;
      for (const protocol::Metric& metric : protocol::Metrics())
        known += (known.empty() ? "" : ", ") + std::string(metric.name);
      return Invalid(where + "there is no metric " + spec.metric + "; there are " + known);
    }
    Result<protocol::Expression> expression =
        protocol::ParseExpression(*threshold.metric, spec.expression);
    if (!expression) return Invalid(where + expression.error().detail);
    threshold.expression = *expression;
    if (const auto pivot = protocol::PivotOf(*threshold.metric, *expression)) {
      std::size_t of_its_trend = 0;
      const auto found =
          std::find_if(workload.pivots.begin(), workload.pivots.end(), [&](const auto& p) {
            const bool same = p == *pivot;
            of_its_trend += !same && p.trend == pivot->trend;
            return same;
          });
      threshold.pivot_index = of_its_trend;
      if (found == workload.pivots.end()) workload.pivots.push_back(*pivot);
    }
    workload.thresholds.push_back(std::move(threshold));
  }
  return {};
}

}  // namespace

std::optional<protocol::Executor> PatternStages(std::string_view pattern) {
  protocol::Executor executor;
  if (pattern == "Ramp") {
    executor.stages = {{minutes(1), 100},
                       {minutes(2), 500},
                       {minutes(2), 1000},
                       {minutes(10), 1000},
                       {minutes(1), 0}};
  } else if (pattern == "Stress") {
    executor.stages = {{minutes(2), 100},  {minutes(2), 500},  {minutes(2), 1000},
                       {minutes(2), 2000}, {minutes(2), 3000}, {minutes(2), 5000},
                       {minutes(5), 5000}, {minutes(2), 0}};
  } else if (pattern == "Spike") {
    executor.stages = {{minutes(1), 100},  {seconds(10), 2000}, {minutes(1), 2000},
                       {seconds(10), 100}, {minutes(1), 100},   {seconds(10), 3000},
                       {minutes(1), 3000}, {minutes(1), 0}};
  } else {
    return std::nullopt;
  }
  return executor;
}

Result<Workload> WorkOut(const LoadTest& test) {
  Workload workload;
  Result<protocol::Executor> executor = ExecutorOf(test.spec);
  if (!executor) return executor.error();
  workload.executor = *std::move(executor);
  workload.length = std::chrono::ceil<milliseconds>(protocol::Length(workload.executor));
  workload.max_vus = protocol::MaxVus(workload.executor);
  if (workload.length <= milliseconds(0))
    return Invalid("the load lasts no time: give it a duration");
  if (workload.max_vus < 1) return Invalid("the load has no VUs: give it some");
  const int wanted = (workload.max_vus + kVusPerPod - 1) / kVusPerPod;
  workload.pods = test.spec.pods > 0 ? test.spec.pods : std::clamp(wanted, 1, kMostAutoPods);
  if (workload.pods > workload.max_vus) {
    return Invalid("spec.pods is " + std::to_string(workload.pods) + " and the load has only " +
                   std::to_string(workload.max_vus) + " VUs: use Auto, or fewer pods");
  }
  if (Result<void> added = AddThresholds(test, workload); !added) return added.error();
  return workload;
}

}  // namespace chaos::loadtest
