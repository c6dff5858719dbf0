// A small rbee on paper: a queen, a hive and three workers, and an experiment that cuts queen from
// hive.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "controllers/chaosexperiment/plan.h"
#include "injectors/protocol/names.h"
#include "operator/base/time_text.h"

namespace chaos::experiment {

inline TimePoint T(double seconds_after) {
  return TimePoint(std::chrono::sys_days(std::chrono::year(2026) / 11 / 24)) +
         std::chrono::round<microseconds>(std::chrono::duration<double>(seconds_after));
}

inline Json SpecJson() {
  return Json::parse(R"({
    "description": "Queen loses its hive",
    "target": {"component": "queen", "mode": "One"},
    "fault": {"partition": {"peers": [{"component": "hive"}], "direction": "Both", "existing": "Drop"}},
    "duration": "30s", "baseline": "20s",
    "probes": [
      {"name": "queen-answers", "interval": "1s", "during": ["Before", "After"],
       "inference": {"component": "queen", "model": "m", "prompt": "2+2=", "maxTokens": 16}},
      {"name": "hive-online", "interval": "1s", "during": ["Before", "After"],
       "sse": {"component": "queen", "path": "/v1/heartbeats/stream", "jsonPointer": "/hives_online", "atLeast": 1}}],
    "detect": {"probe": "hive-online", "within": "30s"},
    "recovery": {"within": "60s", "stableFor": "5s"},
    "safety": {"maxTargets": 1, "maxPrivilege": "PodCapabilities"},
    "run": 1, "suspend": false, "startingDeadline": "10m"})");
}

inline Experiment MakeExperiment(const Json& spec = SpecJson(),
                                 const Json& status = {{"observedGeneration", -1},
                                                       {"phase", "Pending"}}) {
  const Json object = {{"metadata",
                        {{"name", "nf-001"},
                         {"namespace", "rbee"},
                         {"uid", "uid-cx"},
                         {"generation", 1},
                         {"resourceVersion", "7"},
                         {"creationTimestamp", PrintTime(T(0), 0)}}},
                       {"spec", spec},
                       {"status", status}};
  return *Experiment::FromJson(object);
}

inline std::shared_ptr<Pod> MakePod(const std::string& name, const std::string& component,
                                    const std::string& ip, std::uint16_t port) {
  auto pod = std::make_shared<Pod>();
  pod->meta.key = {"rbee", name};
  pod->meta.uid = "uid-" + name;
  pod->meta.labels = {{"app.kubernetes.io/part-of", "rbee"},
                      {"app.kubernetes.io/component", component}};
  pod->phase = "Running";
  pod->ready = true;
  pod->pod_ip = ip;
  pod->pod_ips = {ip};
  pod->host_ip = "10.210.0.1";
  pod->node = "node1";
  pod->containers = {component};
  pod->users[component] = {1000, 1000};
  ContainerState state;
  state.name = component;
  state.kind = ContainerState::Kind::kRunning;
  state.started = T(-3600);
  pod->states = {state};
  pod->tcp_ports = {port};
  return pod;
}

inline Profile MakeProfile() {
  const auto labels = [](const char* component) {
    return Labels{{"app.kubernetes.io/part-of", "rbee"},
                  {"app.kubernetes.io/component", component}};
  };
  return {"rbee",
          {{"queen", {labels("queen"), 7833, "rbee"}},
           {"hive", {labels("hive"), 7835, "rbee"}},
           {"worker", {labels("worker"), 8080, "rbee"}}}};
}

inline std::vector<Service> MakeServices() {
  const auto service = [](const char* component, const char* ip, std::uint16_t port) {
    return Service{
        component,
        {ip},
        {{"app.kubernetes.io/part-of", "rbee"}, {"app.kubernetes.io/component", component}},
        {port}};
  };
  return {service("queen", "10.211.0.33", 7833), service("hive", "10.211.0.35", 7835)};
}

// The world around one experiment, held by value so that a test can change any of it.
struct World {
  Limits limits{.operator_namespace = "rbee-chaos-system"};
  Settings settings{"injector:1", "load:1", seconds(60), {"API server", "10.211.0.1", 443}};
  Namespace ns;
  std::optional<Stop> stop;
  SampleLog samples;
  std::shared_ptr<Pod> queen = MakePod("queen-0", "queen", "10.212.0.2", 7833);
  std::shared_ptr<Pod> hive = MakePod("hive-0", "hive", "10.212.0.3", 7835);
  std::vector<std::shared_ptr<Pod>> workers = {MakePod("worker-0", "worker", "10.212.0.4", 8080),
                                               MakePod("worker-1", "worker", "10.212.0.5", 8080)};
  std::shared_ptr<Pod> probe_pod;
  Observed seen;

  World() {
    ns.meta.key = {"", "rbee"};
    ns.meta.labels = {{std::string(protocol::kMaxTierLabel), "PodCapabilities"}};
    seen.pods_synced = true;
    seen.services = MakeServices();
    seen.profile = MakeProfile();
    seen.nonces = {"00112233445566778899aabbccddeeff"};
  }
  Observed& Look() {
    seen.limits = &limits;
    seen.settings = &settings;
    seen.ns = std::make_shared<Namespace>(ns);
    seen.stop = stop ? std::make_shared<Stop>(*stop) : nullptr;
    seen.samples = &samples;
    seen.pods.clear();
    if (queen) seen.pods.push_back(queen);
    if (hive) seen.pods.push_back(hive);
    for (const auto& worker : workers) seen.pods.push_back(worker);
    if (probe_pod) seen.pods.push_back(probe_pod);
    return seen;
  }
  Pod* Find(const std::string& name) {
    std::vector<std::shared_ptr<Pod>> all = workers;
    all.insert(all.end(), {queen, hive});
    for (const auto& pod : all) {
      if (pod && pod->meta.key.name == name) return pod.get();
    }
    return nullptr;
  }
  std::int64_t seq = 0;
  void Line(const std::string& event, TimePoint at, const std::string& probe = "", bool ok = true,
            const std::string& message = "") {
    protocol::Event line;
    line.seq = ++seq;
    line.at = at;
    line.event = event;
    line.probe = probe;
    line.ok = ok;
    line.message = message;
    samples.Add(line);
  }
  // One good sample of both probes each second in [from, to).
  void Good(double from, double to) {
    for (double t = from; t < to; t += 1) {
      Line("sample", T(t), "queen-answers");
      Line("sample", T(t), "hive-online");
    }
  }
};

}  // namespace chaos::experiment
