#include "controllers/chaosexperiment/bodies.h"

#include "injectors/protocol/names.h"
#include "operator/base/mutant.h"

namespace chaos::experiment {
namespace {

Json Container(const std::string& name, const std::string& image, const char* mode,
               const std::string& arguments) {
  return {{"name", name},
          {"image", image},
          {"imagePullPolicy", "IfNotPresent"},
          {"args", {mode, arguments}},
          {"terminationMessagePolicy", "File"}};
}

Json Restricted() {
  return {{"allowPrivilegeEscalation", false},
          {"readOnlyRootFilesystem", true},
          {"runAsNonRoot", true},
          {"runAsUser", 65532},
          {"runAsGroup", 65532},
          {"capabilities", {{"drop", {"ALL"}}}},
          {"seccompProfile", {{"type", "RuntimeDefault"}}}};
}

// Of an object that goes with the experiment at the latest.
Json OwnMetadata(const Experiment& experiment, const std::string& run, const std::string& name,
                 const char* what) {
  const Json labels = {{std::string(protocol::kManagedByLabel), protocol::kManagedBy},
                       {"app.kubernetes.io/name", what},
                       {std::string(protocol::kExperimentUidLabel), experiment.meta.uid},
                       {std::string(protocol::kRunLabel), run}};
  return {{"name", name},
          {"namespace", experiment.meta.key.ns},
          {"labels", labels},
          {"ownerReferences", Json::array({{{"apiVersion", "chaos.rbee.dev/v1alpha1"},
                                            {"kind", "ChaosExperiment"},
                                            {"name", experiment.meta.key.name},
                                            {"uid", experiment.meta.uid},
                                            {"controller", true}}})}};
}

Json Patch(Json container, const std::string& pod_uid) {
  const Json guard = CHAOS_MUTANT("drop-uid-check") ? Json::object() : Json{{"uid", pod_uid}};
  return {{"metadata", guard},
          {"spec", {{"ephemeralContainers", Json::array({std::move(container)})}}}};
}

// Beside whom and as whom.
Json AsIntended(Json container, const Intent& intent) {
  // An added capability does nothing for another user than root. An intent of before there was a
  // choice means NET_ADMIN.
  const bool old = intent.container.empty() && intent.capability.empty();
  const std::string capability = old ? "NET_ADMIN" : intent.capability;
  Json capabilities = {{"drop", {"ALL"}}};
  if (!capability.empty()) capabilities["add"] = {capability};
  const std::int64_t user = intent.run_as_user.value_or(0);
  container["securityContext"] = {{"allowPrivilegeEscalation", false},
                                  {"readOnlyRootFilesystem", true},
                                  {"runAsUser", user},
                                  {"runAsNonRoot", user != 0},
                                  {"capabilities", std::move(capabilities)},
                                  {"seccompProfile", {{"type", "RuntimeDefault"}}}};
  if (intent.run_as_group) container["securityContext"]["runAsGroup"] = *intent.run_as_group;
  if (!intent.container.empty()) container["targetContainerName"] = intent.container;
  return container;
}

}  // namespace

Json SidecarPatch(const Intent& intent, const std::string& pod_uid) {
  Json container = Container(intent.sidecar, intent.image, "inject", intent.arguments);
  return Patch(AsIntended(std::move(container), intent), pod_uid);
}

Json ReverterPatch(const Intent& intent, const std::string& run, const std::string& undo,
                   const std::string& pod_uid) {
  Json container = Container(protocol::ReverterName(run), intent.image, "revert",
                             PrintJson(protocol::ToJson(protocol::RevertArguments{run, undo})));
  return Patch(AsIntended(std::move(container), intent), pod_uid);
}

Json StopperPatch(const Intent& intent, const std::string& run, const std::string& pod_uid) {
  const protocol::StopArguments arguments{run, intent.nonce, "Stopped"};
  Json container = Container(protocol::StopperName(run), intent.image, "stop",
                             PrintJson(protocol::ToJson(arguments)));
  container["securityContext"] = Restricted();
  return Patch(std::move(container), pod_uid);
}

Json ProbePod(const Experiment& experiment, const std::string& run, const std::string& image,
              const protocol::ProbePodArguments& arguments) {
  Json container = Container(std::string(protocol::kProbeContainer), image, "probe",
                             PrintJson(protocol::ToJson(arguments)));
  container["securityContext"] = Restricted();
  container["resources"] = {{"requests", {{"cpu", "10m"}, {"memory", "32Mi"}}},
                            {"limits", {{"memory", "128Mi"}}}};
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata", OwnMetadata(experiment, run, protocol::ProbePodName(run), "chaos-probe")},
          {"spec",
           {{"restartPolicy", "Never"},
            {"automountServiceAccountToken", false},
            {"enableServiceLinks", false},
            {"terminationGracePeriodSeconds", 2},
            {"securityContext",
             {{"runAsNonRoot", true}, {"seccompProfile", {{"type", "RuntimeDefault"}}}}},
            {"containers", Json::array({std::move(container)})}}}};
}

Json PeersService(const Experiment& experiment, const std::string& run,
                  const PeerService& service) {
  return {{"apiVersion", "v1"},
          {"kind", "Service"},
          {"metadata", OwnMetadata(experiment, run, service.name, "chaos-peers")},
          {"spec",
           {{"type", "ClusterIP"},
            {"clusterIP", "None"},
            {"ipFamilyPolicy", "PreferDualStack"},
            {"publishNotReadyAddresses", true},
            {"selector", service.selector}}}};
}

}  // namespace chaos::experiment
