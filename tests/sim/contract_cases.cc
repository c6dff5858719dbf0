#include "tests/sim/contract_cases.h"

#include "operator/base/time_text.h"
#include "tests/sim/contract_objects.h"

namespace chaos::sim {
namespace {

using kube::kConfigMaps;
using kube::kEvents;
using kube::kExperiments;
using kube::kLeases;
using kube::kNamespaces;
using kube::kPods;
using kube::Patch;

// --- create, read, dry run ---

void CreateFillsIn(ContractStage& s) {
  const Result<Json> made = s.client().Create(kExperiments, s.ns(), Experiment("a"));
  s.Note(Outcome(made));
  if (!made) return;
  s.Note("generation " + std::to_string(Integer(*made, {"metadata", "generation"})));
  s.Note(Text(*made, {"metadata", "uid"}).size() == 36 ? "uid" : "no uid");
  s.Note(ParseTime(Text(*made, {"metadata", "creationTimestamp"})) ? "created" : "no time");
  s.Note(Text(*made, {"spec", "safety", "maxPrivilege"}) == "PodCapabilities" ? "spec kept"
                                                                              : "spec lost");
}

void CreateTwice(ContractStage& s) {
  s.Note(Outcome(s.client().Create(kConfigMaps, s.ns(), ConfigMap("a"))));
  s.Note(Outcome(s.client().Create(kConfigMaps, s.ns(), ConfigMap("a"))));
}

void CreateWithoutNamespace(ContractStage& s) {
  s.Note(Outcome(s.client().Create(kConfigMaps, s.ns() + "-missing", ConfigMap("a"))));
}

void CreateWithBadName(ContractStage& s) {
  s.Note(Outcome(s.client().Create(kConfigMaps, s.ns(), ConfigMap("Not_A_Name"))));
}

void DryRunStoresNothing(ContractStage& s) {
  s.Note(Outcome(s.client().Create(kConfigMaps, s.ns(), ConfigMap("a"), {.dry_run = true})));
  s.Note(Outcome(s.client().Get(kConfigMaps, s.ns(), "a")));
  s.Note(Outcome(s.client().Create(kConfigMaps, s.ns(), ConfigMap("a"))));
  s.Note(Outcome(s.client().Create(kConfigMaps, s.ns(), ConfigMap("a"), {.dry_run = true})));
}

void CustomDefaults(ContractStage& s) {
  Json object = Experiment("a");
  object["status"] = {{"phase", "Finished"}, {"observedGeneration", 7}};
  s.Note(Outcome(s.client().Create(kExperiments, s.ns(), object)));
  const Result<Json> found = s.client().Get(kExperiments, s.ns(), "a");
  if (!found) return s.Note(Outcome(found));
  s.Note("phase " + Text(*found, {"status", "phase"}));
  s.Note("observed " + std::to_string(Integer(*found, {"status", "observedGeneration"})));
  s.Note("maxTargets " + std::to_string(Integer(*found, {"spec", "safety", "maxTargets"})));
}

void UnknownField(ContractStage& s) {
  Json object = Experiment("a");
  object["spec"]["durration"] = "30s";
  s.Note(Outcome(s.client().Create(kExperiments, s.ns(), object)));
}

void NameTooLong(ContractStage& s) {
  s.Note(Outcome(s.client().Create(kExperiments, s.ns(), Experiment(std::string(53, 'a')))));
}

// --- patch and replace ---

void StaleMergePatch(ContractStage& s) {
  const std::string old = VersionOf(s.client().Create(kConfigMaps, s.ns(), ConfigMap("a")));
  s.Note(Outcome(
      s.client().PatchObject(kConfigMaps, s.ns(), "a", "", Patch::kMerge, Labels(old, "x", "1"))));
  s.Note(Outcome(
      s.client().PatchObject(kConfigMaps, s.ns(), "a", "", Patch::kMerge, Labels(old, "x", "2"))));
  s.Note(Outcome(s.client().PatchObject(kConfigMaps, s.ns(), "missing", "", Patch::kMerge,
                                        Labels("", "x", "1"))));
}

void PatchWithoutChange(ContractStage& s) {
  Must(s, s.client().Create(kConfigMaps, s.ns(), ConfigMap("a")));
  const Json body = Labels("", "x", "1");
  const std::string first =
      VersionOf(s.client().PatchObject(kConfigMaps, s.ns(), "a", "", Patch::kMerge, body));
  const std::string again =
      VersionOf(s.client().PatchObject(kConfigMaps, s.ns(), "a", "", Patch::kMerge, body));
  s.Note(first == again ? "same version" : "new version");
}

void PatchOfAnotherUid(ContractStage& s) {
  Must(s, s.client().Create(kConfigMaps, s.ns(), ConfigMap("a")));
  s.Note(
      Outcome(s.client().PatchObject(kConfigMaps, s.ns(), "a", "", Patch::kMerge, Uid(kOtherUid))));
  Must(s, s.client().Create(kExperiments, s.ns(), Experiment("a")));
  s.Note(Outcome(
      s.client().PatchObject(kExperiments, s.ns(), "a", "", Patch::kMerge, Uid(kOtherUid))));
}

void ReplaceRules(ContractStage& s) {
  Result<Json> made = s.client().Create(kConfigMaps, s.ns(), ConfigMap("a"));
  if (!made) return s.Note(Outcome(made));
  Json other = *made;
  other["metadata"]["uid"] = kOtherUid;
  s.Note("other uid " + Outcome(s.client().Replace(kConfigMaps, s.ns(), "a", other)));
  Json now = *made;
  now["data"] = {{"k", "2"}};
  s.Note("current " + Outcome(s.client().Replace(kConfigMaps, s.ns(), "a", now)));
  now["data"] = {{"k", "3"}};
  s.Note("stale " + Outcome(s.client().Replace(kConfigMaps, s.ns(), "a", now)));
  now["metadata"].erase("resourceVersion");
  s.Note("without version " + Outcome(s.client().Replace(kConfigMaps, s.ns(), "a", now)));
}

void JsonPatchTest(ContractStage& s) {
  Must(s, s.client().Create(kConfigMaps, s.ns(), ConfigMap("a")));
  const Json wrong = Json::array({{{"op", "test"}, {"path", "/data/k"}, {"value", "9"}}});
  const Json right = Json::array({{{"op", "test"}, {"path", "/data/k"}, {"value", "1"}},
                                  {{"op", "replace"}, {"path", "/data/k"}, {"value", "2"}}});
  s.Note(Outcome(s.client().PatchObject(kConfigMaps, s.ns(), "a", "", Patch::kJson, wrong)));
  s.Note(Outcome(s.client().PatchObject(kConfigMaps, s.ns(), "a", "", Patch::kJson, right)));
}

void CustomStrategic(ContractStage& s) {
  Must(s, s.client().Create(kExperiments, s.ns(), Experiment("a")));
  s.Note(Outcome(s.client().PatchObject(kExperiments, s.ns(), "a", "", Patch::kStrategicMerge,
                                        Labels("", "x", "1"))));
}

void GenerationCountsSpecs(ContractStage& s) {
  Must(s, s.client().Create(kExperiments, s.ns(), Experiment("a")));
  const auto generation = [&](const std::string& sub, const Json& body) {
    const Result<Json> done =
        s.client().PatchObject(kExperiments, s.ns(), "a", sub, Patch::kMerge, body);
    s.Note(done ? std::to_string(Integer(*done, {"metadata", "generation"})) : Outcome(done));
  };
  generation("", Labels("", "x", "1"));
  generation("status", {{"status", {{"phase", "Queued"}}}});
  generation("", {{"spec", {{"run", 2}}}});
}

void StatusApart(ContractStage& s) {
  Must(s, s.client().Create(kExperiments, s.ns(), Experiment("a")));
  const Json both{{"status", {{"phase", "Queued"}}},
                  {"spec", {{"run", 2}}},
                  {"metadata", {{"labels", {{"x", "1"}}}}}};
  const auto look = [&](const Result<Json>& done) {
    if (!done) return s.Note(Outcome(done));
    s.Note(Text(*done, {"status", "phase"}) + " run " +
           std::to_string(Integer(*done, {"spec", "run"})) +
           (Find(*done, {"metadata", "labels", "x"}) ? " labelled" : ""));
  };
  look(s.client().PatchObject(kExperiments, s.ns(), "a", "status", Patch::kMerge, both));
  const Json spec{{"status", {{"phase", "Finished"}}}, {"spec", {{"run", 3}}}};
  look(s.client().PatchObject(kExperiments, s.ns(), "a", "", Patch::kMerge, spec));
}

void StatusMustFitTheSchema(ContractStage& s) {
  Must(s, s.client().Create(kExperiments, s.ns(), Experiment("a")));
  const auto patch = [&](const Json& status) {
    s.Note(Outcome(s.client().PatchObject(kExperiments, s.ns(), "a", "status", Patch::kMerge,
                                          {{"status", status}})));
  };
  patch({{"phase", "Dancing"}});
  patch({{"activeRun", std::string(65, 'a')}});
  patch({{"fantasy", 1}});
}

void LiveRunFreezesTheSpec(ContractStage& s) {
  Must(s, s.client().Create(kExperiments, s.ns(), Experiment("a")));
  const auto patch = [&](const std::string& sub, const Json& body) {
    s.Note(Outcome(s.client().PatchObject(kExperiments, s.ns(), "a", sub, Patch::kMerge, body)));
  };
  patch("status", {{"status", {{"activeRun", "0123456789abcdef"}}}});
  patch("", {{"spec", {{"run", 2}}}});
  patch("", {{"metadata", {{"annotations", {{"chaos.rbee.dev/abort", "enough"}}}}}});
  patch("status", {{"status", {{"activeRun", nullptr}}}});
  patch("", {{"spec", {{"run", 2}}}});
}

Json Ready() {
  return {{"type", "Ready"},
          {"status", "True"},
          {"reason", "Fine"},
          {"message", ""},
          {"lastTransitionTime", "2026-01-05T08:00:00Z"}};
}

void AppliedStatusIsWhole(ContractStage& s) {
  Must(s, s.client().Create(kExperiments, s.ns(), Experiment("a")));
  const auto apply = [&](const std::string& name, const std::string& version, const Json& status) {
    Json body{{"apiVersion", "chaos.rbee.dev/v1alpha1"},
              {"kind", "ChaosExperiment"},
              {"metadata", {{"name", name}}},
              {"status", status}};
    if (!version.empty()) body["metadata"]["resourceVersion"] = version;
    return s.client().PatchObject(kExperiments, s.ns(), name, "status", Patch::kApply, body);
  };
  const Json full{{"phase", "Baseline"},
                  {"observedGeneration", 1},
                  {"activeRun", "0123456789abcdef"},
                  {"summary", "x"}};
  const Json less{{"phase", "Pending"}, {"observedGeneration", 1}};
  const std::string made = VersionOf(s.client().Get(kExperiments, s.ns(), "a"));
  const Result<Json> first = apply("a", made, full);
  s.Note(Outcome(first));
  s.Note("again " + std::string(VersionOf(apply("a", "", full)) == VersionOf(first)
                                    ? "same version"
                                    : "new version"));
  s.Note("stale " + Outcome(apply("a", made, less)));
  const Result<Json> second = apply("a", "", less);
  s.Note(second && !Find(*second, {"status", "activeRun"}) ? "dropped" : "kept");
  s.Note("missing " + Outcome(apply("b", "", less)));
}

// What the operator writes must be in the schema, to the last field.
void AppliedStatusMustFitTheSchema(ContractStage& s) {
  Must(s, s.client().Create(kExperiments, s.ns(), Experiment("a")));
  const auto apply = [&](const std::string& what, const Json& status) {
    const Json body{{"apiVersion", "chaos.rbee.dev/v1alpha1"},
                    {"kind", "ChaosExperiment"},
                    {"metadata", {{"name", "a"}}},
                    {"status", status}};
    s.Note(
        what + " " +
        Outcome(s.client().PatchObject(kExperiments, s.ns(), "a", "status", Patch::kApply, body)));
  };
  apply("unknown", {{"fantasy", 1}});
  apply("unknown below", {{"counts", {{"fantasy", 1}}}});
  apply("unknown in a list",
        {{"targets", Json::array({{{"pod", "p"}, {"uid", "u"}, {"fantasy", 1}}})}});
  apply("number for text", {{"phase", 7}});
  apply("text for a number", {{"observedGeneration", "1"}});
  apply("text for a list", {{"targets", "none"}});
  apply("list for an object", {{"counts", Json::array()}});
  apply("null", {{"phase", nullptr}, {"summary", nullptr}});
  apply("not of the enum", {{"phase", "Dancing"}});
  apply("no time", {{"startedAt", "yesterday"}});
  apply("too large a number", {{"counts", {{"targets", 3000000000LL}}}});
  apply("too long", {{"activeRun", std::string(65, 'a')}});
  apply("key twice", {{"conditions", Json::array({Ready(), Ready()})}});
}

// The same merged.
void MergedStatusMustFitTheSchema(ContractStage& s) {
  Must(s, s.client().Create(kExperiments, s.ns(), Experiment("a")));
  const auto merge = [&](const std::string& what, const Json& status) {
    s.Note(what + " " +
           Outcome(s.client().PatchObject(kExperiments, s.ns(), "a", "status", Patch::kMerge,
                                          {{"status", status}})));
  };
  merge("number for text", {{"phase", 7}});
  merge("no time", {{"startedAt", "yesterday"}});
  merge("too large a number", {{"counts", {{"targets", 3000000000LL}}}});
  merge("unknown below", {{"counts", {{"fantasy", 1}}}});
  merge("key twice", {{"conditions", Json::array({Ready(), Ready()})}});
}

// --- deletion ---

void DeleteMissing(ContractStage& s) {
  s.Note(Outcome(s.client().Delete(kConfigMaps, s.ns(), "missing")));
  s.Note(Raw(s, kube::Method::kDelete, PathOf(kConfigMaps, s.ns(), "missing"), Json::object()));
}

void DeleteOfAnotherUid(ContractStage& s) {
  Must(s, s.client().Create(kConfigMaps, s.ns(), ConfigMap("a")));
  const Json other{
      {"apiVersion", "v1"}, {"kind", "DeleteOptions"}, {"preconditions", {{"uid", kOtherUid}}}};
  s.Note(Raw(s, kube::Method::kDelete, PathOf(kConfigMaps, s.ns(), "a"), other));
  s.Note(Outcome(s.client().Get(kConfigMaps, s.ns(), "a")));
  s.Note(Outcome(s.client().Delete(kConfigMaps, s.ns(), "a")));
  s.Note(Outcome(s.client().Get(kConfigMaps, s.ns(), "a")));
}

void FinalizerHolds(ContractStage& s) {
  Must(s, s.client().Create(kExperiments, s.ns(), Held(Experiment("a"))));
  s.Note(Outcome(s.client().Delete(kExperiments, s.ns(), "a")));
  const Result<Json> held = s.client().Get(kExperiments, s.ns(), "a");
  if (!held) return s.Note(Outcome(held));
  s.Note(Find(*held, {"metadata", "deletionTimestamp"}) ? "deleting" : "not deleting");
  s.Note("generation " + std::to_string(Integer(*held, {"metadata", "generation"})));
  s.Note(Outcome(s.client().Delete(kExperiments, s.ns(), "a")));
  s.Note(VersionOf(s.client().Get(kExperiments, s.ns(), "a")) == VersionOf(held) ? "unchanged"
                                                                                 : "changed");
  s.Note(Outcome(s.client().PatchObject(kExperiments, s.ns(), "a", "", Patch::kMerge,
                                        Finalizers({"x.y/more", kHold}))));
  s.Note(Outcome(
      s.client().PatchObject(kExperiments, s.ns(), "a", "", Patch::kMerge, Finalizers({}))));
  s.Note(Outcome(s.client().Get(kExperiments, s.ns(), "a")));
}

void DependentsFollow(ContractStage& s) {
  const Result<Json> owner = s.client().Create(kExperiments, s.ns(), Experiment("owner"));
  if (!owner) return s.Note(Outcome(owner));
  Must(s, s.client().Create(kConfigMaps, s.ns(), Owned(ConfigMap("child"), *owner)));
  Must(s, s.client().Delete(kExperiments, s.ns(), "owner"));
  const bool gone =
      s.Await([&] { return !s.client().Get(kConfigMaps, s.ns(), "child"); }, seconds(60));
  s.Note(gone ? "collected" : "left behind");
}

void TerminatingNamespace(ContractStage& s) {
  Must(s, s.client().Create(kConfigMaps, s.ns(), Held(ConfigMap("holds"))));
  s.Note(Outcome(s.client().Delete(kNamespaces, "", s.ns())));
  s.Note(Outcome(s.client().Create(kConfigMaps, s.ns(), ConfigMap("late"))));
  Must(s, s.client().PatchObject(kConfigMaps, s.ns(), "holds", "", Patch::kMerge, Finalizers({})));
  const bool gone = s.Await([&] { return !s.client().Get(kNamespaces, "", s.ns()); }, seconds(60));
  s.Note(gone ? "gone" : "still there");
}

// --- sidecars: strategic merge patches of pods/ephemeralcontainers ---

Result<Json> Sidecars(ContractStage& s, const Json& body, kube::WriteOptions options = {},
                      Patch patch = Patch::kStrategicMerge) {
  return s.client().PatchObject(kPods, s.ns(), "p", "ephemeralcontainers", patch, body, options);
}

void SidecarTwice(ContractStage& s) {
  Must(s, s.client().Create(kPods, s.ns(), Pod("p")));
  const Result<Json> first = Sidecars(s, Body({Sidecar("x1")}));
  const Result<Json> again = Sidecars(s, Body({Sidecar("x1")}));
  s.Note(Outcome(first));
  s.Note(Outcome(again));
  // A scheduler that notes once, between the two, that no node fits is no change of ours.
  const bool same = VersionOf(first) == VersionOf(again) ||
                    VersionOf(again) == VersionOf(Sidecars(s, Body({Sidecar("x1")})));
  s.Note(same ? "same version" : "new version");
}

void SidecarChanged(ContractStage& s) {
  Must(s, s.client().Create(kPods, s.ns(), Pod("p")));
  Must(s, Sidecars(s, Body({Sidecar("x1")})));
  Json other = Sidecar("x1");
  other["image"] = "example.invalid/other:1";
  s.Note(Outcome(Sidecars(s, Body({other}))));
}

void SidecarBesideSidecar(ContractStage& s) {
  Must(s, s.client().Create(kPods, s.ns(), Pod("p")));
  Must(s, Sidecars(s, Body({Sidecar("x1")})));
  const Result<Json> both = Sidecars(s, Body({Sidecar("x2")}));
  s.Note(both ? SidecarNames(*both) : Outcome(both));
}

void SidecarNameTwice(ContractStage& s) {
  Must(s, s.client().Create(kPods, s.ns(), Pod("p")));
  Json last = Sidecar("x1");
  last["image"] = "example.invalid/last:1";
  s.Note("first list " + Outcome(Sidecars(s, Body({Sidecar("x1"), last}))));
  Must(s, Sidecars(s, Body({Sidecar("x0")})));
  const Result<Json> done = Sidecars(s, Body({Sidecar("x1"), last}));
  s.Note(done ? SidecarNames(*done) + " " +
                    Text((*done)["spec"]["ephemeralContainers"][0], {"image"})
              : Outcome(done));
}

void SidecarGuards(ContractStage& s) {
  const std::string old = VersionOf(s.client().Create(kPods, s.ns(), Pod("p")));
  Json body = Body({Sidecar("x1")});
  body["metadata"] = {{"uid", kOtherUid}};
  s.Note("other uid " + Outcome(Sidecars(s, body)));
  Must(s, Sidecars(s, Body({Sidecar("x0")})));
  body["metadata"] = {{"resourceVersion", old}};
  s.Note("stale " + Outcome(Sidecars(s, body)));
  s.Note("missing pod " + Outcome(s.client().PatchObject(kPods, s.ns(), "q", "ephemeralcontainers",
                                                         Patch::kStrategicMerge, body)));
}

void SidecarRules(ContractStage& s) {
  Must(s, s.client().Create(kPods, s.ns(), Pod("p")));
  s.Note("container's name " + Outcome(Sidecars(s, Body({Sidecar("main")}))));
  Json target = Sidecar("x1");
  target["targetContainerName"] = "nobody";
  s.Note("unknown target " + Outcome(Sidecars(s, Body({target}))));
  Json resources = Sidecar("x1");
  resources["resources"] = {{"limits", {{"memory", "16Mi"}}}};
  s.Note("resources " + Outcome(Sidecars(s, Body({resources}))));
}

void SidecarDropsLabels(ContractStage& s) {
  Must(s, s.client().Create(kPods, s.ns(), Pod("p")));
  Json body = Body({Sidecar("x1")});
  body["metadata"] = {{"labels", {{"sneaked", "in"}}}};
  const Result<Json> done = Sidecars(s, body);
  s.Note(Outcome(done));
  s.Note(done && Find(*done, {"metadata", "labels", "sneaked"}) ? "kept" : "dropped");
}

void SidecarDryRun(ContractStage& s) {
  Must(s, s.client().Create(kPods, s.ns(), Pod("p")));
  s.Note(Outcome(Sidecars(s, Body({Sidecar("x1")}), {.dry_run = true})));
  const Result<Json> pod = s.client().Get(kPods, s.ns(), "p");
  s.Note(pod ? "sidecars: " + SidecarNames(*pod) : Outcome(pod));
}

void SidecarsStay(ContractStage& s) {
  Must(s, s.client().Create(kPods, s.ns(), Pod("p")));
  Must(s, Sidecars(s, Body({Sidecar("x1")})));
  s.Note("merge patch " + Outcome(Sidecars(s, Body({Sidecar("x2")}), {}, Patch::kMerge)));
  s.Note("pod itself " +
         Outcome(s.client().PatchObject(kPods, s.ns(), "p", "", Patch::kStrategicMerge,
                                        Body({Sidecar("x3")}))));
}

void LogWithoutNode(ContractStage& s) {
  Must(s, s.client().Create(kPods, s.ns(), Pod("p")));
  const Result<std::string> log = s.client().Log(s.ns(), "p", "main");
  s.Note(log ? "ok" : Outcome(log.error()));
  const Result<std::string> none = s.client().Log(s.ns(), "missing", "main");
  s.Note(none ? "ok" : Outcome(none.error()));
}

// --- leases and events ---

void LeaseRules(ContractStage& s) {
  s.Note("three digits " +
         Outcome(s.client().Create(kLeases, s.ns(), LeaseBody("l", "2026-01-05T08:00:00.123Z"))));
  const Result<Json> made =
      s.client().Create(kLeases, s.ns(), LeaseBody("l", "2026-01-05T08:00:00.123456Z"));
  s.Note("six digits " + Outcome(made));
  s.Note("again " + Outcome(s.client().Create(kLeases, s.ns(),
                                              LeaseBody("l", "2026-01-05T08:00:00.123456Z"))));
  if (!made) return;
  Json next = *made;
  next["spec"]["renewTime"] = "2026-01-05T08:00:02.000000Z";
  s.Note("renewed " + Outcome(s.client().Replace(kLeases, s.ns(), "l", next)));
  s.Note("stale " + Outcome(s.client().Replace(kLeases, s.ns(), "l", next)));
  next["metadata"].erase("resourceVersion");
  s.Note("without version " + Outcome(s.client().Replace(kLeases, s.ns(), "l", next)));
}

void EventRules(ContractStage& s) {
  s.Note("good " + Outcome(s.client().Create(kEvents, s.ns(), EventBody("a", s.ns()))));
  Json silent = EventBody("b", s.ns());
  silent.erase("action");
  s.Note("no action " + Outcome(s.client().Create(kEvents, s.ns(), silent)));
  s.Note("other namespace " +
         Outcome(s.client().Create(kEvents, s.ns(), EventBody("c", "default"))));
  Json wordy = EventBody("d", s.ns());
  wordy["note"] = std::string(1025, 'x');
  s.Note("long note " + Outcome(s.client().Create(kEvents, s.ns(), wordy)));
}

// --- lists and watches ---

void Selectors(ContractStage& s) {
  Must(s, s.client().Create(kConfigMaps, s.ns(), ConfigMap("a", "1")));
  Must(s, s.client().Create(kConfigMaps, s.ns(), ConfigMap("b", "2")));
  Must(s, s.client().Create(kConfigMaps, s.ns(), ConfigMap("c")));
  for (const char* selector :
       {"case=1", "case!=1,contract=true", "case in (1,2)", "!case,contract=true", "case"}) {
    const Result<kube::ListAnswer> list = s.client().List(kConfigMaps, s.ns(), selector);
    std::string names;
    for (const Json& item : list ? list->items : std::vector<Json>())
      names += " " + Text(item, {"metadata", "name"});
    s.Note(std::string(selector) + ":" + (list ? names : Outcome(list.error())));
  }
}

void PagesAreOneSnapshot(ContractStage& s) {
  for (const char* name : {"a", "b", "c"})
    Must(s, s.client().Create(kConfigMaps, s.ns(), ConfigMap(name)));
  const std::string path = PathOf(kConfigMaps, s.ns()) + "?limit=2&labelSelector=contract%3Dtrue";
  const Result<Json> first = RawGet(s, path);
  if (!first) return s.Note(Outcome(first));
  Must(s, s.client().Create(kConfigMaps, s.ns(), ConfigMap("bb")));
  Must(s, s.client().Create(kConfigMaps, s.ns(), ConfigMap("d")));
  const Result<Json> second =
      RawGet(s, path + "&continue=" + Escaped(Text(*first, {"metadata", "continue"})));
  if (!second) return s.Note(Outcome(second));
  s.Note(Names(*first) + " then " + Names(*second));
  s.Note(VersionOf(*first) == VersionOf(*second) ? "one version" : "two versions");
}

void WatchFromAVersion(ContractStage& s) {
  const std::string from = VersionOf(s.client().Create(kConfigMaps, s.ns(), ConfigMap("a")));
  Must(s, s.client().Create(kConfigMaps, s.ns(), ConfigMap("b")));
  Must(s,
       s.client().PatchObject(kConfigMaps, s.ns(), "a", "", Patch::kMerge, Labels("", "x", "1")));
  Must(s, s.client().Delete(kConfigMaps, s.ns(), "b"));
  WatchReader watch(s, kConfigMaps, "contract=true", from);
  for (int i = 0; i < 3; ++i) s.Note(watch.Next());
  Must(s, s.client().Create(kConfigMaps, s.ns(), ConfigMap("c")));
  s.Note(watch.Next());
}

void DeletedIsNewer(ContractStage& s) {
  const std::string made = VersionOf(s.client().Create(kConfigMaps, s.ns(), ConfigMap("a")));
  WatchReader watch(s, kConfigMaps, "contract=true", made);
  Must(s, s.client().Delete(kConfigMaps, s.ns(), "a"));
  s.Note(watch.Next());
  s.Note(watch.last_version() != made && kube::NotOlder(watch.last_version(), made) ? "newer"
                                                                                    : "not newer");
}

void SelectorComesAndGoes(ContractStage& s) {
  const std::string from = VersionOf(s.client().Create(kConfigMaps, s.ns(), ConfigMap("a", "1")));
  WatchReader watch(s, kConfigMaps, "case=1", from);
  Must(s, s.client().PatchObject(kConfigMaps, s.ns(), "a", "", Patch::kMerge,
                                 Labels("", "case", "2")));
  Must(s,
       s.client().PatchObject(kConfigMaps, s.ns(), "a", "", Patch::kMerge, Labels("", "x", "1")));
  Must(s, s.client().PatchObject(kConfigMaps, s.ns(), "a", "", Patch::kMerge,
                                 Labels("", "case", "1")));
  s.Note(watch.Next());
  s.Note(watch.Next());
}

void LastFinalizerOnAWatch(ContractStage& s) {
  Must(s, s.client().Create(kExperiments, s.ns(), Held(Experiment("a"))));
  Must(s, s.client().Delete(kExperiments, s.ns(), "a"));
  WatchReader watch(s, kExperiments, "", VersionOf(s.client().Get(kExperiments, s.ns(), "a")));
  Must(s, s.client().PatchObject(kExperiments, s.ns(), "a", "", Patch::kMerge, Finalizers({})));
  s.Note(watch.Next());
}

void WatchFromNowhere(ContractStage& s) {
  Must(s, s.client().Create(kConfigMaps, s.ns(), ConfigMap("a")));
  WatchReader watch(s, kConfigMaps, "contract=true", "0");
  s.Note(watch.Next());
}

void WatchEnds(ContractStage& s) {
  const std::string from = VersionOf(s.client().Create(kConfigMaps, s.ns(), ConfigMap("a")));
  WatchReader watch(s, kConfigMaps, "contract=true", from, seconds(2));
  s.Note(watch.Next());
}

void ListFromTheFuture(ContractStage& s) {
  const Result<kube::ListAnswer> list = s.client().List(kConfigMaps, s.ns(), "", "999999999");
  s.Note(list ? "ok" : std::string(Name(list.error().reason)));
}

}  // namespace

const std::vector<ContractCase>& ContractCases() {
  static const std::vector<ContractCase> kCases{
      {"create fills in uid, time and generation",
       CreateFillsIn,
       {"ok", "generation 1", "uid", "created", "spec kept"}},
      {"create of what exists", CreateTwice, {"ok", "409 Conflict"}},
      {"create in a namespace that is not there", CreateWithoutNamespace, {"404 NotFound"}},
      {"create with a bad name", CreateWithBadName, {"422 Invalid"}},
      {"dryRun checks and stores nothing",
       DryRunStoresNothing,
       {"ok", "404 NotFound", "ok", "409 Conflict"}},
      {"a CRD's defaults; status in a create is dropped",
       CustomDefaults,
       {"ok", "phase Pending", "observed -1", "maxTargets 1"}},
      {"unknown field under strict validation", UnknownField, {"400 Invalid"}},
      {"name longer than the CRD allows", NameTooLong, {"422 Invalid"}},
      {"merge patch with an old version", StaleMergePatch, {"ok", "409 Conflict", "404 NotFound"}},
      {"patch that changes nothing", PatchWithoutChange, {"same version"}},
      {"patch that names another uid", PatchOfAnotherUid, {"422 Invalid", "422 Invalid"}},
      {"replace: uid and version are preconditions",
       ReplaceRules,
       {"other uid 409 Conflict", "current ok", "stale 409 Conflict", "without version ok"}},
      {"JSON patch with a test", JsonPatchTest, {"422 Invalid", "ok"}},
      {"strategic merge patch of a custom resource", CustomStrategic, {"415 Invalid"}},
      {"generation counts changes of the spec", GenerationCountsSpecs, {"1", "1", "2"}},
      {"status and the rest are written apart", StatusApart, {"Queued run 1", "Queued run 3"}},
      {"status must fit the schema",
       StatusMustFitTheSchema,
       {"422 Invalid", "422 Invalid", "422 Invalid"}},
      {"a live run freezes the spec",
       LiveRunFreezesTheSpec,
       {"ok", "422 Invalid", "ok", "ok", "ok"}},
      {"a status that is applied is applied whole",
       AppliedStatusIsWhole,
       {"ok", "again same version", "stale 409 Conflict", "dropped", "missing 404 NotFound"}},
      {"an applied status must fit the schema",
       AppliedStatusMustFitTheSchema,
       {"unknown 500 UnknownOutcome", "unknown below 500 UnknownOutcome",
        "unknown in a list 500 UnknownOutcome", "number for text 500 UnknownOutcome",
        "text for a number 500 UnknownOutcome", "text for a list 500 UnknownOutcome",
        "list for an object 500 UnknownOutcome", "null 422 Invalid", "not of the enum 422 Invalid",
        "no time 422 Invalid", "too large a number ok", "too long 422 Invalid",
        "key twice 500 UnknownOutcome"}},
      {"a merged status must fit the schema",
       MergedStatusMustFitTheSchema,
       {"number for text 422 Invalid", "no time 422 Invalid", "too large a number ok",
        "unknown below 422 Invalid", "key twice 422 Invalid"}},
      {"delete of what is not there", DeleteMissing, {"ok", "404"}},
      {"delete that names another uid", DeleteOfAnotherUid, {"409", "ok", "ok", "404 NotFound"}},
      {"a finalizer holds its object",
       FinalizerHolds,
       {"ok", "deleting", "generation 2", "ok", "unchanged", "422 Invalid", "ok", "404 NotFound"}},
      {"dependents follow their owner", DependentsFollow, {"collected"}},
      {"nothing new in a terminating namespace",
       TerminatingNamespace,
       {"ok", "403 Denied", "gone"}},
      {"sidecar: the same bytes again change nothing", SidecarTwice, {"ok", "ok", "same version"}},
      {"sidecar: same name, other content", SidecarChanged, {"422 Invalid"}},
      {"sidecar: a second one joins the first", SidecarBesideSidecar, {"x2 x1"}},
      {"sidecar: one name twice in a body, the last wins once there is a list",
       SidecarNameTwice,
       {"first list 422 Invalid", "x1 x0 example.invalid/last:1"}},
      {"sidecar: uid and version guard the pod",
       SidecarGuards,
       {"other uid 422 Invalid", "stale 409 Conflict", "missing pod 404 NotFound"}},
      {"sidecar: what it must not have",
       SidecarRules,
       {"container's name 422 Invalid", "unknown target 422 Invalid", "resources 422 Invalid"}},
      {"sidecar: labels are dropped in silence", SidecarDropsLabels, {"ok", "dropped"}},
      {"sidecar: dryRun", SidecarDryRun, {"ok", "sidecars: "}},
      {"sidecar: none is ever taken away",
       SidecarsStay,
       {"merge patch 422 Invalid", "pod itself 422 Invalid"}},
      {"log of a pod that has no node", LogWithoutNode, {"ok", "404 NotFound"}},
      {"lease: times and versions",
       LeaseRules,
       {"three digits 400 Invalid", "six digits ok", "again 409 Conflict", "renewed ok",
        "stale 409 Conflict", "without version 422 Invalid"}},
      {"event: what must be in it",
       EventRules,
       {"good ok", "no action 422 Invalid", "other namespace ok", "long note 422 Invalid"}},
      {"label selectors",
       Selectors,
       {"case=1: a", "case!=1,contract=true: b c", "case in (1,2): a b", "!case,contract=true: c",
        "case: a b"}},
      {"pages of a list are one snapshot", PagesAreOneSnapshot, {"a b then c", "one version"}},
      {"watch from a version: each change once, in order",
       WatchFromAVersion,
       {"ADDED b", "MODIFIED a", "DELETED b", "ADDED c"}},
      {"watch: DELETED has a newer version", DeletedIsNewer, {"DELETED a", "newer"}},
      {"watch: what leaves the selector is deleted",
       SelectorComesAndGoes,
       {"DELETED a", "ADDED a"}},
      {"watch: the last finalizer deletes, without a change before",
       LastFinalizerOnAWatch,
       {"DELETED a"}},
      {"watch from version 0 begins with all there is", WatchFromNowhere, {"ADDED a"}},
      {"watch ends when its time is over", WatchEnds, {"END"}},
      {"list not older than a version from the future", ListFromTheFuture, {"Gone"}},
  };
  return kCases;
}

}  // namespace chaos::sim
