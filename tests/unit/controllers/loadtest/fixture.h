// A load of two pods on paper: what the world shows, and what the pods say.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "controllers/loadtest/plan.h"
#include "injectors/protocol/names.h"
#include "operator/base/time_text.h"

namespace chaos::loadtest {

inline TimePoint T(double seconds_after) {
  return TimePoint(std::chrono::sys_days(std::chrono::year(2026) / 11 / 24)) +
         std::chrono::round<microseconds>(std::chrono::duration<double>(seconds_after));
}

inline Json SpecJson() {
  return Json::parse(R"({
    "target": {"component": "queen"},
    "executor": {"type": "constant-vus", "vus": 4, "duration": "60s", "gracefulStop": "5s"},
    "scale": "100%", "timeScale": 1,
    "request": {"model": "m", "prompts": {"inline": ["2+2="]}, "maxTokens": 8, "timeout": "30s", "connectTimeout": "5s"},
    "thresholds": [{"metric": "errors", "expression": "rate<0.1"}],
    "pods": 2, "run": 1, "suspend": false, "startingDeadline": "10m"})");
}

inline LoadTest MakeTest(const Json& spec = SpecJson(), bool owned = false) {
  Json object = {{"metadata",
                  {{"name", "lt"},
                   {"namespace", "rbee"},
                   {"uid", "uid-lt"},
                   {"generation", 1},
                   {"resourceVersion", "7"},
                   {"creationTimestamp", PrintTime(T(0), 0)}}},
                 {"spec", spec},
                 {"status", {{"observedGeneration", -1}, {"phase", "Pending"}}}};
  if (owned)
    object["metadata"]["ownerReferences"] = Json::array({{{"apiVersion", "chaos.rbee.dev/v1alpha1"},
                                                          {"kind", "ChaosExperiment"},
                                                          {"name", "cx"},
                                                          {"uid", "uid-cx"}}});
  return *LoadTest::FromJson(object);
}

inline Profile MakeProfile() {
  return {"rbee", {{"queen", {Labels{{"app.kubernetes.io/component", "queen"}}, 7833, "rbee"}}}};
}

// The world around one load test, held by value so that a test can change any of it.
struct World {
  Settings settings{.load_image = "load:1", .operator_namespace = "rbee-chaos-system"};
  Namespace ns;
  std::optional<Stop> stop;
  protocol::LoadLog log;
  std::vector<std::shared_ptr<Pod>> pods;
  Observed seen;

  World() {
    ns.meta.key = {"", "rbee"};
    ns.meta.labels = {{std::string(protocol::kMaxTierLabel), "ApiOnly"}};
    seen.pods_synced = true;
    seen.services = std::vector<Service>{
        {"queen", {"10.211.0.33"}, {{"app.kubernetes.io/component", "queen"}}, {7833}}};
    seen.profile = MakeProfile();
  }
  Observed& Look() {
    seen.settings = &settings;
    seen.ns = std::make_shared<Namespace>(ns);
    seen.stop = stop ? std::make_shared<Stop>(*stop) : nullptr;
    seen.log = &log;
    seen.pods.assign(pods.begin(), pods.end());
    return seen;
  }
  std::shared_ptr<Pod> AddPod(const std::string& run, int index) {
    auto pod = std::make_shared<Pod>();
    pod->meta.key = {"rbee", "rbc-" + run + "-load-" + std::to_string(index)};
    pod->meta.uid = "uid-pod-" + std::to_string(index);
    pod->meta.labels = {{std::string(protocol::kManagedByLabel), std::string(protocol::kManagedBy)},
                        {std::string(protocol::kRunLabel), run},
                        {"batch.kubernetes.io/job-completion-index", std::to_string(index)}};
    pod->phase = "Running";
    pod->containers = {std::string(protocol::kLoadContainer)};
    pod->states = {
        {std::string(protocol::kLoadContainer), ContainerState::Kind::kRunning, "", "", 0, {}, {}}};
    pods.push_back(pod);
    return pod;
  }
  // One line of a pod: so many requests that ended well and badly in the second `elapsed`.
  void Line(int pod, double elapsed, int ok, int bad, const std::string& event = "load",
            const std::string& reason = "") {
    protocol::LoadLine line;
    line.seq = ++seq[pod];
    line.pod = pod;
    line.at = T(elapsed);
    line.event = event;
    line.reason = reason;
    line.elapsed_ms = static_cast<std::int64_t>(elapsed * 1000);
    line.vus = 2;
    line.vu_ms = 2 * line.elapsed_ms;
    const int second = std::max(0, static_cast<int>(elapsed) - 1);
    for (auto* side : {&line.ledger.by_start, &line.ledger.by_end}) {
      if (ok + bad == 0) break;
      protocol::Cell& cell = (*side)[second];
      cell.Of(protocol::Ending::kOk) = ok;
      cell.Of(protocol::Ending::kConnectError) = bad;
      cell.http_reqs = ok + bad;
      for (int i = 0; i < ok; ++i) cell.Of(protocol::Trend::kTtft).Record(20'000, {});
    }
    log.Add(line);
  }
  std::map<int, std::int64_t> seq;
};

}  // namespace chaos::loadtest
