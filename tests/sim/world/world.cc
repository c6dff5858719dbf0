#include "tests/sim/world/world.h"

#include <algorithm>

#include "injectors/protocol/names.h"
#include "operator/base/time_text.h"
#include "tests/sim/api/crds.h"
#include "tests/sim/api/replies.h"

namespace chaos::sim {
namespace {

constexpr const char* kNamespace = "rbee";
constexpr const char* kSystem = "rbee-chaos-system";
constexpr const char* kReferred = "lt-shared";  // suspended: experiments copy it
constexpr const char* kProfile = R"({"components": {
  "queen":  {"labels": {"app.kubernetes.io/part-of": "rbee", "app.kubernetes.io/component": "queen"},  "port": 7833, "protocol": "rbee"},
  "hive":   {"labels": {"app.kubernetes.io/part-of": "rbee", "app.kubernetes.io/component": "hive"},   "port": 7835, "protocol": "rbee"},
  "worker": {"labels": {"app.kubernetes.io/part-of": "rbee", "app.kubernetes.io/component": "worker"}, "port": 8080, "protocol": "rbee"}}})";

std::FILE* trace = nullptr;

Json ServiceFor(const std::string& component, const std::string& ip, int port) {
  return {{"metadata", {{"name", component}}},
          {"spec",
           {{"clusterIP", ip},
            {"clusterIPs", Json::array({ip})},
            {"selector",
             {{"app.kubernetes.io/component", component}, {"app.kubernetes.io/part-of", "rbee"}}},
            {"ports", Json::array({{{"port", port}, {"protocol", "TCP"}}})}}}};
}

kube::Response Denied(const Target& target, const std::string& policy, const std::string& why) {
  return StatusReply(422, "Invalid",
                     GroupPlural(*target.resource) + " \"" + target.key.name +
                         "\" is forbidden: ValidatingAdmissionPolicy '" + policy +
                         "' with binding '" + policy + "' denied request: " + why);
}

std::string KindOf(const kube::Request& request) {
  const std::optional<Target> target = ParseTarget(request.target);
  if (!target) return request.target;
  std::string kind(kube::Name(request.method));
  if (target->Asked("watch") || target->Asked("follow")) kind += " (stream)";
  if (target->Query("dryRun") == "All") kind += " (dry run)";
  kind += " " + std::string(target->resource->type.plural);
  return target->subresource.empty() ? kind : kind + "/" + target->subresource;
}

std::string Seconds(int count) { return std::to_string(count) + "s"; }

std::string NameOf(protocol::When when) {
  switch (when) {
    case protocol::When::kDuringInference:
      return "DuringInference";
    case protocol::When::kDuringRegistration:
      return "DuringRegistration";
    case protocol::When::kRandomWithin:
      break;
  }
  return "RandomWithin";
}

Json FaultOf(const ProcessFault& fault) {
  Json process;
  switch (fault.action) {
    case protocol::ProcessAction::kKill:
      process = {{"action", "Kill"}};
      break;
    case protocol::ProcessAction::kExit:
      process = {{"action", "Exit"}, {"exitCode", fault.exit_code}};
      break;
    case protocol::ProcessAction::kTerminate:
      process = {{"action", "Terminate"}, {"grace", Seconds(fault.grace_s)}};
      break;
    case protocol::ProcessAction::kHang:
      process = {{"action", "Hang"}, {"dutyCycle", std::to_string(fault.duty_cycle) + "%"}};
      break;
  }
  if (fault.child) process["process"] = {{"match", "llama-runner"}};
  return process;
}

}  // namespace

void World::TraceTo(std::FILE* file) { trace = file; }

World::World(Scenario scenario, std::optional<CrashPlan> crash)
    : scenario_(std::move(scenario)),
      crash_(crash),
      random_(scenario_.seed),
      api_(timeline_),
      network_(timeline_) {
  rbee_ = std::make_unique<SimRbee>(network_, timeline_, scenario_.rbee);
  kubelet_ = std::make_unique<SimKubelet>(api_, timeline_, network_, *rbee_, Random(random_.Next()),
                                          scenario_.kubelet);
  invariants_ = std::make_unique<Invariants>(api_, network_, *kubelet_, timeline_,
                                             [this] { return OperatorsSee(); });
  load_invariants_ = std::make_unique<LoadInvariants>(
      api_, kubelet_->loads(), timeline_,
      [this](const std::string& what) { invariants_->Broken(what); });
  jobs_ = std::make_unique<SimJobController>(api_, timeline_, Random(scenario_.seed ^ 0x10AD),
                                             scenario_.pod_quota);
  network_.SetMood(scenario_.kernel);
  kubelet_->processes().SetMood(scenario_.kernel);
  network_.OnChange([this] { rbee_->Look(); });
  timeline_.Observe([this] { invariants_->Look(); });
  InstallCrds(api_.server);
  BuildPolicies();
  BuildCluster();
  RunFor(seconds(5));
  for (int i = 0; i < scenario_.replicas; ++i) {
    replicas_.emplace_back();
    Start(static_cast<std::size_t>(i));
  }
  RunFor(seconds(1));
  if (scenario_.owns == Owns::kRef) CreateReferredLoad();
  for (int i = 0; i < scenario_.experiments; ++i) CreateExperiment(i);
  for (std::size_t i = 0; i < scenario_.loads.size(); ++i) CreateLoad(static_cast<int>(i));
  for (const Event& event : scenario_.events) {
    last_event_ = std::max(last_event_, timeline_.Now() + event.at);
    timeline_.After(event.at, [this, deed = event.deed] {
      if (!healed_) Do(deed);
    });
  }
}

World::~World() {
  closing_ = true;
  for (auto& replica : replicas_) {
    if (!replica) continue;
    replica->Kill();
    replica->Bury();
  }
}

// The fence as far as it matters here: our own images only, and only into pods by our own names.
void World::BuildPolicies() {
  api_.server.AddRule([this](const Attempt& attempt) -> std::optional<kube::Response> {
    const bool pods = attempt.target.resource->type.plural == "pods";
    const bool experiments = attempt.target.resource->type.plural == "chaosexperiments";
    if (experiments && attempt.user == "operator" && attempt.before == nullptr)
      return Denied(attempt.target, "chaos-author", "the operator may not use this tier here");
    const bool jobs = attempt.target.resource->type.plural == "jobs";
    if (jobs && attempt.user == "operator" && attempt.before == nullptr) {
      const Json& one = (*attempt.after)["spec"]["template"]["spec"]["containers"][0];
      if (Text(one, {"image"}) != "chaos-load:1")
        return Denied(attempt.target, "chaos-fence-job",
                      "fence: image not allowed: " + Text(one, {"image"}));
    }
    if (!pods || attempt.user != "operator" || attempt.after == nullptr) return std::nullopt;
    if (attempt.target.subresource == "ephemeralcontainers") {
      const Json* list = Find(*attempt.after, {"spec", "ephemeralContainers"});
      const Json* added = list != nullptr && !list->empty() ? &list->front() : nullptr;
      if (added != nullptr && Text(*added, {"image"}) != "chaos-injector:1")
        return Denied(attempt.target, "chaos-fence-sidecar",
                      "fence: image not allowed: " + Text(*added, {"image"}));
      if (scenario_.refuse_sidecars && added != nullptr && !healed_)
        return Denied(attempt.target, "no-debugging", "ephemeral containers are not allowed here");
      return std::nullopt;
    }
    for (const Json& one : (*attempt.after)["spec"]["containers"]) {
      if (attempt.before == nullptr && Text(one, {"image"}) != "chaos-load:1")
        return Denied(attempt.target, "chaos-fence-pod",
                      "fence: image not allowed: " + Text(one, {"image"}));
    }
    return std::nullopt;
  });
}

void World::BuildCluster() {
  kubelet_->AddNode("node-a", scenario_.node_clock);
  if (scenario_.node_clock != nanoseconds(0)) kubelet_->AddNode("node-b", nanoseconds(0));
  network_.AddHost("10.3.0.1");
  network_.AddHost("10.3.0.10");
  network_.AddHost("10.3.0.11");
  ApiServer& server = api_.server;
  server.Create(kube::kNamespaces, "", {{"metadata", {{"name", kSystem}}}});
  server.Create(kube::kNamespaces, "",
                {{"metadata",
                  {{"name", kNamespace},
                   {"labels", {{std::string(protocol::kMaxTierLabel), "ProcessTamper"}}}}}});
  server.Create(
      kube::kConfigMaps, kSystem,
      {{"metadata", {{"name", "chaos-profile-rbee"}}}, {"data", {{"profile.json", kProfile}}}});
  server.Create(kube::kServices, kNamespace, ServiceFor("queen", "10.3.0.10", 7833));
  server.Create(kube::kServices, kNamespace, ServiceFor("hive", "10.3.0.11", 7835));
  kubelet_->OnRunning([this](const Json& pod) {
    const std::string component = Text(pod, {"metadata", "labels", "app.kubernetes.io/component"});
    if (component == "queen") {
      queen_uid_ = Text(pod, {"metadata", "uid"});
      rbee_->SetQueen(queen_uid_);
    }
    if (component == "worker" && scenario_.process)
      rbee_->AddWorker(Text(pod, {"metadata", "uid"}));
    if (component == "hive") rbee_->SetHive(Text(pod, {"status", "podIP"}));
  });
  for (const auto& [component, port] :
       {std::pair{"queen", 7833}, {"hive", 7835}, {"worker", 8080}}) {
    const bool many = scenario_.process && std::string_view(component) == "worker";
    auto& deployment = deployments_[component];
    deployment = std::make_unique<SimDeployment>(api_, timeline_, kNamespace, component, port,
                                                 scenario_.stable_names);
    deployment->Scale(many ? scenario_.workers : 1);
  }
}

void World::Start(std::size_t index) {
  Replica::Options options;
  options.identity = "operator-" + std::to_string(index) + "-" + std::to_string(processes_);
  options.seed = random_.Next();
  if (processes_++ == 0) options.crash = crash_;
  if (!healed_) options.crash_per_hundred_thousand = scenario_.crash_per_hundred_thousand;
  options.note = [this, first = processes_ == 1](const CallNote& note) {
    if (first) call_kinds_.push_back(KindOf(note.request));
    Note(note);
  };
  options.on_death = [this, index] { Died(index); };
  replicas_[index] =
      std::make_unique<Replica>(api_, timeline_, scenario_.faults, std::move(options));
}

void World::Died(std::size_t index) {
  if (closing_) return;
  ++deaths_;
  timeline_.After(microseconds(1), [this, index] {
    if (replicas_[index]->stopping()) return Died(index);
    replicas_[index]->Bury();
    replicas_[index].reset();
    timeline_.After(milliseconds(500 + random_.Below(3000)), [this, index] { Start(index); });
  });
}

Json World::Manifest(int number) const {
  const Scenario& s = scenario_;
  Json answers{
      {"name", "queen-answers"},
      {"inference", {{"component", "queen"}, {"model", "tinyllama-q4"}, {"prompt", "2+2="}}},
      {"during", {"Before", "After"}}};
  Json online{{"name", "hive-online"},
              {"sse",
               {{"component", "queen"},
                {"path", "/v1/heartbeats/stream"},
                {"match", {{"pointer", "/type"}, {"equals", "queen"}}},
                {"jsonPointer", "/hives_online"},
                {"atLeast", 1},
                {"maxSilence", "6s"}}},
              {"during", {"Before", "After"}}};
  if (s.process) return ProcessManifest(number, std::move(answers));
  return {{"metadata", {{"name", "nf-001-" + std::to_string(number)}}},
          {"spec",
           {{"target", {{"component", "queen"}}},
            {"fault", {{"partition", {{"peers", Json::array({{{"component", "hive"}}})}}}}},
            {"duration", Seconds(s.duration_s)},
            {"baseline", Seconds(s.baseline_s)},
            {"probes", {std::move(answers), std::move(online)}},
            {"detect", {{"probe", "hive-online"}, {"within", Seconds(s.detect_s)}}},
            {"recovery", {{"within", Seconds(s.within_s)}, {"stableFor", Seconds(s.stable_s)}}},
            {"safety", {{"maxTargets", 1}, {"maxPrivilege", "PodCapabilities"}}}}}};
}

Json World::ProcessManifest(int number, Json answers) const {
  const Scenario& s = scenario_;
  const ProcessFault& fault = *s.process;
  Json probes = Json::array({std::move(answers)});
  if (s.asks_pods)
    probes.push_back({{"name", "workers"},
                      {"pods", {{"component", "worker"}, {"ready", {{"atLeast", s.workers}}}}},
                      {"during", {"Before", "After"}}});
  Json target{{"component", "worker"}};
  if (fault.half) target.update({{"mode", "Percent"}, {"value", "50%"}});
  const bool exits = fault.action == protocol::ProcessAction::kExit;
  Json spec{{"target", std::move(target)},
            {"fault", {{"process", FaultOf(fault)}}},
            {"baseline", Seconds(s.baseline_s)},
            {"probes", std::move(probes)},
            {"recovery", {{"within", Seconds(s.within_s)}, {"stableFor", Seconds(s.stable_s)}}},
            {"safety",
             {{"maxTargets", fault.half ? 2 : 1},
              {"maxPrivilege", exits ? "ProcessTamper" : "NoCapabilities"}}}};
  if (fault.Lasts()) spec["duration"] = Seconds(s.duration_s);
  if (!fault.ForNewPods())  // nobody need notice that one
    spec["detect"] = {{"probe", "queen-answers"}, {"within", Seconds(s.detect_s)}};
  if (fault.ForNewPods()) spec["newPods"] = "Inject";
  if (fault.when)
    spec["trigger"] = {{"when", NameOf(*fault.when)},
                       {"within", Seconds(static_cast<int>(fault.within.count()))}};
  return {{"metadata", {{"name", "nf-001-" + std::to_string(number)}}}, {"spec", std::move(spec)}};
}

std::vector<FaultSpan> World::faults_on() const {
  std::vector<FaultSpan> all = network_.faults();
  const std::vector<FaultSpan>& processes = kubelet_->processes().faults();
  all.insert(all.end(), processes.begin(), processes.end());
  return all;
}

std::string World::TargetUid() const {
  if (!scenario_.process) return queen_uid_;
  const VersionPtr found = const_cast<SimApi&>(api_).server.store().Find(
      *FindResource(kube::kExperiments), {kNamespace, names_.front()});
  if (!found) return "";
  const Json* targets = Find(found->object, {"status", "targets"});
  return targets && !targets->empty() ? Text(targets->front(), {"uid"}) : "";
}

void World::CreateExperiment(int number) {
  Json manifest = Manifest(number);
  if (scenario_.owns == Owns::kRun) {
    manifest["spec"]["load"]["run"] = {
        {"target", {{"component", "queen"}}},
        {"vus", scenario_.owned_vus},
        {"request", {{"model", "tinyllama-q4"}, {"prompts", {{"inline", Json::array({"2+2="})}}}}}};
  }
  if (scenario_.owns == Owns::kRef) manifest["spec"]["load"]["ref"] = kReferred;
  names_.push_back(Text(manifest, {"metadata", "name"}));
  api_.server.Create(kube::kExperiments, kNamespace, manifest);
}

void World::CreateLoad(int number) {
  const SimLoad& load = scenario_.loads[static_cast<std::size_t>(number)];
  load_names_.push_back("lt-" + std::to_string(number));
  api_.server.Create(
      kube::kLoadTests, kNamespace,
      LoadManifest(load_names_.back(), load.pods, load.vus, load.seconds, load.abort_on_fail));
}

// Longer than any experiment: it is told when it may end.
void World::CreateReferredLoad() {
  Json load = LoadManifest(kReferred, 2, std::max(2, scenario_.owned_vus), 900, false);
  load["spec"]["suspend"] = true;
  api_.server.Create(kube::kLoadTests, kNamespace, std::move(load));
}

bool World::OperatorsSee() const {
  const Faults& faults = scenario_.faults;
  const auto never = [&](CallFault fault) {
    return faults.call_counts[static_cast<std::size_t>(fault)] == 0;
  };
  return never(CallFault::kLate) && never(CallFault::kStaleList) &&
         !deeds_.contains(Deed::kFreezeOperator) &&
         std::all_of(faults.stream_counts.begin() + 1, faults.stream_counts.end(),
                     [](std::uint64_t count) { return count == 0; });
}

void World::Heal() {
  healed_ = true;
  scenario_.faults.Heal();
}

World::Outcome World::OutcomeOf(const std::string& name) const {
  const VersionPtr found = const_cast<SimApi&>(api_).server.store().Find(
      *FindResource(kube::kExperiments), {kNamespace, name});
  if (!found) return {};
  const Json& object = found->object;
  return {true, Text(object, {"status", "phase"}), Text(object, {"status", "verdict"}),
          Text(object, {"status", "reason"}), Text(object, {"status", "summary"})};
}

std::vector<std::string> World::ServicesOfRuns() const {
  std::vector<std::string> names;
  const Objects& all = const_cast<SimApi&>(api_).server.store().All(*FindResource(kube::kServices));
  for (const auto& [key, service] : all) {
    if (protocol::IsOurContainer(key.name)) names.push_back(key.name);
  }
  return names;
}

std::string World::AddressOf(const std::string& component) const {
  std::string address;
  const Objects& all = const_cast<SimApi&>(api_).server.store().All(*FindResource(kube::kPods));
  for (const auto& [key, pod] : all) {
    if (Text(pod->object, {"metadata", "labels", "app.kubernetes.io/component"}) == component &&
        !Find(pod->object, {"metadata", "deletionTimestamp"}))
      address = Text(pod->object, {"status", "podIP"});
  }
  return address;
}

Json World::StatusOf(const std::string& experiment) const {
  const VersionPtr found = const_cast<SimApi&>(api_).server.store().Find(
      *FindResource(kube::kExperiments), {kNamespace, experiment});
  return found ? ObjectAt(found->object, {"status"}) : Json();
}

Json World::StatusOfLoad(const std::string& name) const {
  const VersionPtr found = const_cast<SimApi&>(api_).server.store().Find(
      *FindResource(kube::kLoadTests), {kNamespace, name});
  return found ? ObjectAt(found->object, {"status"}) : Json();
}

World::Outcome World::OutcomeOfLoad(const std::string& name) const {
  const Json status = StatusOfLoad(name);
  if (status.is_null()) return {};
  return {true, Text(status, {"phase"}), Text(status, {"verdict"}), Text(status, {"reason"}),
          Text(status, {"summary"})};
}

bool World::AtRest() const {
  if (!healed_ && timeline_.Now() <= last_event_) return false;
  const Objects& all =
      const_cast<SimApi&>(api_).server.store().All(*FindResource(kube::kExperiments));
  const Objects& loads =
      const_cast<SimApi&>(api_).server.store().All(*FindResource(kube::kLoadTests));
  const bool loads_rest = std::all_of(loads.begin(), loads.end(), [](const auto& entry) {
    const Json* suspended = Find(entry.second->object, {"spec", "suspend"});
    if (suspended != nullptr && suspended->get<bool>()) return true;
    return Text(entry.second->object, {"status", "phase"}) == "Finished" &&
           Text(entry.second->object, {"status", "activeRun"}).empty();
  });
  return loads_rest && std::all_of(all.begin(), all.end(), [](const auto& entry) {
           const Json& object = entry.second->object;
           return Text(object, {"status", "phase"}) == "Finished" &&
                  Text(object, {"status", "activeRun"}).empty() &&
                  Texts(object, {"metadata", "finalizers"}).empty() &&
                  Text(object, {"status", "resolved", "probePod"}).empty() &&
                  Find(object, {"status", "resolved", "peerServices"}) == nullptr &&
                  Integer(object, {"status", "observedGeneration"}) ==
                      Integer(object, {"metadata", "generation"});
         });
}

bool World::RunToRest(nanoseconds limit) {
  const nanoseconds until = timeline_.Now() + limit;
  while (!AtRest()) {
    if (!invariants_->broken().empty() || timeline_.Now() >= until) return false;
    // Looking is not free: a second at a time.
    timeline_.RunUntil(std::min(until, timeline_.Now() + milliseconds(500)));
  }
  return true;
}

void World::TraceObjects() const {
  if (trace == nullptr) return;
  for (const kube::ResourceType& type : {kube::kExperiments, kube::kLoadTests}) {
    for (const auto& [key, version] :
         const_cast<SimApi&>(api_).server.store().All(*FindResource(type)))
      std::fprintf(trace, "%s\n", version->object.dump(2).c_str());
  }
}

void World::Note(const CallNote& note) {
  ++calls_;
  const bool lease = note.request.target.find("/leases") != std::string::npos;
  const bool dry = note.request.target.find("dryRun=All") != std::string::npos;
  if (kube::Writes(note.request.method) && !lease && !dry) ++writes_;
  const auto mix = [this](std::string_view text) {
    for (const char c : text) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  };
  mix(std::to_string(note.at.count()));
  mix(note.request.target);
  mix(note.request.body);
  mix(std::to_string(note.status));
  if (trace == nullptr) return;
  std::fprintf(trace, "%s %s %s %s -> %d%s%s\n", PrintTime(TrueTime(note.at)).c_str() + 11,
               std::string(note.user).c_str(), std::string(kube::Name(note.request.method)).c_str(),
               note.request.target.c_str(), note.status,
               note.fault == CallFault::kNone ? "" : " ! ",
               note.fault == CallFault::kNone ? "" : std::string(Name(note.fault)).c_str());
}

}  // namespace chaos::sim
