#include "operator/fence.h"

#include "operator/kube/api_error.h"

namespace chaos {

std::string ProveFence(kube::Client& client, const std::string& ns) {
  // Everything about it is allowed, but for its image.
  const Json pod = {{"apiVersion", "v1"},
                    {"kind", "Pod"},
                    {"metadata",
                     {{"name", "rbc-fence-proof"},
                      {"namespace", ns},
                      {"labels", {{"app.kubernetes.io/managed-by", "rbee-chaos"}}}}},
                    {"spec",
                     {{"automountServiceAccountToken", false},
                      {"restartPolicy", "Never"},
                      {"securityContext",
                       {{"runAsNonRoot", true},
                        {"runAsUser", 65532},
                        {"seccompProfile", {{"type", "RuntimeDefault"}}}}},
                      {"containers", Json::array({{{"name", "probe"},
                                                   {"image", "not.ours.invalid/fence-proof:1"},
                                                   {"securityContext",
                                                    {{"allowPrivilegeEscalation", false},
                                                     {"capabilities", {{"drop", {"ALL"}}}}}}}})}}}};
  Result<Json> answer = client.Create(kube::kPods, ns, pod, kube::WriteOptions{.dry_run = true});
  if (answer) {
    return "the admission policies refuse nothing: a pod with a foreign image would have been let "
           "in. Apply the policies of this release "
           "(ValidatingAdmissionPolicy chaos-fence-*) and look at their status for compile errors";
  }
  if (kube::RefusedByPolicy(answer.error())) return "";
  return "the fence could not be tried: " + answer.error().detail;
}

}  // namespace chaos
