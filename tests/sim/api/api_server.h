// A small API server: the verbs over an ObjectStore, as the product's requests meet them on a real
// one. What it answers is held against a real one by the contract cases. No faults in here, and no
// time passes.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/kube/transport.h"
#include "tests/sim/api/object_store.h"
#include "tests/sim/api/patches.h"
#include "tests/sim/api/schema.h"
#include "tests/sim/timeline.h"

namespace chaos::sim {

// One write, as an admission rule sees it. `after` may not be changed any more.
struct Attempt {
  std::string_view user;
  kube::Method method;
  const Target& target;
  const Json* before;  // nullptr on create
  const Json* after;   // nullptr on delete
};

class ApiServer {
 public:
  // A refusal, or nothing.
  using Rule = std::function<std::optional<kube::Response>(const Attempt&)>;

  explicit ApiServer(const Timeline& timeline) : timeline_(timeline) {}

  kube::Response Handle(const kube::Request& request, std::string_view user);

  void UseSchema(const Resource& resource, Json open_api_schema);
  void AddRule(Rule rule) { rules_.push_back(std::move(rule)); }

  // For those who live beside the API server: kubelets, controllers, the test.
  ObjectStore& store() { return store_; }
  // Changes an object in place, status and all; nothing when it is not there or does not change.
  void Mutate(const kube::ResourceType& type, const kube::Key& key,
              const std::function<void(Json&)>& change);
  // Requires: a body that is accepted.
  VersionPtr Create(const kube::ResourceType& type, const std::string& ns, Json object);
  void Delete(const kube::ResourceType& type, const kube::Key& key, int grace_seconds = -1);
  TimePoint Now() const { return TrueTime(timeline_.Now()); }

 private:
  struct Call {
    std::string_view user;
    kube::Method method;
    Target target;
    Json body;
  };
  kube::Response Get(const Call& call);
  kube::Response List(const Call& call);
  kube::Response Post(Call call);
  kube::Response Put(const Call& call);
  kube::Response Patch(const Call& call, std::string_view content_type);
  kube::Response DeleteOne(const Call& call);

  std::optional<kube::Response> CheckApplied(const Call& call, PatchType type);
  std::optional<kube::Response> CheckNamespace(const Target& target);
  // `after` with only those fields changed that this request may change; a refusal where it asks
  // for others.
  std::optional<kube::Response> Restrict(const Call& call, const Json& before, Json& after);
  kube::Response Store(const Call& call, const VersionPtr& before, Json after);
  std::optional<kube::Response> CheckSchema(const Call& call, Json& object);
  std::optional<kube::Response> AskRules(const Call& call, const Json* before, const Json* after);
  kube::Response MarkDeleted(const Call& call, const VersionPtr& before, int grace_seconds);
  std::string NewUid();

  const Timeline& timeline_;
  ObjectStore store_;
  std::map<const Resource*, Schema> schemas_;
  std::vector<Rule> rules_;
  std::uint64_t uids_ = 0;
};

}  // namespace chaos::sim
