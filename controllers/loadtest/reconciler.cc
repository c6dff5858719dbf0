#include "controllers/loadtest/reconciler.h"

#include <algorithm>
#include <set>

#include "controllers/loadtest/bodies.h"
#include "controllers/loadtest/describe.h"
#include "injectors/protocol/names.h"
#include "operator/base/mutant.h"
#include "operator/base/time_text.h"

namespace chaos::loadtest {
namespace {

constexpr seconds kServicesFor{5};
constexpr seconds kPromptsFor{5};
constexpr milliseconds kLogPause{1000};  // a load pod writes every second
constexpr milliseconds kLogSilence{15'000};
constexpr seconds kAfresh{10};
constexpr seconds kDeleteFor{60};

// A finished load test that its run has left nothing of.
bool AtRest(const LoadTest& t) {
  return !t.status.Live() && t.status.phase == "Finished" &&
         FindRun(t.status.runs, t.spec_hash) != nullptr;
}

std::string RunOf(const LoadTest& t) {
  return RunId(t.meta.uid, t.status.Live() ? t.status.active_run : t.spec_hash);
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (end > at) lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

}  // namespace

bool NeedsPods(const LoadTest& t) { return t.status.Live() || (!AtRest(t) && !t.spec.suspend); }

Result<std::optional<milliseconds>> Reconciler::Reconcile(const kube::Key& key) {
  const std::shared_ptr<const LoadTest> test = p_.tests.Get(key);
  if (!test) return std::optional<milliseconds>();
  const std::string run = RunOf(*test);
  RunMemory& memory = memory_[run];
  const Observed world = Observe(*test, memory);
  const TimePoint now = p_.clock.Now();
  const Step step = Plan(*test, world, now);
  if (!step.refused_rule.empty() && p_.refused) p_.refused(step.refused_rule);
  bool acted = false;
  for (const Action& action : step.actions) {
    if (Result<void> done = Carry({*test, run, memory}, action); !done) {
      // Our picture is old, and a watch may need minutes to say so: read, instead of running into
      // it again.
      if (done.error().reason == Reason::kConflict && Refresh(key))
        return std::optional(milliseconds(50));
      return done.error();
    }
    acted = acted || !std::holds_alternative<FollowPod>(action);
  }
  if (acted) return std::optional(milliseconds(0));  // look at what has become of it
  if (!step.wake) return std::optional<milliseconds>();
  return std::optional(
      std::max(milliseconds(1), std::chrono::ceil<milliseconds>(*step.wake - now)));
}

bool Reconciler::Refresh(const kube::Key& key) {
  const Result<Json> answer = p_.client.Get(kube::kLoadTests, key.ns, key.name);
  if (!answer) return false;
  Result<LoadTest> now = LoadTest::FromJson(*answer);
  if (!now) return false;
  p_.tests.Wrote(*std::move(now));
  return true;
}

Observed Reconciler::Observe(const LoadTest& test, RunMemory& memory) {
  const std::string& ns = test.meta.key.ns;
  Observed world;
  world.settings = &p_.settings;
  world.ns = p_.namespaces.Get({"", ns});
  world.max_live = MaxLive(world.ns.get());
  for (const auto& stop : p_.stops.List()) {
    if (!stop->meta.deleting && stop->Covers(ns)) world.stop = stop;
  }
  for (const auto& other : p_.tests.List(ns)) {
    if (other->meta.key != test.meta.key) world.siblings.push_back(other);
  }
  if (test.owner) world.owner = p_.owner(test);
  world.log = &memory.log;
  if (!NeedsPods(test)) return world;

  ReadLogs(test, memory);
  for (auto& [index, pod] : memory.pods) {
    world.views[index] = {pod.uid, pod.over_since,
                          pod.over_since ? pod.log.ends() - pod.ends_before : 0};
  }
  world.job = memory.job;
  world.job_read_at = memory.job_read_at;
  world.job_error = memory.job_error;
  world.report_written = memory.report_written;
  world.report_error = memory.report_error;
  world.job_deleted = memory.job_deleted;
  world.told = memory.told;
  PodWatch::Seen seen = p_.pods.Look(ns);
  world.pods_synced = seen.synced;
  world.pods = std::move(seen.pods);
  if (seen.error && seen.error->reason == Reason::kDenied)
    world.not_bound = NotBoundText(ns, p_.settings.operator_namespace);
  if (!test.status.Live()) {
    Result<Profile> profile = p_.profile();
    if (profile)
      world.profile = *std::move(profile);
    else
      world.profile_error = profile.error().detail;
    ReadServices(test, memory);
    world.services = memory.services;
  }
  if (!test.spec.prompts.config_map.empty() && test.status.verdict.empty()) {
    ReadPrompts(test, memory);
    world.prompts = memory.prompts;
  }
  return world;
}

void Reconciler::ReadServices(const LoadTest& test, RunMemory& memory) {
  const nanoseconds now = p_.clock.SinceBoot();
  if (memory.services && now - memory.services_at < kServicesFor) return;
  memory.services.reset();
  Result<kube::ListAnswer> answer = p_.client.List(kube::kServices, test.meta.key.ns);
  if (!answer) {
    p_.log.Warn("services cannot be read",
                {{"namespace", test.meta.key.ns}, {"error", answer.error().detail}});
    return;
  }
  memory.services.emplace();
  for (const Json& item : answer->items) memory.services->push_back(Service::FromJson(item));
  memory.services_at = now;
}

// Needed until the Job is made of them.
void Reconciler::ReadPrompts(const LoadTest& test, RunMemory& memory) {
  const nanoseconds now = p_.clock.SinceBoot();
  if (memory.job || !memory.log.pods().empty()) return;
  if (memory.prompts && (*memory.prompts || now - memory.prompts_at < kPromptsFor)) return;
  const Prompts& prompts = test.spec.prompts;
  memory.prompts_at = now;
  const std::string what = "ConfigMap " + prompts.config_map;
  Result<Json> map = p_.client.Get(kube::kConfigMaps, test.meta.key.ns, prompts.config_map);
  if (!map) {
    memory.prompts =
        Error{Reason::kNotFound, what + " cannot be read: " + map.error().detail, {}, 0};
    return;
  }
  std::vector<std::string> lines = Lines(Text(*map, {"data", prompts.key}));
  if (lines.empty())
    memory.prompts =
        Error{Reason::kNotFound, what + " has no prompts under key " + prompts.key, {}, 0};
  else
    memory.prompts = std::move(lines);
}

LogFollower::Parts Reconciler::Following(const kube::Key& key) const {
  return {p_.client, p_.clock, p_.queue, key, kLogPause, kLogSilence};
}

void Reconciler::ReadLogs(const LoadTest& test, RunMemory& memory) {
  for (auto& [index, pod] : memory.pods) {
    pod.log.Read(Following(test.meta.key), [&, which = index](std::string_view text) {
      Result<protocol::LoadLine> line = protocol::ParseLoadLine(text);
      if (line && line->pod == which) memory.log.Add(*line);
    });
  }
}

void Reconciler::Forget() {
  std::set<std::string> runs;
  for (const auto& test : p_.tests.List()) {
    if (NeedsPods(*test)) runs.insert(RunOf(*test));
  }
  std::erase_if(memory_, [&](const auto& entry) { return !runs.contains(entry.first); });
}

Result<void> Reconciler::Carry(const Context& context, const Action& action) {
  const bool reads_only =
      std::holds_alternative<FollowPod>(action) || std::holds_alternative<ReadJob>(action);
  if (!reads_only && !p_.may_write())
    return Error{Reason::kCancelled, "this replica does not lead (any more)", {}, 0};
  return std::visit([&](const auto& what) { return Do(context, what); }, action);
}

Result<void> Reconciler::Do(const Context& c, const WriteStatus& action) {
  const kube::ObjectMeta& meta = c.test.meta;
  const Json body = {{"apiVersion", "chaos.rbee.dev/v1alpha1"},
                     {"kind", "LoadTest"},
                     {"metadata",
                      {{"name", meta.key.name},
                       {"namespace", meta.key.ns},
                       {"resourceVersion", meta.resource_version}}},
                     {"status", action.status.ToJson()}};
  Result<Json> answer = p_.client.PatchObject(kube::kLoadTests, meta.key.ns, meta.key.name,
                                              "status", kube::Patch::kApply, body);
  if (!answer) {
    if (answer.error().reason == Reason::kInvalid)
      p_.log.Error("the API server refuses a status",
                   {{"loadtest", meta.key.Print()}, {"error", answer.error().detail}});
    return answer.error();
  }
  if (Result<LoadTest> written = LoadTest::FromJson(*answer)) p_.tests.Wrote(*std::move(written));
  const Status& before = c.test.status;
  const Status& after = action.status;
  if (before.started_at != after.started_at && c.memory.job && !c.memory.job->exists)
    c.memory.job.reset();  // that there was none was said of the T0 before
  for (const Happening& h : Happenings(before, after)) {
    p_.events.Record({&kube::kLoadTests, meta, h.kind, h.reason, h.action, h.note, c.run});
  }
  if (before.phase != after.phase || before.verdict != after.verdict) {
    p_.log.Info("status", {{"loadtest", meta.key.Print()},
                           {"run", c.run},
                           {"phase", after.phase},
                           {"verdict", after.verdict},
                           {"reason", after.reason}});
  }
  if (after.phase == "Finished") {  // somebody may have waited for this
    for (const auto& other : p_.tests.List(meta.key.ns)) {
      if (!AtRest(*other)) p_.queue.Add(other->meta.key);
    }
  }
  return {};
}

Result<void> Reconciler::PatchMeta(const Context& c, const Json& patch) {
  const kube::Key& key = c.test.meta.key;
  Result<Json> answer =
      p_.client.PatchObject(kube::kLoadTests, key.ns, key.name, "", kube::Patch::kMerge, patch);
  if (!answer) return answer.error();
  if (Result<LoadTest> written = LoadTest::FromJson(*answer)) p_.tests.Wrote(*std::move(written));
  return {};
}

Result<void> Reconciler::Do(const Context& c, const MarkRan& action) {
  Json patch = {{"metadata", {{"resourceVersion", c.test.meta.resource_version}}}};
  patch["metadata"]["annotations"][std::string(protocol::kRanAnnotation)] = action.ran;
  return PatchMeta(c, patch);
}

Result<void> Reconciler::Do(const Context& c, const RemoveAbort&) {
  Json patch = {{"metadata", {{"resourceVersion", c.test.meta.resource_version}}}};
  patch["metadata"]["annotations"][std::string(protocol::kAbortAnnotation)] = nullptr;
  return PatchMeta(c, patch);
}

Result<void> Reconciler::Do(const Context& c, const CreateJob& action) {
  c.memory.job_read_at = p_.clock.Now();
  Result<Json> answer = p_.client.Create(kube::kJobs, c.test.meta.key.ns, action.job);
  if (answer) {
    c.memory.job_error.reset();
    c.memory.job = JobView{true, *c.test.status.started_at, ""};
    return {};
  }
  const Error& error = answer.error();
  // It is there already, made by us before (the name is the run's): with which T0?
  if (error.reason == Reason::kConflict)
    return Do(c, ReadJob{Text(action.job, {"metadata", "name"}), false});
  if (error.reason == Reason::kDenied || error.reason == Reason::kInvalid) {
    c.memory.job_error = error;
    return {};
  }
  return error;
}

Result<void> Reconciler::Do(const Context& c, const ReadJob& action) {
  const std::string& ns = c.test.meta.key.ns;
  Result<Json> answer = p_.client.Get(kube::kJobs, ns, action.job);
  if (!answer && answer.error().reason != Reason::kNotFound) return answer.error();
  // It goes with its load test, and a watch may need minutes to say so: nothing is made for one
  // that is gone.
  const std::string& name = c.test.meta.key.name;
  if (!answer) {
    if (Result<Json> owner = p_.client.Get(kube::kLoadTests, ns, name); !owner)
      return owner.error();
  }
  c.memory.job_read_at = p_.clock.Now();
  c.memory.job_error.reset();
  JobView view;
  view.exists = static_cast<bool>(answer);
  if (view.exists) {
    view.t0 = *c.test.status.started_at;
    const Result<TimePoint> t0 =
        ParseTime(Text(*answer, {"metadata", "annotations", kStartAnnotation}));
    if (t0) view.t0 = *t0;
    if (action.events) view.refused = WhyNoPods(ns, action.job);
  }
  c.memory.job = std::move(view);
  return {};
}

// The Job's controller says it in Events alone; the newest counts.
std::string Reconciler::WhyNoPods(const std::string& ns, const std::string& job) {
  Result<kube::ListAnswer> events =
      p_.client.List(kube::kEvents, ns, "", "", "regarding.name=" + job);
  if (!events) return "";
  std::string words, newest;
  for (const Json& event : events->items) {
    if (Text(event, {"reason"}) != "FailedCreate") continue;
    const std::string at =
        Text(event, {"series", "lastObservedTime"},
             Text(event, {"deprecatedLastTimestamp"}, Text(event, {"eventTime"})));
    if (words.empty() || at >= newest) {
      newest = at;
      words = Text(event, {"note"});
    }
  }
  return words;
}

Result<void> Reconciler::Do(const Context& c, const FollowPod& action) {
  FollowedPod& pod = c.memory.pods[action.index];
  if (pod.uid != action.uid) {
    pod = FollowedPod{};
    pod.uid = action.uid;
  }
  if (action.ended && !pod.over_since) {
    pod.over_since = p_.clock.Now();
    pod.ends_before = pod.log.ends();
  }
  if (const nanoseconds now = p_.clock.SinceBoot(); action.afresh && now > pod.afresh_at) {
    pod.log.Close();
    pod.afresh_at = now + kAfresh;
  }
  pod.log.Open(Following(c.test.meta.key), action.pod, protocol::kLoadContainer);
  return {};
}

Result<void> Reconciler::Do(const Context& c, const TellPod& action) {
  Json patch = {{"metadata", {{"uid", action.uid}}}};
  patch["metadata"]["annotations"][std::string(protocol::kLoadStopAnnotation)] = action.value;
  Result<Json> answer = p_.client.PatchObject(kube::kPods, c.test.meta.key.ns, action.pod, "",
                                              kube::Patch::kMerge, patch);
  if (answer) {
    c.memory.told[action.uid] = action.value;
    if (Result<Pod> pod = Pod::FromJson(*answer))
      p_.pods.Wrote(c.test.meta.key.ns, *std::move(pod));
    return {};
  }
  const Error& error = answer.error();
  const bool gone = error.reason == Reason::kNotFound || error.reason == Reason::kConflict ||
                    error.reason == Reason::kInvalid;
  if (gone || error.reason == Reason::kDenied) {  // its Job is deleted all the same
    c.memory.told[action.uid] = action.value;
    p_.log.Warn("a load pod cannot be told",
                {{"pod", action.pod}, {"value", action.value}, {"error", error.detail}});
    return {};
  }
  return error;
}

Result<void> Reconciler::Do(const Context& c, const WriteReport& action) {
  if (CHAOS_MUTANT("load-forget-report")) {
    c.memory.report_written = true;
    return {};
  }
  Result<Json> answer = p_.client.Create(kube::kReports, c.test.meta.key.ns, action.report);
  // 409: written before, by us or by a predecessor that died over it.
  if (answer || answer.error().reason == Reason::kConflict) {
    c.memory.report_written = true;
    return {};
  }
  const Error& error = answer.error();
  if (error.reason == Reason::kDenied || error.reason == Reason::kInvalid ||
      error.reason == Reason::kNotFound) {
    c.memory.report_error = error;
    return {};
  }
  return error;
}

Result<void> Reconciler::Do(const Context& c, const DeleteJob& action) {
  Result<void> done = CHAOS_MUTANT("load-leave-job")
                          ? Result<void>()
                          : p_.client.Delete(kube::kJobs, c.test.meta.key.ns, action.job);
  // Refused for longer, its own deadline and its ttl have to do.
  const bool refused = !done && done.error().reason == Reason::kDenied &&
                       p_.clock.Now() > *c.test.status.finished_at + kDeleteFor;
  if (!done && !refused) return done;
  for (auto& [index, pod] : c.memory.pods) pod.log.Close();
  c.memory.job_deleted = true;
  return {};
}

}  // namespace chaos::loadtest
