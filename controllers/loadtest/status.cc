#include "controllers/loadtest/status.h"

#include "operator/base/time_text.h"

namespace chaos::loadtest {
namespace {

std::optional<TimePoint> TimeAt(const Json& json, const char* key) {
  if (Result<TimePoint> time = ParseTime(Text(json, {key}))) return *time;
  return std::nullopt;
}
milliseconds DurationAt(const Json& json, const char* key) {
  if (Result<milliseconds> duration = ParseDuration(Text(json, {key}))) return *duration;
  return milliseconds(0);
}
void Put(Json& json, const char* key, const std::string& value) {
  if (!value.empty()) json[key] = value;
}
void Put(Json& json, const char* key, const std::optional<TimePoint>& value) {
  if (value) json[key] = PrintTime(*value);
}

Json PrintPhase(const PhaseStatus& phase) {
  Json json = {{"requests", phase.requests}, {"errors", phase.errors}, {"tokens", phase.tokens}};
  if (phase.dropped > 0) json["droppedIterations"] = phase.dropped;
  Put(json, "errorRate", phase.error_rate);
  for (const auto& [name, trend] : phase.trends) {
    Json& item = json[name] = {{"samples", trend.n}};
    Put(item, "avg", trend.avg);
    Put(item, "p50", trend.p50);
    Put(item, "p95", trend.p95);
    Put(item, "p99", trend.p99);
  }
  if (!phase.endings.empty()) json["endings"] = phase.endings;
  return json;
}

PhaseStatus ReadPhase(const Json& json) {
  PhaseStatus phase{Integer(json, {"requests"}),
                    Integer(json, {"errors"}),
                    Integer(json, {"tokens"}),
                    Integer(json, {"droppedIterations"}),
                    Text(json, {"errorRate"}),
                    {},
                    {}};
  for (const auto& [key, item] : json.items()) {
    if (!item.is_object()) continue;
    if (key == "endings") {
      for (const auto& [ending, count] : item.items()) {
        if (count.is_number_integer()) phase.endings[ending] = count.get<std::int64_t>();
      }
      continue;
    }
    phase.trends[key] = {Integer(item, {"samples"}), Text(item, {"avg"}), Text(item, {"p50"}),
                         Text(item, {"p95"}), Text(item, {"p99"})};
  }
  return phase;
}

Json PrintResolved(const Resolved& r) {
  Json json = Json::object();
  if (r.seed) json["seed"] = *r.seed;
  Put(json, "url", r.url);
  Put(json, "protocol", r.protocol);
  Put(json, "image", r.image);
  if (r.pods > 0) json["pods"] = r.pods;
  if (r.max_vus > 0) json["maxVUs"] = r.max_vus;
  if (r.length.count() > 0) json["length"] = PrintDuration(r.length);
  return json;
}

Resolved ReadResolved(const Json& json) {
  Resolved r;
  if (const Json* seed = Find(json, {"seed"}); seed && seed->is_number_integer())
    r.seed = seed->get<std::int64_t>();
  r.url = Text(json, {"url"});
  r.protocol = Text(json, {"protocol"});
  r.image = Text(json, {"image"});
  r.pods = static_cast<int>(Integer(json, {"pods"}));
  r.max_vus = static_cast<int>(Integer(json, {"maxVUs"}));
  r.length = DurationAt(json, "length");
  return r;
}

Json PrintThreshold(const ThresholdStatus& t) {
  Json json = {{"metric", t.metric},
               {"expression", t.expression},
               {"holds", t.holds},
               {"samples", t.samples}};
  Put(json, "phase", t.phase);
  Put(json, "observed", t.observed);
  return json;
}

void ReadFigures(const Json& json, Status& s) {
  if (const Json& progress = ObjectAt(json, {"progress"}); !progress.empty()) {
    s.progress = Progress{
        DurationAt(progress, "elapsed"), static_cast<int>(Integer(progress, {"vus"})),
        Integer(progress, {"requests"}), Integer(progress, {"errors"}), Text(progress, {"rate"})};
  }
  s.coverage_pods = Text(json, {"coverage", "pods"});
  s.coverage_vu_time = Text(json, {"coverage", "vuTime"});
  s.coverage_missing = Texts(json, {"coverage", "missing"});
  for (const Json& item : ListAt(json, {"thresholds"})) {
    s.thresholds.push_back({Text(item, {"metric"}), Text(item, {"expression"}),
                            Text(item, {"phase"}), Text(item, {"holds"}, "unknown"),
                            Text(item, {"observed"}), Integer(item, {"samples"})});
  }
  for (const auto& [name, item] : ObjectAt(json, {"phases"}).items())
    s.phases[name] = ReadPhase(item);
  s.worst_lag = Text(json, {"generator", "worstLag"});
  s.throttled = Text(json, {"generator", "throttled"});
  s.error_samples = Texts(json, {"errorSamples"});
}

void PrintFigures(const Status& s, Json& json) {
  if (s.progress) {
    json["progress"] = {{"elapsed", PrintDuration(s.progress->elapsed)},
                        {"vus", s.progress->vus},
                        {"requests", s.progress->requests},
                        {"errors", s.progress->errors}};
    Put(json["progress"], "rate", s.progress->rate);
  }
  if (!s.coverage_pods.empty()) {
    json["coverage"] = {{"pods", s.coverage_pods}};
    Put(json["coverage"], "vuTime", s.coverage_vu_time);
    if (!s.coverage_missing.empty()) json["coverage"]["missing"] = s.coverage_missing;
  }
  for (const ThresholdStatus& t : s.thresholds) json["thresholds"].push_back(PrintThreshold(t));
  for (const auto& [name, phase] : s.phases) json["phases"][name] = PrintPhase(phase);
  if (!s.worst_lag.empty())
    json["generator"] = {{"worstLag", s.worst_lag}, {"throttled", s.throttled}};
  if (!s.error_samples.empty()) json["errorSamples"] = s.error_samples;
}

}  // namespace

Status Status::FromJson(const Json& json) {
  Status s;
  s.observed_generation = Integer(json, {"observedGeneration"}, -1);
  s.active_run = Text(json, {"activeRun"});
  s.phase = Text(json, {"phase"}, "Pending");
  s.verdict = Text(json, {"verdict"});
  s.reason = Text(json, {"reason"});
  s.summary = Text(json, {"summary"});
  s.eligible_at = TimeAt(json, "eligibleAt");
  s.started_at = TimeAt(json, "startedAt");
  s.ends_at = TimeAt(json, "endsAt");
  s.finished_at = TimeAt(json, "finishedAt");
  s.job = Text(json, {"job"});
  s.report = Text(json, {"report"});
  s.resolved = ReadResolved(ObjectAt(json, {"resolved"}));
  ReadFigures(json, s);
  if (const Json& stop = ObjectAt(json, {"stop"}); !stop.empty())
    s.stop = StopStatus{Text(stop, {"reason"}), Text(stop, {"by"}), TimeAt(stop, "at")};
  for (const Json& run : ListAt(json, {"runs"})) {
    s.runs.push_back({Text(run, {"specHash"}), Text(run, {"verdict"}), Text(run, {"reason"}),
                      TimeAt(run, "at")});
  }
  s.conditions = kube::ConditionsFromJson(ListAt(json, {"conditions"}));
  return s;
}

Json Status::ToJson() const {
  Json json = {{"observedGeneration", observed_generation}, {"phase", phase}};
  Put(json, "activeRun", active_run);
  Put(json, "verdict", verdict);
  Put(json, "reason", reason);
  Put(json, "summary", summary);
  Put(json, "eligibleAt", eligible_at);
  Put(json, "startedAt", started_at);
  Put(json, "endsAt", ends_at);
  Put(json, "finishedAt", finished_at);
  Put(json, "job", job);
  Put(json, "report", report);
  if (Json found = PrintResolved(resolved); !found.empty()) json["resolved"] = std::move(found);
  PrintFigures(*this, json);
  if (stop) {
    json["stop"] = {{"reason", stop->reason}, {"by", stop->by}};
    Put(json["stop"], "at", stop->at);
  }
  for (const RunRecord& run : runs) {
    Json item = {{"specHash", run.spec_hash}, {"verdict", run.verdict}};
    Put(item, "reason", run.reason);
    Put(item, "at", run.at);
    json["runs"].push_back(std::move(item));
  }
  if (!conditions.empty()) json["conditions"] = kube::ConditionsToJson(conditions);
  return json;
}

}  // namespace chaos::loadtest
