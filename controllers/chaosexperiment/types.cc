#include "controllers/chaosexperiment/types.h"

#include <algorithm>

#include "controllers/chaosexperiment/requests.h"
#include "controllers/chaosexperiment/resource.h"
#include "controllers/chaosexperiment/spec_hash.h"
#include "injectors/protocol/names.h"
#include "operator/base/time_text.h"

namespace chaos::experiment {
namespace {

milliseconds Duration(const Json& json, std::initializer_list<std::string_view> path,
                      milliseconds fallback) {
  if (Result<milliseconds> parsed = ParseDuration(Text(json, path))) return *parsed;
  return fallback;
}

std::vector<std::uint16_t> Ports(const Json& list) {
  std::vector<std::uint16_t> ports;
  for (const Json& port : list) {
    if (port.is_number_integer()) ports.push_back(port.get<std::uint16_t>());
  }
  return ports;
}

int Percent(const std::string& text, int fallback) {
  const int value = std::atoi(text.c_str());  // "50%"
  return value < 1 || value > 100 ? fallback : value;
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
  target.value = static_cast<int>(Integer(json, {"value"}));
  if (const std::string share = Text(json, {"value"}); !share.empty())
    target.value = Percent(share, 0);
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

void ReadProcess(const Json& json, Spec& spec) {
  protocol::Process process;
  const std::string action = Text(json, {"action"}, "Kill");
  process.action = action == "Exit"        ? protocol::ProcessAction::kExit
                   : action == "Terminate" ? protocol::ProcessAction::kTerminate
                   : action == "Hang"      ? protocol::ProcessAction::kHang
                                           : protocol::ProcessAction::kKill;
  process.exit_code = static_cast<int>(Integer(json, {"exitCode"}, 1)) & 0xff;
  process.grace = Duration(json, {"grace"}, seconds(5));
  process.duty_cycle = Percent(Text(json, {"dutyCycle"}), 100);
  process.match = Text(json, {"process", "match"});
  spec.fault_key = "process." + action;
  spec.process = process;
}

void ReadPod(const Json& json, Spec& spec) {
  const std::string action = Text(json, {"action"}, "Delete");
  PodRemoval pod;
  pod.evict = action == "Evict";
  if (Find(json, {"gracePeriod"}) != nullptr)
    pod.grace = std::chrono::ceil<seconds>(Duration(json, {"gracePeriod"}, seconds(1)));
  spec.fault_key = "pod." + action;
  spec.pod = pod;
}

TriggerSpec ReadTrigger(const Json& json) {
  const std::string when = Text(json, {"when"});
  const protocol::When which = when == "DuringInference"      ? protocol::When::kDuringInference
                               : when == "DuringRegistration" ? protocol::When::kDuringRegistration
                                                              : protocol::When::kRandomWithin;
  return {which, Integer(json, {"afterBytes"}, 1), Duration(json, {"within"}, seconds(60))};
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
  } else if (const Json* pods = Find(probe, {"pods"})) {
    spec.pods_ready = static_cast<int>(Integer(*pods, {"ready", "atLeast"}, 1));
    spec.component = Text(*pods, {"component"});
    spec.selector = SelectorAt(*pods, {"selector"});
  }
}

ProbeSpec ReadProbe(const Json& json) {
  ProbeSpec probe;
  probe.name = probe.arguments.name = Text(json, {"name"});
  for (const std::string& phase : Texts(json, {"during"})) {
    (phase == "Before" ? probe.before : phase == "During" ? probe.during : probe.after) = true;
  }
  ReadKind(json, probe);
  probe.arguments.interval = Duration(json, {"interval"}, seconds(1));
  if (probe.ByOperator()) return probe;
  const char* kind = probe.arguments.kind == protocol::ProbeKind::kHttp  ? "http"
                     : probe.arguments.kind == protocol::ProbeKind::kSse ? "sse"
                                                                         : "inference";
  probe.component = Text(json, {kind, "component"});
  probe.service = Text(json, {kind, "service"});
  probe.path = Text(json, {kind, "path"});
  probe.port = static_cast<std::uint16_t>(Integer(json, {kind, "port"}));
  const milliseconds fallback =
      probe.arguments.kind == protocol::ProbeKind::kInference ? seconds(30) : seconds(5);
  probe.arguments.timeout = Duration(json, {"timeout"}, fallback);
  return probe;
}

Spec ReadSpec(const Json& json) {
  Spec spec;
  spec.description = Text(json, {"description"});
  spec.target = ReadTarget(ObjectAt(json, {"target"}));
  if (const Json* partition = Find(json, {"fault", "partition"})) {
    spec.fault_key = "partition";
    spec.partition = ReadPartition(*partition);
  } else if (const Json* process = Find(json, {"fault", "process"})) {
    ReadProcess(*process, spec);
  } else if (const Json* pod = Find(json, {"fault", "pod"})) {
    ReadPod(*pod, spec);
  } else if (const Json* http = Find(json, {"fault", "http"})) {
    spec.fault_key = "http";
    spec.http = ReadHttp(*http);
  } else if (const Json* stream = Find(json, {"fault", "stream"})) {
    spec.fault_key = "stream";
    spec.stream = ReadStream(*stream);
  } else if (std::optional<NamedResource> resource = ReadResource(ObjectAt(json, {"fault"}))) {
    spec.fault_key = resource->key;
    spec.resource = std::move(resource->fault);
  }
  if (const Json* trigger = Find(json, {"trigger"})) spec.trigger = ReadTrigger(*trigger);
  spec.inject_new_pods = Text(json, {"newPods"}) == "Inject";
  spec.duration = Duration(json, {"duration"}, milliseconds(0));
  for (const Json& probe : ListAt(json, {"probes"})) spec.probes.push_back(ReadProbe(probe));
  if (const Json* detect = Find(json, {"detect"})) {
    spec.detect = DetectSpec{Text(*detect, {"probe"}), Duration(*detect, {"within"}, seconds(60))};
  }
  if (const Json* load = Find(json, {"load"})) {
    spec.load =
        LoadSpec{ObjectAt(*load, {"run"}), Text(*load, {"ref"}), ListAt(*load, {"thresholds"})};
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

}  // namespace

bool Spec::InTarget() const {
  const protocol::FaultRow* row = protocol::FindFault(fault_key);
  return row != nullptr && row->runs == protocol::Runs::kInTarget;
}

bool Spec::Outlives() const {
  const protocol::FaultRow* row = protocol::FindFault(fault_key);
  return row != nullptr && row->ends == protocol::Ends::kByJournal;
}

Result<Experiment> Experiment::FromJson(const Json& object) {
  Experiment experiment;
  experiment.meta = kube::MetaFromJson(object);
  if (experiment.meta.key.name.empty()) return Invalid("an experiment without a name");
  const Json& spec = ObjectAt(object, {"spec"});
  experiment.spec = ReadSpec(spec);
  experiment.spec_hash = SpecHash(spec);
  experiment.status = Status::FromJson(ObjectAt(object, {"status"}));
  return experiment;
}

}  // namespace chaos::experiment
