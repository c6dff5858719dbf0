#include "tests/sim/contract_objects.h"

namespace chaos::sim {

std::string Outcome(const Error& error) {
  return std::to_string(error.http_status) + " " + std::string(Name(error.reason));
}

std::string VersionOf(const Result<Json>& object) {
  return object ? Text(*object, {"metadata", "resourceVersion"}) : "none: " + Outcome(object);
}

std::string Names(const Json& list) {
  std::string names;
  for (const Json& item : list["items"])
    names += (names.empty() ? "" : " ") + Text(item, {"metadata", "name"});
  return names;
}

std::string SidecarNames(const Json& pod) {
  std::string names;
  if (const Json* list = Find(pod, {"spec", "ephemeralContainers"})) {
    for (const Json& one : *list) names += (names.empty() ? "" : " ") + Text(one, {"name"});
  }
  return names;
}

std::string Escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    char hex[4];
    std::snprintf(hex, sizeof hex, "%%%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
    out += hex;
  }
  return out;
}

std::string Raw(ContractStage& stage, kube::Method method, const std::string& target,
                const Json& body) {
  const Result<kube::Response> response =
      stage.transport().Send({method, target, "application/json", PrintJson(body), seconds(10)});
  return response ? std::to_string(response->status) : Outcome(response.error());
}

Result<Json> RawGet(ContractStage& stage, const std::string& target) {
  Result<kube::Response> response =
      stage.transport().Send({kube::Method::kGet, target, "", "", seconds(10)});
  if (!response) return response.error();
  return ParseJson(response->body);
}

Json ConfigMap(const std::string& name, const std::string& label) {
  Json object{{"apiVersion", "v1"},
              {"kind", "ConfigMap"},
              {"metadata", {{"name", name}, {"labels", {{"contract", "true"}}}}},
              {"data", {{"k", "1"}}}};
  if (!label.empty()) object["metadata"]["labels"]["case"] = label;
  return object;
}

Json Pod(const std::string& name) {
  const Json main{{"name", "main"}, {"image", "example.invalid/none:1"}};
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata", {{"name", name}}},
          {"spec",
           {{"nodeSelector", {{"chaos.rbee.dev/no-such-node", "true"}}},
            {"automountServiceAccountToken", false},
            {"containers", Json::array({main})}}}};
}

Json Experiment(const std::string& name) {
  return {{"apiVersion", "chaos.rbee.dev/v1alpha1"},
          {"kind", "ChaosExperiment"},
          {"metadata", {{"name", name}}},
          {"spec",
           {{"target", {{"component", "queen"}}},
            {"fault", {{"partition", {{"peers", Json::array({{{"component", "hive"}}})}}}}},
            {"duration", "30s"},
            {"suspend", true},
            {"safety", {{"maxPrivilege", "PodCapabilities"}}}}}};
}

Json LeaseBody(const std::string& name, const std::string& renew_time) {
  return {{"apiVersion", "coordination.k8s.io/v1"},
          {"kind", "Lease"},
          {"metadata", {{"name", name}}},
          {"spec",
           {{"holderIdentity", "a"},
            {"leaseDurationSeconds", 15},
            {"leaseTransitions", 0},
            {"renewTime", renew_time}}}};
}

Json EventBody(const std::string& name, const std::string& about_namespace) {
  return {{"apiVersion", "events.k8s.io/v1"},
          {"kind", "Event"},
          {"metadata", {{"name", name}}},
          {"eventTime", "2026-01-05T08:00:00.123456Z"},
          {"reportingController", "chaos.rbee.dev/operator"},
          {"reportingInstance", "operator-0"},
          {"action", "Test"},
          {"reason", "Tested"},
          {"type", "Normal"},
          {"note", "A sentence."},
          {"regarding",
           {{"apiVersion", "v1"},
            {"kind", "ConfigMap"},
            {"name", "a"},
            {"namespace", about_namespace}}}};
}

Json Held(Json object) {
  object["metadata"]["finalizers"] = Json::array({kHold});
  return object;
}

Json Owned(Json object, const Json& owner) {
  object["metadata"]["ownerReferences"] =
      Json::array({{{"apiVersion", Text(owner, {"apiVersion"})},
                    {"kind", Text(owner, {"kind"})},
                    {"name", Text(owner, {"metadata", "name"})},
                    {"uid", Text(owner, {"metadata", "uid"})}}});
  return object;
}

Json Labels(const std::string& version, const std::string& key, const std::string& value) {
  Json body{{"metadata", {{"labels", {{key, value}}}}}};
  if (!version.empty()) body["metadata"]["resourceVersion"] = version;
  return body;
}

Json Uid(const std::string& uid) { return {{"metadata", {{"uid", uid}}}}; }

Json Finalizers(const std::vector<std::string>& names) {
  return {{"metadata", {{"finalizers", names}}}};
}

Json Sidecar(const std::string& name) {
  return {{"name", name},
          {"image", "example.invalid/injector:1"},
          {"args", {"inject", "{}"}},
          {"env", Json::array({{{"name", "POD"},
                                {"valueFrom", {{"fieldRef", {{"fieldPath", "metadata.name"}}}}}}})},
          {"securityContext",
           {{"allowPrivilegeEscalation", false}, {"capabilities", {{"drop", {"ALL"}}}}}}};
}

Json Body(const std::vector<Json>& sidecars) {
  return {{"spec", {{"ephemeralContainers", sidecars}}}};
}

}  // namespace chaos::sim
