// The objects and outcomes that contract cases are written with.
#pragma once

#include <string>
#include <vector>

#include "tests/sim/contract_stage.h"

namespace chaos::sim {

inline constexpr const char* kOtherUid = "00000000-0000-4000-8000-000000000000";
inline constexpr const char* kHold = "chaos.rbee.dev/clean";

// "ok", or HTTP status and reason: "409 Conflict".
std::string Outcome(const Error& error);
template <class T>
std::string Outcome(const Result<T>& result) {
  return result ? "ok" : Outcome(result.error());
}
// For what a case needs before its question: a failure is noted, and so breaks the case.
template <class T>
void Must(ContractStage& stage, const Result<T>& result) {
  if (!result) stage.Note("preparation failed: " + result.error().detail);
}
std::string VersionOf(const Result<Json>& object);  // its resourceVersion
std::string Names(const Json& list);                // "a b c"
std::string SidecarNames(const Json& pod);
std::string Escaped(const std::string& text);  // for a query

// Past the Client: only the HTTP status, "404".
std::string Raw(ContractStage& stage, kube::Method method, const std::string& target,
                const Json& body);
Result<Json> RawGet(ContractStage& stage, const std::string& target);

// Labelled contract=true, and case=… where one is given; data: {k: "1"}.
Json ConfigMap(const std::string& name, const std::string& label = "");
Json Pod(const std::string& name);  // that no node will take, with a container "main"
Json Experiment(const std::string& name);
Json LeaseBody(const std::string& name, const std::string& renew_time);
Json EventBody(const std::string& name, const std::string& about_namespace);
Json Held(Json object);  // by the finalizer kHold
Json Owned(Json object, const Json& owner);

// Bodies of patches.
Json Labels(const std::string& version, const std::string& key, const std::string& value);
Json Uid(const std::string& uid);
Json Finalizers(const std::vector<std::string>& names);
Json Sidecar(const std::string& name);
Json Body(const std::vector<Json>& sidecars);

}  // namespace chaos::sim
