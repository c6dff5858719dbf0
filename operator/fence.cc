#include "operator/fence.h"

#include "operator/kube/api_error.h"

namespace chaos {
namespace {

// What must be refused, and by which policy. Everything else about each request is in order.
struct Proof {
  const kube::ResourceType& type;
  std::string_view policy;
  Json object;
};

Json ForeignPod(const std::string& ns) {
  const Json restricted = {{"allowPrivilegeEscalation", false},
                           {"capabilities", {{"drop", {"ALL"}}}}};
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata",
           {{"name", "rbc-0000000000-probe"},
            {"namespace", ns},
            {"labels", {{"app.kubernetes.io/managed-by", "rbee-chaos"}}}}},
          {"spec",
           {{"automountServiceAccountToken", false},
            {"securityContext",
             {{"runAsNonRoot", true}, {"seccompProfile", {{"type", "RuntimeDefault"}}}}},
            {"containers", Json::array({{{"name", "probe"},
                                         {"image", "proof.invalid/none"},
                                         {"securityContext", restricted}}})}}}};
}

Json ForeignJob(const std::string& ns) {
  Json pod = ForeignPod(ns);
  pod["spec"]["restartPolicy"] = "Never";
  return {
      {"apiVersion", "batch/v1"},
      {"kind", "Job"},
      {"metadata",
       {{"name", "rbc-0000000000-load"}, {"namespace", ns}, {"labels", pod["metadata"]["labels"]}}},
      {"spec",
       {{"completionMode", "Indexed"},
        {"completions", 1},
        {"parallelism", 1},
        {"backoffLimitPerIndex", 0},
        {"activeDeadlineSeconds", 1},
        {"template",
         {{"metadata", {{"labels", pod["metadata"]["labels"]}}}, {"spec", pod["spec"]}}}}}};
}

// In the operator's own namespace, which can never opt in.
Json UnlawfulExperiment(const std::string& ns) {
  const Json somebody = {{"component", "proof"}};
  return {{"apiVersion", "chaos.rbee.dev/v1alpha1"},
          {"kind", "ChaosExperiment"},
          {"metadata", {{"name", "proof"}, {"namespace", ns}}},
          {"spec",
           {{"target", somebody},
            {"fault", {{"partition", {{"peers", Json::array({somebody})}}}}},
            {"duration", "1s"},
            {"safety", {{"maxPrivilege", "PodCapabilities"}}}}}};
}

}  // namespace

std::string ProveFence(kube::Client& client, const std::string& ns) {
  const Proof proofs[] = {{kube::kPods, "chaos-fence-pod", ForeignPod(ns)},
                          {kube::kJobs, "chaos-fence-job", ForeignJob(ns)},
                          {kube::kExperiments, "chaos-author", UnlawfulExperiment(ns)}};
  for (const Proof& proof : proofs) {
    const std::string policy(proof.policy);
    Result<Json> answer =
        client.Create(proof.type, ns, proof.object, kube::WriteOptions{.dry_run = true});
    if (answer) {
      return "admission policy " + policy +
             " refuses nothing: apply the policies of this release and look at their status for "
             "compile errors (kubectl get validatingadmissionpolicy " +
             policy + " -o yaml)";
    }
    const Error& error = answer.error();
    if (!kube::RefusedByPolicy(error) || error.detail.find(policy) == std::string::npos) {
      return "policy " + policy + " could not be tried: " + error.detail;
    }
  }
  return "";
}

}  // namespace chaos
