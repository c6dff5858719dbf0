#include "controllers/chaosexperiment/types.h"

#include <algorithm>

#include "controllers/chaosexperiment/spec_hash.h"
#include "injectors/protocol/names.h"
#include "operator/base/sha256.h"
#include "operator/base/time_text.h"

namespace chaos::experiment {
namespace {

const Json& At(const Json& json, std::initializer_list<std::string_view> path) {
  static const Json kNone = Json::object();
  const Json* found = Find(json, path);
  return found ? *found : kNone;
}

const Json& ListAt(const Json& json, std::initializer_list<std::string_view> path) {
  static const Json kNone = Json::array();
  const Json* found = Find(json, path);
  return found && found->is_array() ? *found : kNone;
}

milliseconds Duration(const Json& json, std::initializer_list<std::string_view> path,
                      milliseconds fallback) {
  if (Result<milliseconds> parsed = ParseDuration(Text(json, path))) return *parsed;
  return fallback;
}

Labels LabelsAt(const Json& json, std::initializer_list<std::string_view> path) {
  Labels labels;
  const Json& map = At(json, path);
  for (const auto& [key, value] : map.items()) {
    if (value.is_string()) labels[key] = value.get<std::string>();
  }
  return labels;
}

std::vector<std::uint16_t> Ports(const Json& list) {
  std::vector<std::uint16_t> ports;
  for (const Json& port : list) {
    if (port.is_number_integer()) ports.push_back(port.get<std::uint16_t>());
  }
  return ports;
}

std::optional<Selector> SelectorAt(const Json& json, std::initializer_list<std::string_view> path) {
  const Json* found = Find(json, path);
  if (found == nullptr) return std::nullopt;
  Selector selector{LabelsAt(*found, {"matchLabels"}), {}};
  for (const Json& item : ListAt(*found, {"matchExpressions"})) {
    selector.match_expressions.push_back(
        {Text(item, {"key"}), Text(item, {"operator"}), Texts(item, {"values"})});
  }
  return selector;
}

TargetSpec ReadTarget(const Json& json) {
  TargetSpec target;
  target.component = Text(json, {"component"});
  target.selector = SelectorAt(json, {"selector"});
  target.container = Text(json, {"container"});
  const std::string mode = Text(json, {"mode"}, "One");
  target.mode = mode == "All"       ? Mode::kAll
                : mode == "Fixed"   ? Mode::kFixed
                : mode == "Percent" ? Mode::kPercent
                                    : Mode::kOne;
  const Json& value = At(json, {"value"});
  if (value.is_number_integer()) target.value = value.get<int>();
  if (value.is_string()) target.value = std::atoi(value.get<std::string>().c_str());  // "50%"
  return target;
}

PartitionSpec ReadPartition(const Json& json) {
  PartitionSpec partition;
  for (const Json& item : ListAt(json, {"peers"})) {
    partition.peers.push_back({Text(item, {"component"}), Text(item, {"service"}),
                               Text(item, {"cidr"}), SelectorAt(item, {"selector"}),
                               Ports(ListAt(item, {"verifyPorts"}))});
  }
  partition.ports = Ports(ListAt(json, {"ports"}));
  const std::string direction = Text(json, {"direction"}, "Both");
  partition.direction = direction == "Ingress"  ? protocol::Direction::kIngress
                        : direction == "Egress" ? protocol::Direction::kEgress
                                                : protocol::Direction::kBoth;
  return partition;
}

std::optional<double> Number(const Json& json, std::initializer_list<std::string_view> path) {
  const Json* found = Find(json, path);
  return found && found->is_number() ? std::optional(found->get<double>()) : std::nullopt;
}

void ReadKind(const Json& probe, ProbeSpec& spec) {
  protocol::ProbeArguments& a = spec.arguments;
  if (const Json* http = Find(probe, {"http"})) {
    a.kind = protocol::ProbeKind::kHttp;
    for (const Json& code : ListAt(*http, {"statusIn"})) {
      if (code.is_number_integer()) a.status_in.push_back(code.get<int>());
    }
    a.body_contains = Text(*http, {"bodyContains"});
  } else if (const Json* sse = Find(probe, {"sse"})) {
    a.kind = protocol::ProbeKind::kSse;
    a.match_pointer = Text(*sse, {"match", "pointer"});
    a.match_equals = Text(*sse, {"match", "equals"});
    a.json_pointer = Text(*sse, {"jsonPointer"});
    a.at_least = Number(*sse, {"atLeast"});
    a.at_most = Number(*sse, {"atMost"});
    a.max_silence = Duration(*sse, {"maxSilence"}, milliseconds(0));
  } else if (const Json* inference = Find(probe, {"inference"})) {
    a.kind = protocol::ProbeKind::kInference;
    a.model = Text(*inference, {"model"});
    a.prompt = Text(*inference, {"prompt"});
    a.max_tokens = static_cast<int>(Integer(*inference, {"maxTokens"}, 16));
    a.expect_matches = Text(*inference, {"expect", "matches"});
    a.expect_min_tokens = static_cast<int>(Integer(*inference, {"expect", "minTokens"}, 1));
  }
}

ProbeSpec ReadProbe(const Json& json) {
  ProbeSpec probe;
  probe.name = probe.arguments.name = Text(json, {"name"});
  for (const std::string& phase : Texts(json, {"during"})) {
    (phase == "Before" ? probe.before : phase == "During" ? probe.during : probe.after) = true;
  }
  ReadKind(json, probe);
  const char* kind = probe.arguments.kind == protocol::ProbeKind::kHttp  ? "http"
                     : probe.arguments.kind == protocol::ProbeKind::kSse ? "sse"
                                                                         : "inference";
  probe.component = Text(json, {kind, "component"});
  probe.service = Text(json, {kind, "service"});
  probe.path = Text(json, {kind, "path"});
  probe.port = static_cast<std::uint16_t>(Integer(json, {kind, "port"}));
  probe.arguments.interval = Duration(json, {"interval"}, seconds(1));
  const milliseconds fallback =
      probe.arguments.kind == protocol::ProbeKind::kInference ? seconds(30) : seconds(5);
  probe.arguments.timeout = Duration(json, {"timeout"}, fallback);
  return probe;
}

Spec ReadSpec(const Json& json) {
  Spec spec;
  spec.description = Text(json, {"description"});
  spec.target = ReadTarget(At(json, {"target"}));
  if (const Json* partition = Find(json, {"fault", "partition"})) {
    spec.fault_key = "partition";
    spec.partition = ReadPartition(*partition);
  }
  spec.duration = Duration(json, {"duration"}, milliseconds(0));
  for (const Json& probe : ListAt(json, {"probes"})) spec.probes.push_back(ReadProbe(probe));
  if (const Json* detect = Find(json, {"detect"})) {
    spec.detect = DetectSpec{Text(*detect, {"probe"}), Duration(*detect, {"within"}, seconds(60))};
  }
  spec.recovery_within = Duration(json, {"recovery", "within"}, seconds(60));
  spec.recovery_stable_for = Duration(json, {"recovery", "stableFor"}, seconds(5));
  spec.baseline = Duration(json, {"baseline"}, seconds(20));
  for (const Json& item : ListAt(json, {"abortWhen"})) {
    spec.abort_when.push_back({Text(item, {"probe"}), Duration(item, {"failsFor"}, seconds(10))});
  }
  spec.max_targets = static_cast<int>(Integer(json, {"safety", "maxTargets"}, 1));
  spec.max_privilege = protocol::TierFromName(Text(json, {"safety", "maxPrivilege"}))
                           .value_or(protocol::Tier::kNoCapabilities);
  if (const Json* seed = Find(json, {"seed"}); seed && seed->is_number_integer())
    spec.seed = seed->get<std::int64_t>();
  spec.run = Integer(json, {"run"}, 1);
  spec.suspend = Flag(json, {"suspend"});
  spec.dry_run = Text(json, {"dryRun"});
  spec.starting_deadline = Duration(json, {"startingDeadline"}, std::chrono::minutes(10));
  return spec;
}

ContainerState ReadState(const Json& json) {
  ContainerState state;
  state.name = Text(json, {"name"});
  const auto time = [](const std::string& text) -> std::optional<TimePoint> {
    if (Result<TimePoint> parsed = ParseTime(text)) return *parsed;
    return std::nullopt;
  };
  if (const Json* waiting = Find(json, {"state", "waiting"})) {
    state.kind = ContainerState::Kind::kWaiting;
    state.reason = Text(*waiting, {"reason"});
    state.message = Text(*waiting, {"message"});
  } else if (const Json* running = Find(json, {"state", "running"})) {
    state.kind = ContainerState::Kind::kRunning;
    state.started = time(Text(*running, {"startedAt"}));
  } else if (const Json* ended = Find(json, {"state", "terminated"})) {
    state.kind = ContainerState::Kind::kTerminated;
    state.reason = Text(*ended, {"reason"});
    state.message = Text(*ended, {"message"});
    state.exit_code = static_cast<int>(Integer(*ended, {"exitCode"}));
    state.started = time(Text(*ended, {"startedAt"}));
    state.finished = time(Text(*ended, {"finishedAt"}));
  }
  return state;
}

}  // namespace

bool Selector::Matches(const Labels& labels) const {
  for (const auto& [key, value] : match_labels) {
    const auto found = labels.find(key);
    if (found == labels.end() || found->second != value) return false;
  }
  for (const Requirement& r : match_expressions) {
    const auto found = labels.find(r.key);
    const bool there = found != labels.end();
    const bool listed =
        there && std::find(r.values.begin(), r.values.end(), found->second) != r.values.end();
    if (r.op == "In" && !listed) return false;
    if (r.op == "NotIn" && listed) return false;
    if (r.op == "Exists" && !there) return false;
    if (r.op == "DoesNotExist" && there) return false;
  }
  return true;
}

std::string RunId(std::string_view uid, std::string_view spec_hash) {
  return Sha256Hex(std::string(uid) + "/" + std::string(spec_hash)).substr(0, 10);
}

Result<Experiment> Experiment::FromJson(const Json& object) {
  Experiment experiment;
  experiment.meta = kube::MetaFromJson(object);
  if (experiment.meta.key.name.empty()) return Invalid("an experiment without a name");
  const Json& spec = At(object, {"spec"});
  experiment.spec = ReadSpec(spec);
  experiment.spec_hash = SpecHash(spec);
  experiment.status = Status::FromJson(At(object, {"status"}));
  return experiment;
}

Result<Stop> Stop::FromJson(const Json& object) {
  Stop stop;
  stop.meta = kube::MetaFromJson(object);
  stop.reason = Text(object, {"spec", "reason"});
  stop.namespaces = Texts(object, {"spec", "namespaces"});
  stop.observed_generation = Integer(object, {"status", "observedGeneration"}, -1);
  stop.live = Integer(object, {"status", "live"}, -1);
  stop.stopped = Integer(object, {"status", "stopped"}, -1);
  stop.conditions = kube::ConditionsFromJson(ListAt(object, {"status", "conditions"}));
  return stop;
}

bool Stop::Covers(std::string_view ns) const {
  return namespaces.empty() ||
         std::find(namespaces.begin(), namespaces.end(), ns) != namespaces.end();
}

Result<Namespace> Namespace::FromJson(const Json& object) {
  Namespace ns;
  ns.meta = kube::MetaFromJson(object);
  ns.terminating = ns.meta.deleting || Text(object, {"status", "phase"}) == "Terminating";
  return ns;
}

Result<Pod> Pod::FromJson(const Json& object) {
  Pod pod;
  pod.meta = kube::MetaFromJson(object);
  pod.node = Text(object, {"spec", "nodeName"});
  pod.host_network = Flag(object, {"spec", "hostNetwork"});
  pod.phase = Text(object, {"status", "phase"});
  pod.pod_ip = Text(object, {"status", "podIP"});
  pod.host_ip = Text(object, {"status", "hostIP"});
  for (const Json& ip : ListAt(object, {"status", "podIPs"}))
    pod.pod_ips.push_back(Text(ip, {"ip"}));
  if (pod.pod_ips.empty() && !pod.pod_ip.empty()) pod.pod_ips = {pod.pod_ip};
  for (const Json& condition : ListAt(object, {"status", "conditions"})) {
    if (Text(condition, {"type"}) == "Ready") pod.ready = Text(condition, {"status"}) == "True";
    if (Text(condition, {"type"}) == "PodScheduled" && Text(condition, {"status"}) == "False")
      pod.unschedulable = Text(condition, {"message"});
  }
  for (const Json& container : ListAt(object, {"spec", "containers"})) {
    pod.containers.push_back(Text(container, {"name"}));
    for (const Json& port : ListAt(container, {"ports"})) {
      if (Text(port, {"protocol"}, "TCP") != "TCP") continue;
      pod.tcp_ports.push_back(static_cast<std::uint16_t>(Integer(port, {"containerPort"})));
    }
  }
  for (const Json& sidecar : ListAt(object, {"spec", "ephemeralContainers"}))
    pod.sidecars.push_back(Text(sidecar, {"name"}));
  for (const char* list : {"containerStatuses", "ephemeralContainerStatuses"}) {
    for (const Json& state : ListAt(object, {"status", list}))
      pod.states.push_back(ReadState(state));
  }
  return pod;
}

const ContainerState* Pod::State(std::string_view container) const {
  const auto found = std::find_if(states.begin(), states.end(),
                                  [&](const ContainerState& s) { return s.name == container; });
  return found == states.end() ? nullptr : &*found;
}

bool Pod::Ours() const {
  const auto found = meta.labels.find(std::string(protocol::kManagedByLabel));
  return found != meta.labels.end() && found->second == protocol::kManagedBy;
}

Service Service::FromJson(const Json& object) {
  Service service;
  service.name = Text(object, {"metadata", "name"});
  service.selector = LabelsAt(object, {"spec", "selector"});
  for (const std::string& ip : Texts(object, {"spec", "clusterIPs"})) {
    if (ip != "None") service.cluster_ips.push_back(ip);
  }
  const std::string ip = Text(object, {"spec", "clusterIP"});
  if (service.cluster_ips.empty() && !ip.empty() && ip != "None") service.cluster_ips = {ip};
  for (const Json& port : ListAt(object, {"spec", "ports"})) {
    if (Text(port, {"protocol"}, "TCP") == "TCP") {
      service.tcp_ports.push_back(static_cast<std::uint16_t>(Integer(port, {"port"})));
    }
  }
  return service;
}

Result<Profile> Profile::FromConfigMap(const Json& config_map) {
  Profile profile;
  profile.name = Text(config_map, {"metadata", "name"});
  const std::string text = Text(config_map, {"data", "profile.json"});
  if (text.empty()) return Invalid("ConfigMap " + profile.name + " has no key profile.json");
  Result<Json> json = ParseJson(text);
  if (!json) return Invalid("ConfigMap " + profile.name + ", profile.json: " + json.error().detail);
  for (const auto& [name, component] : At(*json, {"components"}).items()) {
    Component c{LabelsAt(component, {"labels"}),
                static_cast<std::uint16_t>(Integer(component, {"port"})),
                Text(component, {"protocol"}, "rbee")};
    if (c.labels.empty())
      return Invalid("profile " + profile.name + ", component " + name + ": labels are needed");
    profile.components[name] = std::move(c);
  }
  if (profile.components.empty()) return Invalid("profile " + profile.name + " names no component");
  return profile;
}

}  // namespace chaos::experiment
