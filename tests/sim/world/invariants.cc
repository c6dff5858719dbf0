#include "tests/sim/world/invariants.h"

#include <algorithm>

#include "injectors/protocol/names.h"
#include "operator/base/time_text.h"
#include "operator/kube/conditions.h"

namespace chaos::sim {
namespace {

constexpr milliseconds kGrace{
    1100};  // of the kernel's own deadline: it ends who hangs a second late
constexpr milliseconds kLess{1500};  // than its duration, a fault may be on
constexpr seconds kOldNews{5};       // of an operator that sees
constexpr std::size_t kMostBroken = 5;

const Json& ListAt(const Json& object, std::initializer_list<std::string_view> path) {
  static const Json kNone = Json::array();
  const Json* list = Find(object, path);
  return list != nullptr && list->is_array() ? *list : kNone;
}

TimePoint TimeAt(const Json& object, std::initializer_list<std::string_view> path) {
  const Result<TimePoint> time = ParseTime(Text(object, path));
  return time ? *time : TimePoint{};
}

bool Held(const Json& experiment) {
  const std::vector<std::string> all = Texts(experiment, {"metadata", "finalizers"});
  return std::find(all.begin(), all.end(), protocol::kFinalizer) != all.end();
}

std::string RunOf(const std::string& sidecar) {
  return sidecar.size() < 4 ? "" : sidecar.substr(4, 10);
}
bool IsInjector(const std::string& name) {
  return protocol::IsOurContainer(name) && name.size() == 14;
}

}  // namespace

Invariants::Invariants(SimApi& api, PodNetwork& network, SimKubelet& kubelet, Timeline& timeline,
                       std::function<bool()> sees)
    : api_(api),
      kubelet_(kubelet),
      timeline_(timeline),
      sees_(std::move(sees)),
      sources_{Source{network.faults(), 0, {}}, Source{kubelet.processes().faults(), 0, {}}} {
  api_.server.store().Observe([this](const Record& record) { LookAtChange(record); });
}

void Invariants::Broken(const std::string& what) {
  if (broken_.size() < kMostBroken)
    broken_.push_back(PrintTime(TrueTime(timeline_.Now())) + " " + what);
}

TimePoint Invariants::NodeTime(const std::string& pod_uid) const {
  const auto pod = pods_.find(pod_uid);
  const auto clock =
      pod == pods_.end() ? kubelet_.nodes().end() : kubelet_.nodes().find(pod->second.node);
  return clock == kubelet_.nodes().end() ? TrueTime(timeline_.Now()) : clock->second.Now();
}

const Invariants::Intent* Invariants::FindIntent(const std::string& run,
                                                 const std::string& pod_uid) const {
  const auto it = intents_.find({run, pod_uid});
  return it == intents_.end() ? nullptr : &it->second;
}

void Invariants::Look() {
  for (Source& source : sources_) LookAt(source);
}

void Invariants::LookAt(Source& source) {
  for (; source.seen < source.spans.size(); ++source.seen) {
    source.open.insert(source.seen);
    FaultBegan(source.spans[source.seen]);
  }
  for (auto it = source.open.begin(); it != source.open.end();) {
    const FaultSpan& span = source.spans[*it];
    const Intent* intent = span.lasts ? FindIntent(span.run, span.pod_uid) : nullptr;
    const nanoseconds on = span.to.value_or(timeline_.Now()) - span.from;
    if (intent != nullptr && on > intent->duration + kGrace) {
      Broken("a fault is on for " + PrintShort(std::chrono::duration_cast<microseconds>(on)) +
             ", longer than its duration");
      it = source.open.erase(it);
      continue;
    }
    it = span.to ? source.open.erase(it) : std::next(it);
  }
}

const FaultSpan* Invariants::SpanOf(const std::string& run, const std::string& pod_uid) const {
  for (const Source& source : sources_) {
    for (const FaultSpan& span : source.spans) {
      if (span.run == run && span.pod_uid == pod_uid) return &span;
    }
  }
  return nullptr;
}

void Invariants::FaultBegan(const FaultSpan& span) {
  const Intent* intent = FindIntent(span.run, span.pod_uid);
  if (intent == nullptr)
    return Broken("a fault is on in pod " + span.pod_uid +
                  " without a persisted intent that names it");
  if (!intent->live) Broken("a fault began after its run had its verdict");
  if (!intent->held) Broken("a fault is on and no finalizer holds its experiment");
  if (NodeTime(span.pod_uid) > intent->not_after + intent->may_wait + milliseconds(10))
    Broken("a fault began after notAfter");
  if (NodeTime(span.pod_uid) < intent->not_before) Broken("a fault began before notBefore");
  if (!injected_.insert({span.run, span.pod_uid}).second)
    Broken("a run put a fault on the same pod twice");
}

void Invariants::LookAtChange(const Record& record) {
  if (record.resource->type.plural == "pods") {
    PodChanged(record);
    SidecarsAdded(record);
  }
  if (record.resource->type.plural == "chaosexperiments") ExperimentChanged(record);
}

void Invariants::PodChanged(const Record& record) {
  const Json& pod = record.last->object;
  PodFacts& facts = pods_[Text(pod, {"metadata", "uid"})];
  facts.node = Text(pod, {"spec", "nodeName"});
  facts.component = Text(pod, {"metadata", "labels", "app.kubernetes.io/component"});
  facts.created = TimeAt(pod, {"metadata", "creationTimestamp"});
  bool ready = record.after && !Find(pod, {"metadata", "deletionTimestamp"});
  for (const Json& condition : ListAt(pod, {"status", "conditions"}))
    ready =
        ready && (Text(condition, {"type"}) != "Ready" || Text(condition, {"status"}) == "True");
  ready = ready && Text(pod, {"status", "phase"}) == "Running";
  if (facts.ready && !ready) facts.ready_until = timeline_.Now();
  facts.ready = ready;
}

void Invariants::SidecarsAdded(const Record& record) {
  if (!record.after) return;
  const Json& pod = record.after->object;
  const std::string uid = Text(pod, {"metadata", "uid"});
  const Json& sidecars = ListAt(pod, {"spec", "ephemeralContainers"});
  const Json& old = record.before ? ListAt(record.before->object, {"spec", "ephemeralContainers"})
                                  : ListAt(Json(), {"none"});
  if (sidecars.size() == old.size()) return;
  std::map<std::string, int> per_run;
  for (const Json& one : sidecars) {
    const std::string name = Text(one, {"name"});
    if (!protocol::IsOurContainer(name)) continue;
    if (++per_run[RunOf(name)] > 2) Broken("more than two containers of one run in one pod");
    if (std::any_of(old.begin(), old.end(),
                    [&](const Json& other) { return Text(other, {"name"}) == name; }))
      continue;
    if (!IsInjector(name) && name != protocol::StopperName(RunOf(name)))
      Broken("a sidecar has the unknown name " + name);
    if (!FindIntent(RunOf(name), uid))
      Broken("sidecar " + name + " in a pod that no persisted intent names");
  }
}

// An experiment that is gone has no intents any more: whatever is still on is a fault without one.
void Invariants::Remember(const Json& experiment) {
  const std::string live_run = Text(experiment, {"status", "activeRun"});
  const Result<milliseconds> duration = ParseDuration(Text(experiment, {"spec", "duration"}));
  for (const Json& target : ListAt(experiment, {"status", "targets"})) {
    if (!Find(target, {"intent"})) continue;
    Intent intent;
    intent.run = RunOf(Text(target, {"intent", "sidecar"}));
    intent.not_before = TimeAt(target, {"intent", "notBefore"});
    intent.not_after = TimeAt(target, {"intent", "notAfter"});
    intent.deadline = TimeAt(target, {"intent", "deadline"});
    intent.live = !live_run.empty();
    intent.held = Held(experiment);
    const FaultSpan* span = SpanOf(intent.run, Text(target, {"uid"}));
    if (Find(target, {"verifiedAt"}) && (span == nullptr || !span->took))
      Broken("a target is called verified, and no fault ever took effect on it");
    const Result<milliseconds> within =
        ParseDuration(Text(experiment, {"spec", "trigger", "within"}));
    if (within) intent.may_wait = *within;
    intent.duration = duration ? std::chrono::ceil<seconds>(*duration) : seconds(0);
    intents_[{intent.run, Text(target, {"uid"})}] = intent;
  }
}

void Invariants::ExperimentChanged(const Record& record) {
  if (record.before && Held(record.before->object) && !(record.after && Held(record.after->object)))
    FinalizerGone(record.before->object);
  if (record.before) {
    for (const Json& target : ListAt(record.before->object, {"status", "targets"}))
      intents_.erase(
          {RunOf(Text(target, {"intent", "sidecar"}, "rbc-0000000000")), Text(target, {"uid"})});
  }
  if (!record.after) return;
  const Json& now = record.after->object;
  Remember(now);
  const auto promised = [](const Json& experiment) {
    const Json& targets = ListAt(experiment, {"status", "targets"});
    return !targets.empty() && Find(targets.front(), {"intent"}) != nullptr;
  };
  if (promised(now) && !(record.before && promised(record.before->object))) Promised(now);
  if (!Text(record.before ? record.before->object : Json(), {"status", "activeRun"}).empty() &&
      Text(now, {"status", "verdict"}) == "Passed")
    Passed(now);
  VerdictsStay(record);
  const bool written = !record.before || Find(record.before->object, {"status"}) == nullptr ||
                       record.before->object["status"] != record.after->object["status"];
  if (written) StatusIsWellFormed(record.after->object);
}

// Who is promised may be hurt from now on.
void Invariants::Promised(const Json& experiment) {
  std::set<std::string> targets;
  for (const Json& target : ListAt(experiment, {"status", "targets"}))
    targets.insert(Text(target, {"uid"}));
  const bool waited = Text(experiment, {"spec", "newPods"}) == "Inject";
  const TimePoint intended =
      std::chrono::floor<seconds>(TimeAt(experiment, {"status", "intendedAt"}));
  for (const std::string& uid : targets) {
    if (waited && Text(experiment, {"spec", "trigger", "when"}) == "DuringRegistration" &&
        pods_[uid].created < intended)
      Broken("a run that waits for a new pod has chosen an old one");
  }
  if (!Find(experiment, {"spec", "fault", "process"}) || !sees_()) return;
  const bool others = std::any_of(pods_.begin(), pods_.end(), [&](const auto& pod) {
    const PodFacts& facts = pod.second;
    return !targets.contains(pod.first) && facts.component == "worker" &&
           (facts.ready || (facts.ready_until >= nanoseconds(0) &&
                            facts.ready_until >= timeline_.Now() - kOldNews));
  });
  if (!others) Broken("a process is to be hit and no other worker is ready");
}

// What a green verdict rests on.
void Invariants::Passed(const Json& experiment) {
  const Result<milliseconds> duration = ParseDuration(Text(experiment, {"spec", "duration"}));
  const Json& targets = ListAt(experiment, {"status", "targets"});
  if (targets.empty()) Broken("Passed, and nobody was hit");
  for (const Json& target : targets) {
    const FaultSpan* span =
        SpanOf(RunOf(Text(target, {"intent", "sidecar"})), Text(target, {"uid"}));
    if (span == nullptr || !span->took) {
      Broken("Passed, and the fault took no effect on " + Text(target, {"pod"}));
    } else if (span->lasts &&
               (!span->to || (duration && *span->to - span->from < *duration - kLess))) {
      Broken("Passed, and the fault was not on for its duration");
    }
  }
  const std::string load = Text(experiment, {"status", "load", "name"});
  if (load.empty()) {
    if (Find(experiment, {"spec", "load"})) Broken("Passed, and the load that it owns never was");
    return;
  }
  const VersionPtr found = api_.server.store().Find(
      *FindResource(kube::kLoadTests), {Text(experiment, {"metadata", "namespace"}), load});
  if (!found || Text(found->object, {"status", "verdict"}) != "Passed")
    Broken("Passed, and the load that it owns did not pass");
}

// The rule: each target is clean, its pod is gone, or its deadline has passed.
void Invariants::FinalizerGone(const Json& experiment) {
  for (const Json& target : ListAt(experiment, {"status", "targets"})) {
    const std::string sidecar = Text(target, {"intent", "sidecar"});
    if (sidecar.empty()) continue;
    const std::string uid = Text(target, {"uid"});
    const bool pod_there = std::any_of(
        api_.server.store().All(*FindResource(kube::kPods)).begin(),
        api_.server.store().All(*FindResource(kube::kPods)).end(), [&](const auto& pod) {
          return Text(pod.second->object, {"metadata", "uid"}) == uid;
        });
    if (!pod_there) continue;  // without grace: the kubelet needs a moment more
    const FaultSpan* span = SpanOf(RunOf(sidecar), uid);
    if (span != nullptr && span->lasts && !span->to)
      Broken("the finalizer went while a fault was on");
    if (TrueTime(timeline_.Now()) > TimeAt(target, {"intent", "deadline"})) continue;
    const std::vector<std::string> running = kubelet_.RunningSidecars(uid);
    if (std::find(running.begin(), running.end(), sidecar) != running.end())
      Broken("the finalizer went while the injector still ran, before its deadline");
  }
}

void Invariants::VerdictsStay(const Record& record) {
  const Json& now = record.after->object;
  for (const Json& run : ListAt(now, {"status", "runs"})) {
    const std::string id = Text(now, {"metadata", "uid"}) + "/" + Text(run, {"specHash"});
    const std::string verdict = Text(run, {"verdict"}) + "/" + Text(run, {"reason"});
    const auto [it, fresh] = verdicts_.emplace(id, verdict);
    if (!fresh && it->second != verdict)
      Broken("a verdict changed from " + it->second + " to " + verdict);
  }
  if (!record.before) return;
  const Json& before = record.before->object;
  const auto verdict_of = [](const Json& one) {
    return Text(one, {"status", "verdict"}) + "/" + Text(one, {"status", "reason"});
  };
  const auto speaks_of = [](const Json& one) {
    return Integer(one, {"status", "observedGeneration"});
  };
  const bool same_run = speaks_of(before) == speaks_of(now);
  if (same_run && Text(before, {"status", "phase"}) == "Finished" &&
      !Text(before, {"status", "verdict"}).empty() && Find(now, {"status", "runs"}) &&
      verdict_of(before) != verdict_of(now))
    Broken("a finished run went from " + verdict_of(before) + " to " +
           Text(now, {"status", "phase"}) + " " + verdict_of(now));
}

void Invariants::StatusIsWellFormed(const Json& experiment) {
  const std::int64_t observed = Integer(experiment, {"status", "observedGeneration"}, -1);
  const bool deleting = Find(experiment, {"metadata", "deletionTimestamp"});  // counts as a change
  const std::int64_t generation =
      deleting ? observed : Integer(experiment, {"metadata", "generation"});
  if (observed > generation) Broken("observedGeneration is ahead of the generation");
  const Json* conditions = Find(experiment, {"status", "conditions"});
  if (conditions == nullptr) return;
  const std::string wrong =
      kube::CheckKstatus(kube::ConditionsFromJson(*conditions), generation, observed);
  if (!wrong.empty()) Broken("conditions: " + wrong);
}

}  // namespace chaos::sim
