#include "tests/sim/world/loads.h"

#include "operator/base/time_text.h"
#include "operator/kube/conditions.h"

namespace chaos::sim {
namespace {

constexpr int kMostWritesAMinute = 40;

std::string RunOf(const Json& test) {
  const std::string job = Text(test, {"status", "job"});  // rbc-<run>-load
  return job.size() > 14 ? job.substr(4, 10) : "";
}

}  // namespace

Json LoadManifest(const std::string& name, int pods, int vus, int seconds, bool abort_on_fail) {
  return {
      {"metadata", {{"name", name}}},
      {"spec",
       {{"target", {{"component", "queen"}}},
        {"executor",
         {{"type", "constant-vus"},
          {"vus", vus},
          {"duration", std::to_string(seconds) + "s"},
          {"gracefulStop", "5s"}}},
        {"request", {{"model", "tinyllama-q4"}, {"prompts", {{"inline", Json::array({"2+2="})}}}}},
        {"pods", pods},
        {"thresholds", Json::array({{{"metric", "errors"},
                                     {"expression", "rate<0.2"},
                                     {"abortOnFail", abort_on_fail}}})}}}};
}

LoadInvariants::LoadInvariants(SimApi& api, const LoadTruths& truths, Timeline& timeline,
                               std::function<void(const std::string&)> broken)
    : api_(api), truths_(truths), timeline_(timeline), broken_(std::move(broken)) {
  api_.server.store().Observe([this](const Record& record) {
    if (record.resource->type.plural == "loadtests") LoadChanged(record);
    if (record.resource->type.plural == "jobs" && !record.before && record.after)
      JobMade(record.after->object);
  });
}

void LoadInvariants::JobMade(const Json& job) {
  const std::string name = Text(job, {"metadata", "name"});
  const std::string owner = Text(job["metadata"]["ownerReferences"][0], {"uid"});
  bool owned = false;
  const Objects& all = api_.server.store().All(*FindResource(kube::kLoadTests));
  for (const auto& [key, version] : all) {
    const Json& test = version->object;
    if (Text(test, {"status", "job"}) == name && !Text(test, {"status", "activeRun"}).empty())
      return;
    owned = owned || Text(test, {"metadata", "uid"}) == owner;
  }
  if (!owned) return;  // it was deleted in this very moment; the collector takes the Job along
  broken_("Job " + name + " was made, and no live run has it in its status");
}

void LoadInvariants::LoadChanged(const Record& record) {
  if (!record.after) return;
  const Json& test = record.after->object;
  const bool written = !record.before || Find(record.before->object, {"status"}) == nullptr ||
                       record.before->object["status"] != test["status"];
  if (!written) return;
  auto& [since, count] = writes_[Text(test, {"metadata", "uid"})];
  if (timeline_.Now() - since > std::chrono::minutes(1)) {
    since = timeline_.Now();
    count = 0;
  }
  if (++count == kMostWritesAMinute)
    broken_("the status of a load test was written " + std::to_string(count) +
            " times within a minute");
  const std::int64_t generation = Integer(test, {"metadata", "generation"});
  const std::int64_t observed = Integer(test, {"status", "observedGeneration"}, -1);
  if (const Json* conditions = Find(test, {"status", "conditions"})) {
    const std::string wrong =
        kube::CheckKstatus(kube::ConditionsFromJson(*conditions), generation, observed);
    if (!wrong.empty()) broken_("conditions of a load test: " + wrong);
  }
  const std::int64_t claimed = Integer(test, {"status", "phases", "all", "requests"});
  const auto truth = truths_.find(RunOf(test));
  if (claimed > (truth == truths_.end() ? 0 : truth->second.requests))
    broken_("a status counts " + std::to_string(claimed) + " requests, more than were ever made");
  VerdictsStay(test);
  const bool over = Text(test, {"status", "phase"}) == "Finished";
  if (over && record.before && Text(record.before->object, {"status", "phase"}) != "Finished")
    Finished(test);
}

void LoadInvariants::VerdictsStay(const Json& test) {
  for (const Json& run : ListAt(test, {"status", "runs"})) {
    const std::string id = Text(test, {"metadata", "uid"}) + "/" + Text(run, {"specHash"});
    const std::string verdict = Text(run, {"verdict"}) + "/" + Text(run, {"reason"});
    const auto [it, fresh] = verdicts_.emplace(id, verdict);
    if (!fresh && it->second != verdict)
      broken_("a load's verdict changed from " + it->second + " to " + verdict);
  }
}

void LoadInvariants::Finished(const Json& test) {
  const std::string lie = Lie(test);
  if (!lie.empty()) broken_(lie);
  if (RunOf(test).empty()) return;
  const std::string report = Text(test, {"status", "report"});
  const kube::Key key{Text(test, {"metadata", "namespace"}), report};
  const bool there =
      !report.empty() && api_.server.store().Find(*FindResource(kube::kReports), key) != nullptr;
  const bool refused =
      Text(test, {"status", "summary"}).find("the report was refused") != std::string::npos;
  if (!there && !refused) broken_("a load's verdict is final and its report is not there");
}

std::string LoadInvariants::Lie(const Json& test) const {
  const std::string verdict = Text(test, {"status", "verdict"});
  const std::string summary = Text(test, {"status", "summary"});
  const std::string says = verdict + " " + Text(test, {"status", "reason"}) + ": ";
  const auto found = truths_.find(RunOf(test));
  const LoadTruth truth = found == truths_.end() ? LoadTruth{} : found->second;
  const std::int64_t claimed = Integer(test, {"status", "phases", "all", "requests"});
  if (truth.taken) return "";
  if (truth.begun_twice) return says + "the load of one VU was made twice";
  if (verdict != "Passed" || summary.starts_with("this spec has run before")) return "";
  const auto pods = Integer(test, {"status", "resolved", "pods"});
  if (truth.whole != pods)
    return says + std::to_string(truth.whole) + " of " + std::to_string(pods) +
           " pods came to the end";
  if (claimed != truth.requests)
    return says + "it counts " + std::to_string(claimed) + " of " + std::to_string(truth.requests) +
           " requests";
  const bool limited = !ListAt(test, {"spec", "thresholds"}).empty();
  if (limited && truth.errors * 5 >= truth.requests)
    return says + std::to_string(truth.errors) + " of " + std::to_string(truth.requests) +
           " requests were errors";
  return "";
}

std::vector<std::string> LoadInvariants::AtTheEnd() const {
  std::vector<std::string> wrong;
  for (const auto& [key, version] : api_.server.store().All(*FindResource(kube::kJobs)))
    wrong.push_back("Job " + key.name + " was left behind");
  for (const auto& [key, version] : api_.server.store().All(*FindResource(kube::kPods))) {
    if (Text(version->object, {"metadata", "labels", "app.kubernetes.io/name"}) == "chaos-load")
      wrong.push_back("load pod " + key.name + " was left behind");
  }
  return wrong;
}

}  // namespace chaos::sim
