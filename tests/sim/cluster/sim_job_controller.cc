#include "tests/sim/cluster/sim_job_controller.h"

#include "operator/base/time_text.h"

namespace chaos::sim {
namespace {

constexpr const char* kIndexLabel = "batch.kubernetes.io/job-completion-index";
constexpr seconds kAgain{10};  // after a refusal

}  // namespace

SimJobController::SimJobController(SimApi& api, Timeline& timeline, Random random, int quota)
    : api_(api), timeline_(timeline), random_(random), quota_(quota) {
  api_.server.store().Observe([this](const Record& record) {
    if (record.resource->type.plural == "jobs") Look(record);
  });
}

void SimJobController::Look(const Record& record) {
  if (record.before || !record.after) return;
  const Json& job = record.after->object;
  const std::string uid = Text(job, {"metadata", "uid"});
  timeline_.After(milliseconds(20 + random_.Below(300)),
                  [this, key = record.key, uid] { MakePods(key, uid); });
  timeline_.After(
      seconds(Integer(job, {"spec", "activeDeadlineSeconds"})), [this, key = record.key, uid] {
        if (!Find(key, uid)) return;
        std::vector<kube::Key> pods;
        for (const auto& [pod, version] : api_.server.store().All(*FindResource(kube::kPods))) {
          if (Text(version->object, {"metadata", "labels", "job-name"}) == key.name)
            pods.push_back(pod);
        }
        for (const kube::Key& pod : pods) api_.server.Delete(kube::kPods, pod);
      });
}

VersionPtr SimJobController::Find(const kube::Key& job, const std::string& uid) const {
  const VersionPtr found = api_.server.store().Find(*FindResource(kube::kJobs), job);
  const bool same = found && Text(found->object, {"metadata", "uid"}) == uid &&
                    !chaos::Find(found->object, {"metadata", "deletionTimestamp"});
  return same ? found : nullptr;
}

int SimJobController::PodsNow() const {
  int pods = 0;
  for (const auto& [key, version] : api_.server.store().All(*FindResource(kube::kPods))) {
    const std::string phase = Text(version->object, {"status", "phase"});
    pods += chaos::Find(version->object, {"metadata", "labels", kIndexLabel}) != nullptr &&
            phase != "Failed" && phase != "Succeeded";
  }
  return pods;
}

void SimJobController::MakePods(const kube::Key& key, const std::string& uid) {
  const VersionPtr found = Find(key, uid);
  if (!found) return;
  const Json job = found->object;
  std::set<int>& made = made_[uid];
  const int pods = static_cast<int>(Integer(job, {"spec", "completions"}));
  for (int index = 0; index < pods; ++index) {
    if (made.contains(index)) continue;
    const std::string name =
        key.name + "-" + std::to_string(index) + "-" + std::to_string(10000 + random_.Below(90000));
    if (PodsNow() >= quota_) {
      Refused(job, "Error creating: pods \"" + name +
                       "\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=" +
                       std::to_string(quota_) + ", limited: pods=" + std::to_string(quota_));
      timeline_.After(kAgain, [this, key, uid] { MakePods(key, uid); });
      return;
    }
    made.insert(index);
    Json pod = ObjectAt(job, {"spec", "template"});
    pod["metadata"]["name"] = name;
    pod["metadata"]["labels"][kIndexLabel] = std::to_string(index);
    pod["metadata"]["labels"]["job-name"] = key.name;
    pod["metadata"]["ownerReferences"] = Json::array({{{"apiVersion", "batch/v1"},
                                                       {"kind", "Job"},
                                                       {"name", key.name},
                                                       {"uid", uid},
                                                       {"controller", true}}});
    api_.server.Create(kube::kPods, key.ns, std::move(pod));
  }
}

void SimJobController::Refused(const Json& job, const std::string& why) {
  const std::string name = Text(job, {"metadata", "name"});
  api_.server.Create(
      kube::kEvents, Text(job, {"metadata", "namespace"}),
      {{"metadata", {{"name", name + "." + std::to_string(timeline_.Now().count())}}},
       {"eventTime", PrintTime(api_.server.Now(), 6)},
       {"reportingController", "job-controller"},
       {"reportingInstance", "job-controller"},
       {"action", "Create"},
       {"reason", "FailedCreate"},
       {"note", why},
       {"type", "Warning"},
       {"regarding", {{"kind", "Job"}, {"name", name}}}});
}

}  // namespace chaos::sim
