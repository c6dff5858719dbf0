#include "controllers/loadtest/verdict.h"

#include <algorithm>

#include "operator/base/time_text.h"

namespace chaos::loadtest {
namespace {

// Beyond these, what was measured says more about the generator than about the target.
constexpr milliseconds kMostLag{1000};
constexpr double kMostThrottled = 0.1;  // of the time, in the mean over the pods
constexpr double kMostGeneratorFaults = 0.01;
// Less of the planned load than this is another load.
constexpr double kLeastCoverage = 0.9;
// How long a VU that cannot send waits before it tries again.
constexpr milliseconds kLostByAFault{1000};

Judgement Inconclusive(const char* reason, std::string message) {
  return {"Inconclusive", reason, std::move(message)};
}

std::string Join(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts) joined += (joined.empty() ? "" : "; ") + text;
  return joined;
}

std::optional<Judgement> JudgeStop(const Status& status) {
  if (!status.stop || status.stop->by == "Owner") return std::nullopt;
  const StopStatus& stop = *status.stop;
  if (stop.by == "Threshold") return Judgement{"Failed", "ThresholdBreached", stop.reason};
  if (stop.by == "NoLiveData") return Inconclusive("NoLiveData", stop.reason);
  if (stop.by == "StartFailed") return Inconclusive("StartFailed", stop.reason);
  return Judgement{"Aborted", "Stopped", stop.by + ": " + stop.reason};
}

// Why the figures cannot be trusted, for a reason that is ours.
std::string Saturation(const Measured& m, int pods) {
  if (m.worst_lag_us > microseconds(kMostLag).count())
    return "a timer of the generator fired " + PrintShort(microseconds(m.worst_lag_us)) + " late";
  const auto elapsed = static_cast<double>(m.elapsed.count()) * std::max(1, pods);
  if (elapsed > 0 && static_cast<double>(m.throttled_ms) > kMostThrottled * elapsed)
    return "the generator's processor time was throttled for " +
           PrintDuration(milliseconds(m.throttled_ms)) + ": raise podTemplate.resources";
  const std::int64_t faults = m.phases.all.Of(protocol::Ending::kGeneratorFault);
  const std::int64_t all = m.phases.all.Judged() + faults;
  const auto of_requests = kMostGeneratorFaults * static_cast<double>(all);
  // Many fast requests of some VUs must not hide that others could not send at all.
  const auto of_time = (1 - kLeastCoverage) * static_cast<double>(m.vu_time / kLostByAFault);
  if (faults > 0 && static_cast<double>(faults) > std::min(of_requests, of_time))
    return std::to_string(faults) + " of " + std::to_string(all) +
           " requests could not be sent for lack of descriptors or local ports: use more pods";
  return "";
}

// Why it was not the load that was asked for, although nothing of ours failed.
std::string NotAllBegun(const Workload& workload, const Measured& m) {
  const auto& specs = workload.thresholds;
  const bool said = std::any_of(specs.begin(), specs.end(), [](const Threshold& t) {
    return t.spec.metric == "dropped_iterations";
  });
  const std::int64_t dropped = m.phases.all.dropped, all = m.phases.all.Begun() + dropped;
  if (said || static_cast<double>(all - dropped) >= kLeastCoverage * static_cast<double>(all))
    return "";
  return std::to_string(dropped) + " of " + std::to_string(all) +
         " iterations never began: raise " +
         (workload.executor.HasRate() ? "maxVUs" : "maxDuration") +
         ", or say in a threshold of dropped_iterations how many may";
}

std::string Failing(const Workload& workload, const Status& status,
                    const std::vector<protocol::Decision>& decisions) {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    if (decisions[i].holds.value_or(true)) continue;
    const ThresholdSpec& spec = workload.thresholds[i].spec;
    std::string text = spec.metric + " " + spec.expression;
    if (!spec.phase.empty()) text += " in phase " + spec.phase;
    if (i < status.thresholds.size() && !status.thresholds[i].observed.empty())
      text += " (it was " + status.thresholds[i].observed + ")";
    texts.push_back(std::move(text));
  }
  return Join(texts);
}

std::optional<Judgement> Undecided(const Workload& workload,
                                   const std::vector<protocol::Decision>& decisions) {
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    if (decisions[i].holds) continue;
    const ThresholdSpec& spec = workload.thresholds[i].spec;
    return Inconclusive("NoData", "threshold " + spec.metric + " " + spec.expression +
                                      (spec.phase.empty() ? "" : " in phase " + spec.phase) +
                                      " has " + std::to_string(decisions[i].samples) +
                                      " samples and needs " +
                                      std::to_string(std::max<std::int64_t>(1, spec.min_samples)));
  }
  return std::nullopt;
}

}  // namespace

Judgement Judge(const LoadTest& test, const Workload& workload, const Measured& measured,
                const PodsEnd& pods, const Status& status) {
  if (std::optional<Judgement> stopped = JudgeStop(status)) return *stopped;
  if (!pods.never_started.empty()) return Inconclusive("StartFailed", pods.never_started);
  if (const std::string why = Saturation(measured, workload.pods); !why.empty())
    return Inconclusive("GeneratorSaturated", why);

  const bool expect_tokens = test.spec.request.expect_tokens;
  const bool whole = pods.lost.empty() && measured.coverage >= kLeastCoverage;
  const std::string failing = Failing(
      workload, status, DecideAll(workload, measured, expect_tokens, /*missing_ideal=*/!whole));
  if (!failing.empty()) return {"Failed", "ThresholdBreached", failing};
  if (!pods.lost.empty()) return Inconclusive("LoadPodsLost", Join(pods.lost));
  if (!whole)
    return Inconclusive("LoadPodsLost", "only " + status.coverage_vu_time +
                                            " of the planned load was there: pods came late");
  if (const std::string why = NotAllBegun(workload, measured); !why.empty())
    return Inconclusive("IterationsDropped", why);
  if (measured.phases.all.Judged() == 0)
    return Inconclusive("NoData", "not one request came to its end");
  if (measured.phases.all.Judged() == measured.phases.all.Errors(/*expect_tokens=*/false))
    return Inconclusive("NoData", "not one request succeeded");
  if (std::optional<Judgement> undecided =
          Undecided(workload, DecideAll(workload, measured, expect_tokens)))
    return *undecided;
  return {"Passed", "", ""};
}

std::string Summarize(const Status& status, const Judgement& judgement) {
  std::string text;
  const auto all = status.phases.find("all");
  if (status.progress && all != status.phases.end() && all->second.requests > 0) {
    text = std::to_string(all->second.requests) + " requests in " +
           PrintDuration(status.progress->elapsed) + ", errors " + all->second.error_rate;
    if (all->second.dropped > 0) text += ", dropped " + std::to_string(all->second.dropped);
    for (const char* trend : {"ttft", "httpReqDuration"}) {
      const auto found = all->second.trends.find(trend);
      if (found != all->second.trends.end() && !found->second.p95.empty())
        text += ", " + std::string(trend) + " p95 " + found->second.p95;
    }
  }
  if (!judgement.message.empty()) text += (text.empty() ? "" : "; ") + judgement.message;
  return text.substr(0, 1000);
}

}  // namespace chaos::loadtest
