#include "tests/sim/api/api_server.h"

#include <algorithm>

#include "operator/base/time_text.h"
#include "tests/sim/api/builtin_rules.h"
#include "tests/sim/api/patches.h"
#include "tests/sim/api/replies.h"

namespace chaos::sim {
namespace {

bool IsPod(const Resource& resource) { return resource.type.plural == "pods"; }
bool IsNamespace(const Resource& resource) { return resource.type.plural == "namespaces"; }
bool Deleting(const Json& object) {
  return Find(object, {"metadata", "deletionTimestamp"}) != nullptr;
}

// Lists of core kinds come without kind and apiVersion in their items.
Json ListItem(const Resource& resource, const Version& version) {
  Json item = version.object;
  if (!resource.custom) {
    item.erase("kind");
    item.erase("apiVersion");
  }
  return item;
}

std::uint64_t Number(const std::string& text) {
  return text.empty() || text.find_first_not_of("0123456789") != std::string::npos
             ? 0
             : std::stoull(text);
}

void KeepMetadata(const Json& before, Json& after) {
  const Json& old = before["metadata"];
  Json& meta = after["metadata"];
  for (const char* name : {"name", "namespace", "uid", "creationTimestamp", "deletionTimestamp",
                           "deletionGracePeriodSeconds", "generation", "resourceVersion"}) {
    if (old.contains(name)) {
      meta[name] = old[name];
    } else {
      meta.erase(name);
    }
  }
}

// A status that one manager applies whole: what it does not name any more goes.
Json ApplyStatus(const Json& before, const Json& body) {
  Json after = before;
  after["status"] = body.value("status", Json::object());
  for (const char* name : {"uid", "resourceVersion"}) {
    if (const Json* given = Find(body, {"metadata", name})) after["metadata"][name] = *given;
  }
  return after;
}

// Everything but metadata and status: what a change of the generation is about.
bool SpecDiffers(const Json& a, const Json& b) {
  const auto rest = [](const Json& object) {
    Json copy = object;
    for (const char* name : {"metadata", "status", "apiVersion", "kind"}) copy.erase(name);
    return copy;
  };
  return rest(a) != rest(b);
}

}  // namespace

void ApiServer::UseSchema(const Resource& resource, Json open_api_schema) {
  schemas_.insert_or_assign(&resource, Schema(std::move(open_api_schema)));
}

kube::Response ApiServer::Handle(const kube::Request& request, std::string_view user) {
  const std::optional<Target> target = ParseTarget(request.target);
  if (!target)
    return StatusReply(404, "NotFound", "the server could not find the requested resource");
  Call call{user, request.method, *target, Json()};
  if (!request.body.empty()) {
    Result<Json> body = ParseJson(request.body);
    if (!body) return BadRequest("the object provided is unrecognized: " + body.error().detail);
    call.body = std::move(*body);
  }
  switch (request.method) {
    case kube::Method::kGet:
      return call.target.key.name.empty() ? List(call) : Get(call);
    case kube::Method::kPost:
      return Post(std::move(call));
    case kube::Method::kPut:
      return Put(call);
    case kube::Method::kPatch:
      return Patch(call, request.content_type);
    case kube::Method::kDelete:
      return DeleteOne(call);
  }
  return BadRequest("unknown method");
}

kube::Response ApiServer::Get(const Call& call) {
  const VersionPtr found = store_.Find(*call.target.resource, call.target.key);
  return found ? Reply(200, found->Text()) : NotFound(*call.target.resource, call.target.key.name);
}

// A page starts behind the key in `continue` and shows the version at which the first page was
// taken.
kube::Response ApiServer::List(const Call& call) {
  const Resource& resource = *call.target.resource;
  const std::string token = call.target.Query("continue");
  const std::size_t split = token.find('|');
  const std::uint64_t at = token.empty() ? store_.rv() : Number(token.substr(0, split));
  if (at < store_.oldest())
    return StatusReply(410, "Expired", "The provided continue parameter is too old");
  const std::string behind = token.empty() ? "" : token.substr(split + 1);
  const std::uint64_t limit = Number(call.target.Query("limit"));
  if (Number(call.target.Query("resourceVersion")) > store_.rv()) return TooLargeVersion();

  Json items = Json::array();
  std::string next;
  std::string last;
  for (const auto& [key, version] :
       at == store_.rv() ? store_.All(resource) : store_.AsOf(resource, at)) {
    const std::string here = key.Print();
    if (!call.target.key.ns.empty() && key.ns != call.target.key.ns) continue;
    if (!behind.empty() && here <= behind) continue;
    if (!MatchesLabels(version->object, call.target.Query("labelSelector"))) continue;
    if (!MatchesFields(version->object, call.target.Query("fieldSelector"))) continue;
    if (limit != 0 && items.size() == limit) {
      next = std::to_string(at) + "|" + last;
      break;
    }
    items.push_back(ListItem(resource, *version));
    last = here;
  }
  Json meta{{"resourceVersion", std::to_string(at)}};
  if (!next.empty()) meta["continue"] = next;
  const Json list{{"kind", std::string(resource.type.kind) + "List"},
                  {"apiVersion", ApiVersion(resource)},
                  {"metadata", std::move(meta)},
                  {"items", std::move(items)}};
  return Reply(200, PrintJson(list));
}

std::optional<kube::Response> ApiServer::CheckNamespace(const Target& target) {
  if (!target.resource->type.namespaced) return std::nullopt;
  const Resource& namespaces = *FindResource(kube::kNamespaces);
  const VersionPtr ns = store_.Find(namespaces, {"", target.key.ns});
  if (!ns) return NotFound(namespaces, target.key.ns);
  if (Deleting(ns->object)) {
    return Forbidden(*target.resource, target.key.name,
                     "unable to create new content in namespace " + target.key.ns +
                         " because it is being terminated");
  }
  return std::nullopt;
}

kube::Response ApiServer::Post(Call call) {
  const Resource& resource = *call.target.resource;
  if (!call.target.subresource.empty() || !call.target.key.name.empty())
    return StatusReply(405, "MethodNotAllowed",
                       "the server does not allow this method on the requested resource");
  Json object = std::move(call.body);
  if (!object.is_object() || !object.contains("metadata"))
    return BadRequest("no object in the body");
  Json& meta = object["metadata"];
  call.target.key.name = Text(object, {"metadata", "name"});
  if (meta.value("namespace", call.target.key.ns) != call.target.key.ns)
    return BadRequest(
        "the namespace of the provided object does not match the namespace sent on the request");
  if (!IsDnsName(call.target.key.name)) {
    return Unprocessable(
        resource, call.target.key.name,
        call.target.key.name.empty()
            ? "metadata.name: Required value: name or generateName is required"
            : "metadata.name: Invalid value: a lowercase RFC 1123 subdomain must consist of lower "
              "case alphanumeric characters, '-' or '.'");
  }
  if (auto refused = CheckNamespace(call.target)) return *refused;
  if (store_.Find(resource, call.target.key)) return AlreadyExists(resource, call.target.key.name);
  object["apiVersion"] = ApiVersion(resource);
  object["kind"] = resource.type.kind;
  for (const char* name : {"resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds"})
    meta.erase(name);
  if (resource.type.namespaced) meta["namespace"] = call.target.key.ns;
  meta["uid"] = NewUid();
  meta["creationTimestamp"] = PrintTime(Now(), 0);
  if (resource.custom || IsPod(resource)) meta["generation"] = 1;
  if (resource.status_apart) object.erase("status");
  if (IsPod(resource)) object["status"] = {{"phase", "Pending"}, {"qosClass", "BestEffort"}};
  if (IsNamespace(resource)) object["status"] = {{"phase", "Active"}};
  return Store(call, nullptr, std::move(object));
}

kube::Response ApiServer::Put(const Call& call) {
  const Resource& resource = *call.target.resource;
  const std::string& name = call.target.key.name;
  const VersionPtr before = store_.Find(resource, call.target.key);
  if (!before) return NotFound(resource, name);
  const std::string uid = Text(call.body, {"metadata", "uid"});
  const std::string old_uid = Text(before->object, {"metadata", "uid"});
  if (!uid.empty() && uid != old_uid) {
    return Conflict(
        resource, name,
        "StorageError: invalid object, Code: 4, Precondition failed: UID in precondition: " + uid +
            ", UID in object meta: " + old_uid);
  }
  const std::string version = Text(call.body, {"metadata", "resourceVersion"});
  if (version.empty() && (resource.custom || resource.type.plural == "leases")) {
    return Unprocessable(
        resource, name,
        "metadata.resourceVersion: Invalid value: 0x0: must be specified for an update");
  }
  if (!version.empty() && Number(version) != before->rv) return Conflict(resource, name);
  Json after = call.body;
  if (!after.is_object()) return BadRequest("no object in the body");
  after["apiVersion"] = ApiVersion(resource);
  after["kind"] = resource.type.kind;
  if (auto refused = Restrict(call, before->object, after)) return *refused;
  return Store(call, before, std::move(after));
}

kube::Response ApiServer::Patch(const Call& call, std::string_view content_type) {
  const Resource& resource = *call.target.resource;
  const std::string& name = call.target.key.name;
  const std::optional<PatchType> type = PatchTypeOf(content_type);
  if (!type || (resource.custom && *type == PatchType::kStrategic)) {
    return StatusReply(
        415, "UnsupportedMediaType",
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml");
  }
  const VersionPtr before = store_.Find(resource, call.target.key);
  if (!before && *type == PatchType::kApply && call.target.subresource.empty()) {
    Call create = call;
    create.target.key.name.clear();
    return Post(std::move(create));
  }
  if (!before) return NotFound(resource, name);
  if (auto refused = CheckApplied(call, *type)) return *refused;
  std::variant<Json, std::string> patched =
      *type == PatchType::kApply && call.target.subresource == "status"
          ? ApplyStatus(before->object, call.body)
          : ApplyPatch(before->object, *type, call.body);
  if (const auto* wrong = std::get_if<std::string>(&patched))
    return StatusReply(422, "Invalid", *wrong);
  Json after = std::get<Json>(std::move(patched));
  const std::string uid = Text(after, {"metadata", "uid"});
  if (uid != Text(before->object, {"metadata", "uid"}))
    return Unprocessable(resource, name,
                         "metadata.uid: Invalid value: \"" + uid + "\": field is immutable");
  if (Number(Text(after, {"metadata", "resourceVersion"})) != before->rv)
    return Conflict(resource, name);
  if (auto refused = Restrict(call, before->object, after)) return *refused;
  return Store(call, before, std::move(after));
}

// Before anything else a server-side apply is read by the schema; a real API server blames itself
// where that fails.
std::optional<kube::Response> ApiServer::CheckApplied(const Call& call, PatchType type) {
  const auto schema = schemas_.find(call.target.resource);
  if (type != PatchType::kApply || schema == schemas_.end()) return std::nullopt;
  const std::vector<std::string> misfits = schema->second.Misfits(call.body);
  if (misfits.empty()) return std::nullopt;
  return StatusReply(500, "InternalError",
                     "failed to create typed patch object (" + call.target.key.Print() + "; " +
                         ApiVersion(*call.target.resource) + ", Kind=" +
                         std::string(call.target.resource->type.kind) + "): " + misfits.front());
}

std::optional<kube::Response> ApiServer::Restrict(const Call& call, const Json& before,
                                                  Json& after) {
  const Resource& resource = *call.target.resource;
  const std::string& sub = call.target.subresource;
  if (!sub.empty()) {
    const bool known = (sub == "status" && resource.status_apart) ||
                       (sub == "ephemeralcontainers" && IsPod(resource));
    if (!known)
      return StatusReply(404, "NotFound", "the server could not find the requested resource");
    Json kept = before;
    if (sub == "status") {
      if (after.contains("status"))
        kept["status"] = after["status"];
      else
        kept.erase("status");
    } else if (const Json* list = Find(after, {"spec", "ephemeralContainers"})) {
      kept["spec"]["ephemeralContainers"] = *list;
    } else {
      kept["spec"].erase("ephemeralContainers");
    }
    after = std::move(kept);
    return sub == "ephemeralcontainers" ? CheckEphemeralContainers(before, after) : std::nullopt;
  }
  KeepMetadata(before, after);
  if (resource.status_apart && before.contains("status")) after["status"] = before["status"];
  if (IsPod(resource) && after["spec"] != before["spec"])
    return Unprocessable(
        resource, call.target.key.name,
        "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`");
  if (Deleting(before)) {
    const std::vector<std::string> old = Texts(before, {"metadata", "finalizers"});
    for (const std::string& one : Texts(after, {"metadata", "finalizers"})) {
      if (std::find(old.begin(), old.end(), one) == old.end())
        return Unprocessable(
            resource, call.target.key.name,
            "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being "
            "deleted, found new finalizers [\"" +
                one + "\"]");
    }
  }
  if (resource.custom && SpecDiffers(before, after))
    after["metadata"]["generation"] = Integer(before, {"metadata", "generation"}) + 1;
  return std::nullopt;
}

std::optional<kube::Response> ApiServer::CheckSchema(const Call& call, Json& object) {
  const auto schema = schemas_.find(call.target.resource);
  if (schema == schemas_.end()) return CheckBuiltin(*call.target.resource, object);
  const std::vector<std::string> unknown = schema->second.Prune(object);
  if (!unknown.empty() && call.target.Query("fieldValidation") == "Strict") {
    const std::string why = "strict decoding error: unknown field \"" + unknown.front() + "\"";
    return call.method == kube::Method::kPatch
               ? Unprocessable(*call.target.resource, call.target.key.name, why)
               : BadRequest(why);
  }
  schema->second.AddDefaults(object);
  const std::vector<std::string> wrong = schema->second.Validate(object);
  if (wrong.empty()) return std::nullopt;
  return Unprocessable(*call.target.resource, call.target.key.name, wrong.front());
}

std::optional<kube::Response> ApiServer::AskRules(const Call& call, const Json* before,
                                                  const Json* after) {
  for (const Rule& rule : rules_) {
    if (auto refused = rule({call.user, call.method, call.target, before, after})) return refused;
  }
  return std::nullopt;
}

kube::Response ApiServer::Store(const Call& call, const VersionPtr& before, Json after) {
  const Resource& resource = *call.target.resource;
  const int ok = before ? 200 : 201;
  AddBuiltinDefaults(resource, after);
  if (auto refused = CheckSchema(call, after)) return *refused;
  if (auto refused = AskRules(call, before ? &before->object : nullptr, &after)) return *refused;
  if (before && after == before->object) return Reply(ok, before->Text());
  if (call.target.Query("dryRun") == "All") return Reply(ok, PrintJson(after));
  const Json* finalizers = Find(after, {"metadata", "finalizers"});
  const bool held = finalizers != nullptr && !finalizers->empty();
  // Graceful pods go when their kubelet says so, everything else with its last finalizer.
  if (before && Deleting(after) && !held &&
      Integer(after, {"metadata", "deletionGracePeriodSeconds"}) == 0) {
    store_.Erase(resource, call.target.key);
    return Reply(ok, PrintJson(after));
  }
  return Reply(ok, store_.Put(resource, call.target.key, std::move(after))->Text());
}

kube::Response ApiServer::DeleteOne(const Call& call) {
  const Resource& resource = *call.target.resource;
  const std::string& name = call.target.key.name;
  const VersionPtr before = store_.Find(resource, call.target.key);
  if (!before) return NotFound(resource, name);
  const std::string uid = Text(before->object, {"metadata", "uid"});
  const std::string wanted = Text(call.body, {"preconditions", "uid"}, uid);
  if (wanted != uid) {
    return Conflict(
        resource, name,
        "Precondition failed: UID in precondition: " + wanted + ", UID in object meta: " + uid);
  }
  const std::string version = Text(call.body, {"preconditions", "resourceVersion"});
  if (!version.empty() && Number(version) != before->rv)
    return Conflict(resource, name,
                    "Precondition failed: ResourceVersion in precondition: " + version);
  if (auto refused = AskRules(call, &before->object, nullptr)) return *refused;
  if (call.target.Query("dryRun") == "All" || call.body.contains("dryRun"))
    return Reply(200, before->Text());
  const std::string asked = call.target.Query("gracePeriodSeconds");
  const std::int64_t own =
      IsPod(resource) ? Integer(before->object, {"spec", "terminationGracePeriodSeconds"}, 30) : 0;
  const std::int64_t grace =
      asked.empty() ? Integer(call.body, {"gracePeriodSeconds"}, own) : std::stoll(asked);
  return MarkDeleted(call, before, static_cast<int>(grace));
}

kube::Response ApiServer::MarkDeleted(const Call& call, const VersionPtr& before,
                                      int grace_seconds) {
  const Resource& resource = *call.target.resource;
  const Json& old = before->object;
  const std::string phase = Text(old, {"status", "phase"});
  const bool unscheduled =
      Text(old, {"spec", "nodeName"}).empty() || phase == "Succeeded" || phase == "Failed";
  const int grace = !IsPod(resource) || unscheduled ? 0 : grace_seconds;
  const Json* finalizers = Find(old, {"metadata", "finalizers"});
  const bool held = (finalizers != nullptr && !finalizers->empty()) || IsNamespace(resource);
  if (!held && grace == 0) {
    store_.Erase(resource, call.target.key);
    return Deleted(resource, call.target.key.name, Text(old, {"metadata", "uid"}));
  }
  // A second deletion changes something only when it shortens the grace.
  if (Deleting(old) && grace >= Integer(old, {"metadata", "deletionGracePeriodSeconds"}))
    return Reply(200, before->Text());
  Json after = old;
  after["metadata"]["deletionTimestamp"] = PrintTime(Now() + seconds(grace), 0);
  after["metadata"]["deletionGracePeriodSeconds"] = grace;
  if (after["metadata"].contains("generation"))
    after["metadata"]["generation"] = Integer(old, {"metadata", "generation"}) + 1;
  if (IsNamespace(resource)) after["status"]["phase"] = "Terminating";
  return Reply(200, store_.Put(resource, call.target.key, std::move(after))->Text());
}

void ApiServer::Mutate(const kube::ResourceType& type, const kube::Key& key,
                       const std::function<void(Json&)>& change) {
  const Resource& resource = *FindResource(type);
  const VersionPtr before = store_.Find(resource, key);
  if (!before) return;
  Json after = before->object;
  change(after);
  if (after != before->object) store_.Put(resource, key, std::move(after));
}

VersionPtr ApiServer::Create(const kube::ResourceType& type, const std::string& ns, Json object) {
  const Resource& resource = *FindResource(type);
  const std::string name = Text(object, {"metadata", "name"});
  Call call{"test", kube::Method::kPost, Target{&resource, {ns, ""}, "", {}}, std::move(object)};
  const kube::Response reply = Post(std::move(call));
  if (reply.status != 201)
    throw std::runtime_error("the simulated API server refused: " + reply.body);
  return store_.Find(resource, {ns, name});
}

void ApiServer::Delete(const kube::ResourceType& type, const kube::Key& key, int grace_seconds) {
  Call call{"test", kube::Method::kDelete, Target{FindResource(type), key, "", {}}, Json::object()};
  if (grace_seconds >= 0) call.body["gracePeriodSeconds"] = grace_seconds;
  DeleteOne(call);
}

std::string ApiServer::NewUid() {
  char text[40];
  std::snprintf(text, sizeof text, "5eed0000-0000-4000-8000-%012llx",
                static_cast<unsigned long long>(++uids_));
  return text;
}

}  // namespace chaos::sim
