#include "controllers/chaosexperiment/status.h"

#include <algorithm>

#include "operator/base/time_text.h"

namespace chaos::experiment {
namespace {

std::optional<TimePoint> TimeAt(const Json& json, const char* key) {
  if (Result<TimePoint> time = ParseTime(Text(json, {key}))) return *time;
  return std::nullopt;
}

TimePoint TimeOr(const Json& json, const char* key) {
  return TimeAt(json, key).value_or(TimePoint{});
}

void Put(Json& json, const char* key, const std::string& value) {
  if (!value.empty()) json[key] = value;
}
void Put(Json& json, const char* key, const std::optional<TimePoint>& value) {
  if (value) json[key] = PrintTime(*value);
}
template <class Range>
void PutUnlessEmpty(Json& json, const char* key, const Range& value) {
  if (!value.empty()) json[key] = value;
}

// What the injector may do there, for people; the intent has it for the operator.
void PrintMeans(const Intent& intent, Json& target) {
  target["capability"] = intent.capability.empty() ? "none" : intent.capability;
  target["runsAs"] = std::to_string(intent.run_as_user.value_or(0)) + ":" +
                     std::to_string(intent.run_as_group.value_or(0));
  if (!intent.container.empty()) target["restartCount"] = {{"before", intent.restarts}};
}

std::optional<std::int64_t> NumberAt(const Json& json,
                                     std::initializer_list<std::string_view> path) {
  const Json* found = Find(json, path);
  if (found == nullptr || !found->is_number_integer()) return std::nullopt;
  return found->get<std::int64_t>();
}
std::optional<int> SmallNumberAt(const Json& json, std::initializer_list<std::string_view> path) {
  const std::optional<std::int64_t> number = NumberAt(json, path);
  return number ? std::optional(static_cast<int>(*number)) : std::nullopt;
}

Json PrintTarget(const TargetStatus& t) {
  Json json = {{"pod", t.pod}, {"uid", t.uid}, {"state", t.state}, {"placement", t.placement}};
  Put(json, "node", t.node);
  Put(json, "container", t.container);
  Put(json, "mechanism", t.mechanism);
  Put(json, "measuredBy", t.measured_by);
  Put(json, "sidecars", t.sidecars);
  Put(json, "reason", t.reason);
  Put(json, "message", t.message);
  PutUnlessEmpty(json, "requested", t.requested);
  PutUnlessEmpty(json, "measured", t.measured);
  Put(json, "injectedAt", t.injected_at);
  Put(json, "verifiedAt", t.verified_at);
  Put(json, "revertedAt", t.reverted_at);
  Put(json, "cleanAt", t.clean_at);
  Put(json, "endedAt", t.ended_at);
  Put(json, "backAt", t.back_at);
  if (t.exit_code) json["exitCode"] = *t.exit_code;
  if (t.intent && !t.intent->sidecar.empty()) PrintMeans(*t.intent, json);
  if (t.restarts_after) json["restartCount"]["after"] = *t.restarts_after;
  if (t.intent) {
    json["intent"] = {{"sidecar", t.intent->sidecar},
                      {"image", t.intent->image},
                      {"nonce", t.intent->nonce},
                      {"arguments", t.intent->arguments},
                      {"notBefore", PrintTime(t.intent->not_before)},
                      {"notAfter", PrintTime(t.intent->not_after)},
                      {"deadline", PrintTime(t.intent->deadline)}};
    Json& intent = json["intent"];
    Put(intent, "container", t.intent->container);
    Put(intent, "capability", t.intent->capability);
    if (t.intent->run_as_user) intent["runAsUser"] = *t.intent->run_as_user;
    if (t.intent->run_as_group) intent["runAsGroup"] = *t.intent->run_as_group;
    if (t.intent->restarts != 0) intent["restarts"] = t.intent->restarts;
  }
  return json;
}

TargetStatus ReadTarget(const Json& json) {
  TargetStatus t;
  t.pod = Text(json, {"pod"});
  t.uid = Text(json, {"uid"});
  t.state = Text(json, {"state"});
  t.placement = Text(json, {"placement"}, "Sidecar");
  t.node = Text(json, {"node"});
  t.container = Text(json, {"container"});
  t.mechanism = Text(json, {"mechanism"});
  t.measured_by = Text(json, {"measuredBy"});
  t.sidecars = Text(json, {"sidecars"});
  t.reason = Text(json, {"reason"});
  t.message = Text(json, {"message"});
  t.requested = TextMap(json, {"requested"});
  t.measured = TextMap(json, {"measured"});
  t.injected_at = TimeAt(json, "injectedAt");
  t.verified_at = TimeAt(json, "verifiedAt");
  t.reverted_at = TimeAt(json, "revertedAt");
  t.clean_at = TimeAt(json, "cleanAt");
  t.ended_at = TimeAt(json, "endedAt");
  t.back_at = TimeAt(json, "backAt");
  t.exit_code = SmallNumberAt(json, {"exitCode"});
  t.restarts_after = SmallNumberAt(json, {"restartCount", "after"});
  if (const Json& intent = ObjectAt(json, {"intent"}); !intent.empty()) {
    t.intent =
        Intent{Text(intent, {"sidecar"}),        Text(intent, {"image"}),
               Text(intent, {"nonce"}),          Text(intent, {"arguments"}),
               TimeOr(intent, "notBefore"),      TimeOr(intent, "notAfter"),
               TimeOr(intent, "deadline"),       Text(intent, {"container"}),
               Text(intent, {"capability"}),     NumberAt(intent, {"runAsUser"}),
               NumberAt(intent, {"runAsGroup"}), SmallNumberAt(intent, {"restarts"}).value_or(0)};
  }
  return t;
}

Json PrintCount(const PhaseCount& count) {
  return {{"samples", count.samples}, {"failed", count.failed}};
}
PhaseCount ReadCount(const Json& json) {
  return {Integer(json, {"samples"}), Integer(json, {"failed"})};
}

Json PrintLoad(const LoadStatus& load) {
  const auto print = [](const ByPhase& figures) {
    Json json = Json::object();
    Put(json, "before", figures.before);
    Put(json, "during", figures.during);
    Put(json, "after", figures.after);
    return json;
  };
  Json json = {{"name", load.name}};
  Put(json, "uid", load.uid);
  Put(json, "phase", load.phase);
  Put(json, "verdict", load.verdict);
  Put(json, "reason", load.reason);
  Put(json, "report", load.report);
  Put(json, "stopAt", load.stop_at);
  PutUnlessEmpty(json, "errors", print(load.errors));
  PutUnlessEmpty(json, "p95", print(load.p95));
  Put(json, "p95Of", load.p95_of);
  return json;
}
LoadStatus ReadLoad(const Json& json) {
  const auto read = [&](const char* key) {
    return ByPhase{Text(json, {key, "before"}), Text(json, {key, "during"}),
                   Text(json, {key, "after"})};
  };
  return {Text(json, {"name"}),    Text(json, {"uid"}),    Text(json, {"phase"}),
          Text(json, {"verdict"}), Text(json, {"reason"}), Text(json, {"report"}),
          TimeAt(json, "stopAt"),  read("errors"),         read("p95"),
          Text(json, {"p95Of"})};
}

Json PrintCounts(const Status& s) {
  std::int64_t injected = 0, clean = 0, refused = 0;
  for (const TargetStatus& t : s.targets) {
    injected += t.verified_at.has_value();
    clean += t.state == "Clean" || t.state == "Gone";
    refused += t.state == "Refused";
  }
  const auto targets = static_cast<std::int64_t>(s.targets.size());
  return {{"hit", std::to_string(injected) + "/" + std::to_string(targets)},
          {"targets", targets},
          {"injected", injected},
          {"clean", clean},
          {"refused", refused}};
}

}  // namespace

const RunRecord* Status::FindRun(std::string_view spec_hash) const {
  return chaos::FindRun(runs, spec_hash);
}

Status Status::FromJson(const Json& json) {
  Status s;
  s.observed_generation = Integer(json, {"observedGeneration"}, -1);
  s.active_run = Text(json, {"activeRun"});
  s.phase = Text(json, {"phase"}, "Pending");
  s.verdict = Text(json, {"verdict"});
  s.reason = Text(json, {"reason"});
  s.summary = Text(json, {"summary"});
  s.fault_kind = Text(json, {"faultKind"});
  s.eligible_at = TimeAt(json, "eligibleAt");
  s.started_at = TimeAt(json, "startedAt");
  s.baseline_started_at = TimeAt(json, "baselineStartedAt");
  s.intended_at = TimeAt(json, "intendedAt");
  s.finished_at = TimeAt(json, "finishedAt");
  for (const Json& target : ListAt(json, {"targets"})) s.targets.push_back(ReadTarget(target));
  const Json& timings = ObjectAt(json, {"timings"});
  s.timings = {
      Text(timings, {"toInject"}),  Text(timings, {"toEffect"}),  Text(timings, {"toDetect"}),
      Text(timings, {"toReroute"}), Text(timings, {"toRestart"}), Text(timings, {"backOff"}),
      Text(timings, {"toRecover"}), Text(timings, {"toClean"}),   Text(timings, {"precision"})};
  s.coverage = Text(json, {"coverage", "state"});
  s.coverage_missing = Texts(json, {"coverage", "missing"});
  if (const Json& stop = ObjectAt(json, {"stop"}); !stop.empty()) {
    s.stop = StopStatus{Text(stop, {"reason"}), Text(stop, {"by"}), TimeAt(stop, "at")};
  }
  for (const Json& probe : ListAt(json, {"probes"})) {
    s.probes.push_back({Text(probe, {"name"}), ReadCount(ObjectAt(probe, {"before"})),
                        ReadCount(ObjectAt(probe, {"during"})),
                        ReadCount(ObjectAt(probe, {"after"})), Text(probe, {"lastError"})});
  }
  const Json& resolved = ObjectAt(json, {"resolved"});
  if (const Json* seed = Find(resolved, {"seed"}); seed && seed->is_number_integer())
    s.resolved.seed = seed->get<std::int64_t>();
  s.resolved.candidates = Integer(resolved, {"candidates"});
  s.resolved.candidates_digest = Text(resolved, {"candidatesDigest"});
  s.resolved.profile = Text(resolved, {"profile"});
  s.resolved.probe_pod = Text(resolved, {"probePod"});
  s.resolved.image = Text(resolved, {"image"});
  for (const Json& peer : ListAt(resolved, {"peers"})) {
    s.resolved.peers.push_back({Text(peer, {"name"}), Texts(peer, {"addresses"})});
  }
  for (const Json& service : ListAt(resolved, {"peerServices"})) {
    s.resolved.peer_services.push_back({Text(service, {"name"}), TextMap(service, {"selector"})});
  }
  s.resolved.not_followed = Text(resolved, {"notFollowed"});
  for (const Json& peer : ListAt(resolved, {"latePeers"})) {
    s.resolved.late_peers.push_back(
        {Text(peer, {"name"}), Texts(peer, {"addresses"}), TimeAt(peer, "seenAt")});
  }
  if (const Json& load = ObjectAt(json, {"load"}); !load.empty()) s.load = ReadLoad(load);
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
  Put(json, "faultKind", fault_kind);
  Put(json, "eligibleAt", eligible_at);
  Put(json, "startedAt", started_at);
  Put(json, "baselineStartedAt", baseline_started_at);
  Put(json, "intendedAt", intended_at);
  Put(json, "finishedAt", finished_at);
  if (!targets.empty()) {
    Json list = Json::array();
    for (const TargetStatus& target : targets) list.push_back(PrintTarget(target));
    json["targets"] = std::move(list);
    json["counts"] = PrintCounts(*this);
  }
  Json times = Json::object();
  Put(times, "toInject", timings.to_inject);
  Put(times, "toEffect", timings.to_effect);
  Put(times, "toDetect", timings.to_detect);
  Put(times, "toReroute", timings.to_reroute);
  Put(times, "toRestart", timings.to_restart);
  Put(times, "backOff", timings.back_off);
  Put(times, "toRecover", timings.to_recover);
  Put(times, "toClean", timings.to_clean);
  Put(times, "precision", timings.precision);
  PutUnlessEmpty(json, "timings", times);
  if (!coverage.empty()) {
    json["coverage"] = {{"state", coverage}};
    PutUnlessEmpty(json["coverage"], "missing", coverage_missing);
  }
  if (stop) {
    json["stop"] = {{"reason", stop->reason}, {"by", stop->by}};
    Put(json["stop"], "at", stop->at);
  }
  for (const ProbeStatus& probe : probes) {
    Json item = {{"name", probe.name},
                 {"before", PrintCount(probe.before)},
                 {"during", PrintCount(probe.during)},
                 {"after", PrintCount(probe.after)}};
    Put(item, "lastError", probe.last_error);
    json["probes"].push_back(std::move(item));
  }
  Json found = Json::object();
  if (resolved.seed) found["seed"] = *resolved.seed;
  if (resolved.candidates > 0) found["candidates"] = resolved.candidates;
  Put(found, "candidatesDigest", resolved.candidates_digest);
  Put(found, "profile", resolved.profile);
  Put(found, "probePod", resolved.probe_pod);
  Put(found, "image", resolved.image);
  for (const PeerStatus& peer : resolved.peers) {
    found["peers"].push_back({{"name", peer.name}, {"addresses", peer.addresses}});
  }
  for (const PeerService& service : resolved.peer_services) {
    found["peerServices"].push_back({{"name", service.name}, {"selector", service.selector}});
  }
  Put(found, "notFollowed", resolved.not_followed);
  for (const LatePeer& peer : resolved.late_peers) {
    found["latePeers"].push_back({{"name", peer.name}, {"addresses", peer.addresses}});
    Put(found["latePeers"].back(), "seenAt", peer.seen_at);
  }
  PutUnlessEmpty(json, "resolved", found);
  if (load) json["load"] = PrintLoad(*load);
  for (const RunRecord& run : runs) {
    Json item = {{"specHash", run.spec_hash}, {"verdict", run.verdict}};
    Put(item, "reason", run.reason);
    Put(item, "at", run.at);
    json["runs"].push_back(std::move(item));
  }
  if (!conditions.empty()) json["conditions"] = kube::ConditionsToJson(conditions);
  return json;
}

}  // namespace chaos::experiment
