#include "tests/sim/cluster/sim_deployment.h"

namespace chaos::sim {

SimDeployment::SimDeployment(SimApi& api, Timeline& timeline, std::string ns, std::string component,
                             int port, bool stable_names)
    : api_(api),
      timeline_(timeline),
      ns_(std::move(ns)),
      component_(std::move(component)),
      port_(port),
      stable_names_(stable_names) {
  api_.server.store().Observe([this](const Record& record) { Look(record); });
}

void SimDeployment::Scale(int pods) {
  while (made_ < pods) MakePod(NextName());
}

void SimDeployment::Look(const Record& record) {
  if (record.resource->type.plural != "pods" || record.key.ns != ns_ || !record.before) return;
  if (Text(record.last->object, {"metadata", "labels", "app.kubernetes.io/component"}) !=
      component_)
    return;
  const auto deleting = [](const VersionPtr& version) {
    return version && Find(version->object, {"metadata", "deletionTimestamp"}) != nullptr;
  };
  const bool goes = deleting(record.after) && !deleting(record.before);
  const bool went = !record.after;
  const bool replace = stable_names_ ? went : goes || (went && !deleting(record.before));
  if (!replace) return;
  timeline_.After(milliseconds(80),
                  [this, old = record.key.name] { MakePod(stable_names_ ? old : NextName()); });
}

void SimDeployment::MakePod(const std::string& name) {
  const VersionPtr ns = api_.server.store().Find(*FindResource(kube::kNamespaces), {"", ns_});
  if (!ns || Find(ns->object, {"metadata", "deletionTimestamp"})) return;
  const Json main{{"name", component_},
                  {"image", "rbee-sim:1"},
                  {"ports", Json::array({{{"containerPort", port_}, {"protocol", "TCP"}}})}};
  api_.server.Create(
      kube::kPods, ns_,
      {{"metadata",
        {{"name", name},
         {"labels",
          {{"app.kubernetes.io/part-of", "rbee"}, {"app.kubernetes.io/component", component_}}}}},
       {"spec",
        {{"terminationGracePeriodSeconds", 5},
         {"securityContext", {{"runAsUser", 1000}, {"runAsGroup", 1000}}},
         {"containers", Json::array({main})}}}});
}

}  // namespace chaos::sim
