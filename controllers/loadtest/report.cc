#include "controllers/loadtest/report.h"

#include <algorithm>

#include "injectors/protocol/names.h"
#include "operator/base/gzip.h"
#include "operator/base/time_text.h"

namespace chaos::loadtest {
namespace {

using protocol::Cell;
using protocol::Ledger;
using protocol::Trend;

Json Millis(std::optional<double> value) { return value ? Json(*value) : Json(nullptr); }

// Points of `step` seconds: what ended in them.
Json Series(const Ledger& ledger, std::size_t most, bool expect_tokens) {
  const int last = ledger.by_end.empty() ? 0 : ledger.by_end.rbegin()->first;
  const int step =
      std::max<int>(1, static_cast<int>((static_cast<std::size_t>(last) + most) / most));
  Json points = Json::array();
  for (auto it = ledger.by_end.begin(); it != ledger.by_end.end();) {
    const int begin = it->first / step * step;
    Cell cell;
    for (; it != ledger.by_end.end() && it->first < begin + step; ++it) cell.Add(it->second);
    const auto& ttft = cell.Of(Trend::kTtft);
    const auto& http = cell.Of(Trend::kHttpReqDuration);
    points.push_back({begin, cell.Judged(), cell.Errors(expect_tokens), cell.tokens,
                      Millis(http.Percentile(50)), Millis(http.Percentile(95)),
                      Millis(ttft.Percentile(50)), Millis(ttft.Percentile(95)), cell.dropped});
  }
  return {{"step", step},
          {"columns",
           {"second", "requests", "errors", "tokens", "httpReqDurationP50", "httpReqDurationP95",
            "ttftP50", "ttftP95", "dropped"}},
          {"points", std::move(points)}};
}

Json Percentiles(const Cell& cell) {
  Json all = Json::object();
  for (std::size_t i = 0; i < protocol::kTrends; ++i) {
    const protocol::TrendCount& trend = cell.trends[i];
    if (trend.n == 0) continue;
    Json& item = all[std::string(Name(static_cast<Trend>(i)))] = {{"samples", trend.n},
                                                                  {"avg", Millis(trend.Average())}};
    for (const double p : {0.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 100.0})
      item[Json(p).dump()] = Millis(trend.Percentile(p));
  }
  return all;
}

Json Pods(const protocol::LoadLog& log) {
  Json pods = Json::array();
  for (const auto& [index, pod] : log.pods()) {
    Json item = {{"pod", index},
                 {"lines", pod.last_seq},
                 {"gap", pod.gap},
                 {"elapsedMs", pod.elapsed_ms},
                 {"vuMs", pod.vu_ms},
                 {"ended", pod.ended_why},
                 {"worstLagUs", pod.worst_lag_us},
                 {"throttledMs", pod.throttled_ms}};
    if (!pod.failed.empty()) item["failed"] = pod.failed + ": " + pod.message;
    pods.push_back(std::move(item));
  }
  return pods;
}

Json Content(const LoadTest& test, const Workload* workload, const protocol::LoadLog& log,
             const std::optional<Owner>& owner, std::size_t points) {
  const Ledger ledger = log.Total();
  Json json = {{"status", test.status.ToJson()},
               {"generation", test.meta.generation},
               {"pods", Pods(log)},
               {"errorSamples", log.error_samples()},
               {"series", Series(ledger, points, test.spec.request.expect_tokens)}};
  json["status"].erase("conditions");
  json["status"].erase("runs");
  std::int64_t heard = 0;
  for (const auto& [second, cell] : ledger.by_end) heard += cell.Judged();
  const auto all = test.status.phases.find("all");
  // A later operator may find less in the logs than the one that judged.
  json["complete"] = all == test.status.phases.end() || all->second.requests == heard;
  if (workload != nullptr && test.status.started_at) {
    const Measured m = Measure(*workload, log, owner, *test.status.started_at,
                               *test.status.started_at + workload->length);
    json["trends"]["all"] = Percentiles(m.phases.all);
    if (m.fault_known) {
      json["fault"] = {{"fromMs", m.fault_from.count()}, {"toMs", m.fault_to.count()}};
      json["trends"]["before"] = Percentiles(m.phases.before);
      json["trends"]["during"] = Percentiles(m.phases.during);
      json["trends"]["after"] = Percentiles(m.phases.after);
    }
  }
  return json;
}

}  // namespace

std::string ReportName(const LoadTest& test, const std::string& run) {
  return test.meta.key.name.substr(0, 200) + "-" + run;
}

Json Report(const LoadTest& test, const std::string& run, const Workload* workload,
            const protocol::LoadLog& log, const std::optional<Owner>& owner) {
  std::string data;
  for (std::size_t points = kMostPoints; points >= 1; points /= 2) {
    data = Base64(Gzip(PrintJson(Content(test, workload, log, owner, points))));
    if (data.size() <= kMostReportBytes) break;
  }
  const kube::ObjectMeta& meta = test.meta;
  const std::string of = meta.key.name.size() <= 63 ? meta.key.name : meta.uid;
  Json spec = {
      {"of", {{"kind", "LoadTest"}, {"name", meta.key.name}, {"uid", meta.uid}, {"run", run}}},
      {"verdict", test.status.verdict},
      {"at", PrintTime(*test.status.finished_at)},
      {"format", 1},
      {"encoding", "gzip+base64"},
      {"data", std::move(data)}};
  if (!test.status.reason.empty()) spec["reason"] = test.status.reason;
  return {{"apiVersion", "chaos.rbee.dev/v1alpha1"},
          {"kind", "ChaosReport"},
          {"metadata",
           {{"name", ReportName(test, run)},
            {"namespace", meta.key.ns},
            {"labels",
             {{std::string(protocol::kManagedByLabel), protocol::kManagedBy},
              {std::string(protocol::kRunLabel), run},
              {"chaos.rbee.dev/of", of}}}}},
          {"spec", std::move(spec)}};
}

}  // namespace chaos::loadtest
