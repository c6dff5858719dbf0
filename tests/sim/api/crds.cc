#include "tests/sim/api/crds.h"

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "tests/sim/api/replies.h"

namespace chaos::sim {
namespace {

const Json& Schemas() {
  static const Json kSchemas = [] {
    std::ifstream file(SIM_CRDS);
    std::stringstream text;
    text << file.rdbuf();
    Result<Json> json = ParseJson(text.str());
    if (!json) throw std::runtime_error("cannot read " SIM_CRDS);
    return *json;
  }();
  return kSchemas;
}

// Written in the CRD as a rule over self and oldSelf.
std::optional<kube::Response> FreezeLiveRun(const Attempt& attempt) {
  const Resource& resource = *attempt.target.resource;
  const bool runs =
      resource.type.plural == "chaosexperiments" || resource.type.plural == "loadtests";
  if (!runs || attempt.before == nullptr || attempt.after == nullptr) return std::nullopt;
  const std::string live = Text(*attempt.before, {"status", "activeRun"});
  if (live.empty() || (*attempt.before)["spec"] == (*attempt.after)["spec"]) return std::nullopt;
  return Unprocessable(resource, attempt.target.key.name,
                       "spec: Forbidden: a run is live: delete the object, or annotate it "
                       "chaos.rbee.dev/abort=<reason> and "
                       "wait for condition Finished, then edit");
}

}  // namespace

void InstallCrds(ApiServer& server) {
  for (const kube::ResourceType& type :
       {kube::kExperiments, kube::kLoadTests, kube::kReports, kube::kStops}) {
    const Resource& resource = *FindResource(type);
    server.UseSchema(resource, Schemas().at(GroupPlural(resource)));
  }
  server.AddRule(FreezeLiveRun);
}

}  // namespace chaos::sim
