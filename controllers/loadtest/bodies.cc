#include "controllers/loadtest/bodies.h"

#include "injectors/protocol/names.h"
#include "operator/base/time_text.h"

namespace chaos::loadtest {
namespace {

// Past the last moment at which a pod can have something to do: waiting for a node and an image.
constexpr seconds kDeadManSlack{300};
constexpr seconds kLinger{30};

Json Restricted() {
  return {{"allowPrivilegeEscalation", false},
          {"readOnlyRootFilesystem", true},
          {"runAsNonRoot", true},
          {"runAsUser", 65532},
          {"runAsGroup", 65532},
          {"capabilities", {{"drop", {"ALL"}}}},
          {"seccompProfile", {{"type", "RuntimeDefault"}}}};
}

Json Labels(const LoadTest& test, const std::string& run) {
  return {{std::string(protocol::kManagedByLabel), protocol::kManagedBy},
          {"app.kubernetes.io/name", "chaos-load"},
          {"chaos.rbee.dev/loadtest-uid", test.meta.uid},
          {std::string(protocol::kRunLabel), run}};
}

Json LoadContainer(const LoadTest& test, const std::string& arguments) {
  Json resources = test.spec.pod_template.resources;
  if (resources.empty())
    resources = {{"requests", {{"cpu", "100m"}, {"memory", "64Mi"}}},
                 {"limits", {{"memory", "512Mi"}}}};
  return {{"name", protocol::kLoadContainer},
          {"image", test.status.resolved.image},
          {"imagePullPolicy", "IfNotPresent"},
          {"args", {"run", arguments}},
          {"terminationMessagePolicy", "File"},
          {"resources", std::move(resources)},
          {"volumeMounts",
           Json::array({{{"name", "chaos"}, {"mountPath", "/etc/chaos"}, {"readOnly", true}}})},
          {"securityContext", Restricted()}};
}

// The one channel in: an annotation of the pod, as a file.
Json StopVolume() {
  const std::string field =
      "metadata.annotations['" + std::string(protocol::kLoadStopAnnotation) + "']";
  return {{"name", "chaos"},
          {"downwardAPI",
           {{"items", Json::array({{{"path", "stop"}, {"fieldRef", {{"fieldPath", field}}}}})}}}};
}

}  // namespace

std::string JobName(std::string_view run) { return "rbc-" + std::string(run) + "-load"; }

protocol::LoadArguments ArgumentsOf(const LoadTest& test, const Workload& workload,
                                    const std::string& run,
                                    const std::vector<std::string>& prompts) {
  const Spec& spec = test.spec;
  const Resolved& resolved = test.status.resolved;
  protocol::LoadArguments a;
  a.run = run;
  a.pods = resolved.pods;
  a.start = *test.status.started_at;
  a.until_stopped = test.owner.has_value();
  a.executor = workload.executor;
  a.request = spec.request;
  a.request.protocol = resolved.protocol;
  a.request.url = resolved.url;
  a.request.prompts = prompts;
  a.think_min = spec.think_min;
  a.think_max = spec.think_max;
  a.seed = static_cast<std::uint64_t>(*resolved.seed);
  a.pivots = workload.pivots;
  a.linger = kLinger;
  return a;
}

Json Job(const LoadTest& test, const Workload& workload, const std::string& run,
         const std::string& arguments) {
  const PodTemplate& wanted = test.spec.pod_template;
  Json labels = wanted.labels;
  if (labels.is_null()) labels = Json::object();
  labels.update(Labels(test, run));
  Json spec = wanted.fields;
  spec.update({{"restartPolicy", "Never"},
               {"automountServiceAccountToken", false},
               {"enableServiceLinks", false},
               {"terminationGracePeriodSeconds", 10},
               {"securityContext",
                {{"runAsNonRoot", true}, {"seccompProfile", {{"type", "RuntimeDefault"}}}}},
               {"volumes", Json::array({StopVolume()})},
               {"containers", Json::array({LoadContainer(test, arguments)})}});
  Json meta = {{"labels", std::move(labels)}};
  if (!wanted.annotations.empty()) meta["annotations"] = wanted.annotations;
  const std::int64_t life =
      std::chrono::ceil<seconds>(workload.length + workload.executor.graceful_stop + kLinger +
                                 kDeadManSlack)
          .count();
  return {{"apiVersion", "batch/v1"},
          {"kind", "Job"},
          {"metadata",
           {{"name", JobName(run)},
            {"namespace", test.meta.key.ns},
            {"labels", Labels(test, run)},
            {"annotations", {{std::string(kStartAnnotation), PrintTime(*test.status.started_at)}}},
            {"ownerReferences", Json::array({{{"apiVersion", "chaos.rbee.dev/v1alpha1"},
                                              {"kind", "LoadTest"},
                                              {"name", test.meta.key.name},
                                              {"uid", test.meta.uid},
                                              {"controller", true}}})}}},
          {"spec",
           {{"completionMode", "Indexed"},
            {"completions", test.status.resolved.pods},
            {"parallelism", test.status.resolved.pods},
            {"backoffLimitPerIndex", 0},
            {"podReplacementPolicy", "Failed"},
            {"activeDeadlineSeconds", life},
            {"ttlSecondsAfterFinished", 600},
            {"template", {{"metadata", std::move(meta)}, {"spec", std::move(spec)}}}}}};
}

}  // namespace chaos::loadtest
