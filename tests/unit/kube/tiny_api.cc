#include "tests/unit/kube/tiny_api.h"

namespace chaos::kube {
namespace {

Response Refuse(int status, const std::string& message) {
  return {status, PrintJson({{"kind", "Status"}, {"code", status}, {"message", message}}), {}};
}

}  // namespace

TinyApi::TinyApi() {
  answer = [this](const Request& request) { return Answer(request); };
}

Result<Response> TinyApi::Answer(const Request& request) {
  before(request);
  if (down) return Error{Reason::kUnavailable, "connection refused", {}, 0};
  Response response = Execute(request);
  if (lose_replies) {
    return Error{
        Writes(request.method) ? Reason::kUnknownOutcome : Reason::kUnavailable, "reset", {}, 0};
  }
  return response;
}

Response TinyApi::Execute(const Request& request) {
  std::string path = request.target.substr(0, request.target.find('?'));
  Json body = request.body.empty() ? Json() : *ParseJson(request.body);
  if (request.method == Method::kPost) path += "/" + Text(body, {"metadata", "name"});
  const auto found = objects.find(path);
  if (request.method == Method::kPost) {
    return found != objects.end() ? Refuse(409, "already exists")
                                  : Store(path, std::move(body), 201);
  }
  if (found == objects.end()) return Refuse(404, "not found");
  const std::string version = Text(body, {"metadata", "resourceVersion"});
  if (!version.empty() && version != Text(found->second, {"metadata", "resourceVersion"})) {
    return Refuse(409, "the object has been modified");
  }
  switch (request.method) {
    case Method::kGet:
      return {200, PrintJson(found->second), {}};
    case Method::kPut:
      return Store(path, std::move(body), 200);
    case Method::kPatch: {
      Json merged = found->second;
      merged.merge_patch(body);
      return Store(path, std::move(merged), 200);
    }
    case Method::kDelete:
      objects.erase(found);
      return {200, "{}", {}};
    case Method::kPost:
      break;
  }
  return Refuse(405, "no such verb");
}

Response TinyApi::Store(const std::string& path, Json object, int status) {
  object["metadata"]["resourceVersion"] = std::to_string(++version_);
  if (!object["metadata"].contains("uid"))
    object["metadata"]["uid"] = "uid-" + std::to_string(version_);
  objects[path] = object;
  return {status, PrintJson(object), {}};
}

}  // namespace chaos::kube
