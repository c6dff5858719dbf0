#include "controllers/chaosexperiment/load.h"

#include <algorithm>

#include "controllers/loadtest/workload.h"
#include "injectors/protocol/names.h"
#include "operator/base/time_text.h"

namespace chaos::experiment {
namespace {

constexpr std::size_t kLongestName = 63;

// A load without an end of its own ends by itself some time, should nobody be left to end it.
milliseconds LongestLoad(const Spec& spec) {
  const milliseconds whole = spec.baseline + std::chrono::minutes(5) + spec.duration +
                             spec.recovery_within + spec.recovery_stable_for;
  return std::min<milliseconds>(std::chrono::ceil<seconds>(2 * whole), std::chrono::hours(24));
}

Json OwnSpec(const Spec& spec) {
  Json load = spec.load->run;
  if (const auto vus = load.find("vus"); vus != load.end()) {
    load["executor"] = {
        {"type", "constant-vus"}, {"vus", *vus}, {"duration", PrintDuration(LongestLoad(spec))}};
    load.erase("vus");
  }
  return load;
}

// What makes the load; not who wrote it, when, and whether it waits.
Json CopiedSpec(const Json& referred) {
  Json load = ObjectAt(referred, {"spec"});
  for (const char* field : {"suspend", "description", "requestedBy", "startingDeadline", "run"})
    load.erase(field);
  return load;
}

std::string Finding(const loadtest::LoadTest& load) {
  const std::string& summary = load.status.summary;
  return "load " + load.meta.key.name + ": " +
         (summary.empty() ? load.status.verdict + " " + load.status.reason : summary);
}

const loadtest::PhaseStatus* PhaseOf(const loadtest::Status& status, const char* phase) {
  const auto found = status.phases.find(phase);
  return found == status.phases.end() ? nullptr : &found->second;
}

std::string P95(const loadtest::Status& status, const char* phase, const char* trend) {
  const loadtest::PhaseStatus* figures = PhaseOf(status, phase);
  if (figures == nullptr) return "";
  const auto found = figures->trends.find(trend);
  return found == figures->trends.end() ? "" : found->second.p95;
}

std::string Errors(const loadtest::Status& status, const char* phase) {
  const loadtest::PhaseStatus* figures = PhaseOf(status, phase);
  return figures == nullptr ? "" : figures->error_rate;
}

std::string InWords(const ByPhase& figures) {
  std::string text;
  const auto add = [&](const std::string& figure, const char* phase) {
    if (!figure.empty()) text += (text.empty() ? "" : ", ") + figure + " " + phase;
  };
  add(figures.before, "before");
  add(figures.during, "during");
  add(figures.after, "after");
  return text;
}

}  // namespace

std::string LoadName(const std::string& experiment, const std::string& run) {
  std::string name = experiment.substr(0, kLongestName - 1 - run.size());
  while (!name.empty() && (name.back() == '-' || name.back() == '.')) name.pop_back();
  return name + "-" + run;
}

Result<Json> OwnedLoad(const Experiment& experiment, const std::string& run, const Json* referred) {
  const LoadSpec& asked = *experiment.spec.load;
  Json spec = asked.ref.empty() ? OwnSpec(experiment.spec)
                                : CopiedSpec(referred ? *referred : Json::object());
  for (const Json& threshold : asked.thresholds) spec["thresholds"].push_back(threshold);
  const kube::ObjectMeta& meta = experiment.meta;
  Json object = {{"apiVersion", "chaos.rbee.dev/v1alpha1"},
                 {"kind", "LoadTest"},
                 {"metadata",
                  {{"name", LoadName(meta.key.name, run)},
                   {"namespace", meta.key.ns},
                   {"labels",
                    {{protocol::kManagedByLabel, protocol::kManagedBy},
                     {protocol::kRunLabel, run},
                     {protocol::kExperimentUidLabel, meta.uid}}},
                   {"ownerReferences", Json::array({{{"apiVersion", "chaos.rbee.dev/v1alpha1"},
                                                     {"kind", "ChaosExperiment"},
                                                     {"name", meta.key.name},
                                                     {"uid", meta.uid},
                                                     {"controller", true}}})}}},
                 {"spec", std::move(spec)}};
  const Result<loadtest::LoadTest> test = loadtest::LoadTest::FromJson(object);
  if (!test) return test.error();
  if (const Result<loadtest::Workload> workload = loadtest::WorkOut(*test); !workload)
    return workload.error();
  return object;
}

bool IsOver(const loadtest::LoadTest& load) { return load.status.phase == "Finished"; }

bool Flows(const loadtest::LoadTest& load) {
  const loadtest::Status& status = load.status;
  return status.phase == "Running" && kube::IsTrue(status.conditions, "LiveData") &&
         status.progress && status.progress->requests > 0;
}

std::optional<Judgement> JudgeBaseline(const loadtest::LoadTest& load) {
  const loadtest::Status& status = load.status;
  if (IsOver(load)) {
    if (status.verdict == "Inconclusive")
      return Judgement{"Inconclusive", status.reason, Finding(load)};
    if (status.verdict == "Failed")
      return Judgement{"Inconclusive", "SteadyStateNotMet", Finding(load)};
    return Judgement{"Inconclusive", "NoData",
                     "the load was over before the fault; " + Finding(load)};
  }
  if (status.progress && status.progress->requests > 0 &&
      status.progress->errors == status.progress->requests) {
    return Judgement{"Inconclusive", "SteadyStateNotMet",
                     "not one of the load's " + std::to_string(status.progress->requests) +
                         " requests succeeded before the fault"};
  }
  for (const loadtest::ThresholdStatus& threshold : status.thresholds) {
    if (threshold.phase != "Before" || threshold.holds != "false") continue;
    return Judgement{"Inconclusive", "SteadyStateNotMet",
                     "load: " + threshold.metric + " " + threshold.expression + " was " +
                         threshold.observed + " before the fault"};
  }
  return std::nullopt;
}

Judgement WithLoad(const Judgement& judgement, const loadtest::LoadTest* load) {
  if (judgement.verdict != "Passed") return judgement;
  if (load == nullptr) {
    return {"Inconclusive", "NoData",
            "the load was deleted before it was over, so nothing says what it found"};
  }
  if (!IsOver(*load))
    return {"Inconclusive", "NoData", "load " + load->meta.key.name + " did not come to an end"};
  const loadtest::Status& status = load->status;
  if (status.verdict == "Passed") return judgement;
  if (status.verdict == "Failed") return {"Failed", "ThresholdBreached", Finding(*load)};
  const bool aborted = status.verdict != "Inconclusive" || status.reason.empty();
  return {"Inconclusive", aborted ? "NoData" : status.reason, Finding(*load)};
}

void TakeFrom(const loadtest::LoadTest& load, LoadStatus& status) {
  const loadtest::Status& said = load.status;
  status.phase = said.phase;
  status.verdict = said.verdict;
  status.reason = said.reason;
  status.report = said.report;
  status.errors = {Errors(said, "before"), Errors(said, "during"), Errors(said, "after")};
  const loadtest::PhaseStatus* all = PhaseOf(said, "all");
  const bool stream = all != nullptr && all->trends.contains("ttft");
  const char* trend = stream ? "ttft" : "httpReqDuration";
  status.p95 = {P95(said, "before", trend), P95(said, "during", trend), P95(said, "after", trend)};
  status.p95_of = status.p95 == ByPhase{} ? "" : stream ? "ttft" : "http_req_duration";
}

std::string LoadText(const LoadStatus& status) {
  std::string text = InWords(status.errors);
  if (!text.empty()) text = "errors " + text;
  const std::string p95 = InWords(status.p95);
  if (!p95.empty()) text += (text.empty() ? "" : "; ") + status.p95_of + " p95 " + p95;
  return text;
}

loadtest::Owner OwnerOf(const Experiment& experiment, const std::string& load) {
  const Status& status = experiment.status;
  loadtest::Owner owner;
  if (!status.load || status.load->name != load) {  // of a run that is over
    owner.stop_at = TimePoint{};
    return owner;
  }
  owner.stop_at = status.load->stop_at ? status.load->stop_at : status.finished_at;
  const FaultTime fault = FaultTimeOf(experiment.spec, status);
  owner.fault_from = fault.from;
  owner.fault_to = fault.to;
  return owner;
}

}  // namespace chaos::experiment
