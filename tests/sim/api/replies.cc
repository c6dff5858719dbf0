#include "tests/sim/api/replies.h"

namespace chaos::sim {

kube::Response Reply(int status, std::string body) {
  return {status, std::move(body), milliseconds{0}};
}

std::string StatusBody(int code, std::string_view reason, std::string_view message) {
  const Json body{{"kind", "Status"},   {"apiVersion", "v1"}, {"metadata", Json::object()},
                  {"code", code},       {"reason", reason},   {"message", message},
                  {"status", "Failure"}};
  return PrintJson(body);
}

kube::Response StatusReply(int code, std::string_view reason, std::string message) {
  return Reply(code, StatusBody(code, reason, message));
}

namespace {

std::string Named(const Resource& resource, const std::string& name) {
  return GroupPlural(resource) + " \"" + name + "\"";
}

}  // namespace

kube::Response NotFound(const Resource& resource, const std::string& name) {
  return StatusReply(404, "NotFound", Named(resource, name) + " not found");
}

kube::Response AlreadyExists(const Resource& resource, const std::string& name) {
  return StatusReply(409, "AlreadyExists", Named(resource, name) + " already exists");
}

kube::Response Conflict(const Resource& resource, const std::string& name, const std::string& why) {
  const std::string text = why.empty()
                               ? "the object has been modified; please apply your changes to the "
                                 "latest version and try again"
                               : why;
  return StatusReply(409, "Conflict",
                     "Operation cannot be fulfilled on " + Named(resource, name) + ": " + text);
}

kube::Response Unprocessable(const Resource& resource, const std::string& name,
                             const std::string& why) {
  return StatusReply(422, "Invalid",
                     std::string(resource.type.kind) + " \"" + name + "\" is invalid: " + why);
}

kube::Response Forbidden(const Resource& resource, const std::string& name,
                         const std::string& why) {
  return StatusReply(403, "Forbidden", Named(resource, name) + " is forbidden: " + why);
}

kube::Response BadRequest(std::string why) {
  return StatusReply(400, "BadRequest", std::move(why));
}

kube::Response Expired() { return StatusReply(410, "Expired", "too old resource version"); }

kube::Response TooLargeVersion() {
  const Json body{{"kind", "Status"},
                  {"apiVersion", "v1"},
                  {"code", 504},
                  {"reason", "Timeout"},
                  {"message", "Timeout: Too large resource version"},
                  {"status", "Failure"},
                  {"details",
                   {{"causes", Json::array({{{"reason", "ResourceVersionTooLarge"},
                                             {"message", "Too large resource version"}}})},
                    {"retryAfterSeconds", 1}}}};
  return Reply(504, PrintJson(body));
}

kube::Response Deleted(const Resource& resource, const std::string& name, const std::string& uid) {
  const Json body{{"kind", "Status"},
                  {"apiVersion", "v1"},
                  {"metadata", Json::object()},
                  {"status", "Success"},
                  {"details",
                   {{"name", name},
                    {"uid", uid},
                    {"kind", resource.type.plural},
                    {"group", resource.type.group}}}};
  return Reply(200, PrintJson(body));
}

}  // namespace chaos::sim
