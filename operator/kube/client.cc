#include "operator/kube/client.h"

#include "operator/kube/api_error.h"

namespace chaos::kube {
namespace {

constexpr std::string_view kPageSize = "500";
constexpr seconds kIdleMargin{5};

std::string Escape(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string escaped;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      escaped += c;
    } else {
      escaped += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return escaped;
}

// A path and its query; parameters with an empty value are left out.
class Target {
 public:
  explicit Target(std::string path) : text_(std::move(path)) {}
  Target& With(std::string_view key, std::string_view value) {
    if (value.empty()) return *this;
    text_.append(1, std::exchange(separator_, '&')).append(key).append("=").append(Escape(value));
    return *this;
  }
  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
  char separator_ = '?';
};

std::string WriteTarget(std::string path, const WriteOptions& options, bool force = false) {
  return Target(std::move(path))
      .With("fieldManager", options.field_manager)
      .With("fieldValidation", "Strict")
      .With("dryRun", options.dry_run ? "All" : "")
      .With("force", force ? "true" : "")
      .Take();
}

std::string_view ContentType(Patch patch) {
  switch (patch) {
    case Patch::kMerge:
      return "application/merge-patch+json";
    case Patch::kStrategicMerge:
      return "application/strategic-merge-patch+json";
    case Patch::kApply:
      return "application/apply-patch+yaml";
    case Patch::kJson:
      return "application/json-patch+json";
  }
  CHECK(false);
}

Json BodyOf(const DeleteOptions& options) {
  Json body{{"apiVersion", "v1"}, {"kind", "DeleteOptions"}};
  if (!options.uid.empty()) body["preconditions"]["uid"] = options.uid;
  if (options.grace_seconds >= 0) body["gracePeriodSeconds"] = options.grace_seconds;
  if (options.dry_run) body["dryRun"] = Json::array({"All"});
  return body;
}

Error Gone(std::string_view name) {
  return {Reason::kNotFound, std::string(name) + " is gone; another object has its name", {}, 409};
}

bool Succeeded(const Response& response) { return response.status / 100 == 2; }

std::string LogTarget(std::string_view ns, std::string_view pod, std::string_view container,
                      int tail_lines, bool follow) {
  return Target(PathOf(kPods, ns, pod, "log"))
      .With("container", container)
      .With("tailLines", tail_lines < 0 ? "" : std::to_string(tail_lines))
      .With("follow", follow ? "true" : "")
      .Take();
}

}  // namespace

Result<Json> Client::Call(Request request) {
  request.timeout = timeout_;
  Result<Response> response = transport_.Send(request);
  if (!response) return response.error();
  if (!Succeeded(*response)) return ErrorFromResponse(*response);
  Result<Json> json = ParseJson(response->body);
  if (json) return json;
  // It was executed, but what came back is cut: a write has to be looked for, a read to be
  // repeated.
  return Error{Writes(request.method) ? Reason::kUnknownOutcome : Reason::kUnavailable,
               std::string(Name(request.method)) + " " + request.target + ": the answer is " +
                   json.error().detail,
               {},
               response->status};
}

Result<Json> Client::Get(const ResourceType& type, std::string_view ns, std::string_view name) {
  CHECK(!name.empty());
  return Call({Method::kGet, PathOf(type, ns, name), "", "", {}});
}

Result<ListAnswer> Client::List(const ResourceType& type, std::string_view ns,
                                std::string_view label_selector, std::string_view resource_version,
                                std::string_view field_selector) {
  ListAnswer all;
  std::string next;
  for (bool first = true;; first = false) {
    Target target(PathOf(type, ns));
    target.With("labelSelector", label_selector)
        .With("fieldSelector", field_selector)
        .With("limit", kPageSize)
        .With("continue", next);
    if (first) {
      target.With("resourceVersion", resource_version);
      // With a limit, a version alone would mean exactly this one.
      if (resource_version != "0" && !resource_version.empty())
        target.With("resourceVersionMatch", "NotOlderThan");
    }
    Result<Json> page = Call({Method::kGet, target.Take(), "", "", {}});
    if (!page && page.error().reason == Reason::kGone && !first) {
      // The snapshot that we were paging through is gone: once more, in one piece.
      all = {};
      next.clear();
      page = Call({Method::kGet,
                   Target(PathOf(type, ns))
                       .With("labelSelector", label_selector)
                       .With("fieldSelector", field_selector)
                       .Take(),
                   "",
                   "",
                   {}});
    }
    if (!page) return page.error();
    if (all.resource_version.empty())
      all.resource_version = Text(*page, {"metadata", "resourceVersion"});
    next = Text(*page, {"metadata", "continue"});
    if (const auto items = page->find("items"); items != page->end() && items->is_array()) {
      for (Json& item : *items) all.items.push_back(std::move(item));
    }
    if (next.empty()) return all;
  }
}

Result<Json> Client::Create(const ResourceType& type, std::string_view ns, const Json& object,
                            const WriteOptions& options) {
  CHECK(!Text(object, {"metadata", "name"})
             .empty());  // never generateName: a create may be executed twice
  return Call({Method::kPost,
               WriteTarget(PathOf(type, ns), options),
               "application/json",
               PrintJson(object),
               {}});
}

Result<Json> Client::Replace(const ResourceType& type, std::string_view ns, std::string_view name,
                             const Json& object, const WriteOptions& options) {
  return Call({Method::kPut,
               WriteTarget(PathOf(type, ns, name), options),
               "application/json",
               PrintJson(object),
               {}});
}

Result<Json> Client::PatchObject(const ResourceType& type, std::string_view ns,
                                 std::string_view name, std::string_view subresource, Patch patch,
                                 const Json& body, const WriteOptions& options) {
  return Call({Method::kPatch,
               WriteTarget(PathOf(type, ns, name, subresource), options, patch == Patch::kApply),
               std::string(ContentType(patch)),
               PrintJson(body),
               {}});
}

Result<void> Client::Delete(const ResourceType& type, std::string_view ns, std::string_view name,
                            const DeleteOptions& options) {
  CHECK(!name.empty());  // an empty name would delete the whole collection
  Json body = BodyOf(options);
  body["propagationPolicy"] = "Background";
  Result<Response> response = transport_.Send(
      {Method::kDelete, PathOf(type, ns, name), "application/json", PrintJson(body), timeout_});
  if (!response) return response.error();
  if (Succeeded(*response)) return {};
  if (response->status == 404 && !options.must_exist) return {};
  // Another object under that name: the one that was meant is not there.
  const bool other_uid =
      response->status == 409 && response->body.find("UID in precondition") != std::string::npos;
  if (other_uid && !options.uid.empty()) {
    if (options.must_exist) return Gone(name);
    return {};
  }
  return ErrorFromResponse(*response);
}

Result<void> Client::Evict(std::string_view ns, std::string_view pod,
                           const DeleteOptions& options) {
  const Json body{{"apiVersion", "policy/v1"},
                  {"kind", "Eviction"},
                  {"metadata", {{"name", pod}, {"namespace", ns}}},
                  {"deleteOptions", BodyOf(options)}};
  Result<Response> response = transport_.Send(
      {Method::kPost, WriteTarget(PathOf(kPods, ns, pod, "eviction"), {options.dry_run}),
       "application/json", PrintJson(body), timeout_});
  if (!response) return response.error();
  if (Succeeded(*response)) return {};
  if (response->status == 409 && response->body.find("UID in precondition") != std::string::npos)
    return Gone(pod);
  return ErrorFromResponse(*response);
}

Result<std::string> Client::Log(std::string_view ns, std::string_view pod,
                                std::string_view container, int tail_lines) {
  Result<Response> response =
      transport_.Send({Method::kGet, LogTarget(ns, pod, container, tail_lines, /*follow=*/false),
                       "", "", timeout_});
  if (!response) return response.error();
  if (!Succeeded(*response)) return ErrorFromResponse(*response);
  return std::move(response->body);
}

std::unique_ptr<LineStream> Client::FollowLog(std::string_view ns, std::string_view pod,
                                              std::string_view container,
                                              std::chrono::milliseconds max_silence,
                                              std::function<void()> wake) {
  return transport_.Open(
      {Method::kGet, LogTarget(ns, pod, container, /*tail_lines=*/-1, /*follow=*/true), "", "",
       max_silence},
      std::move(wake));
}

std::unique_ptr<LineStream> Client::Watch(const ResourceType& type, std::string_view ns,
                                          std::string_view label_selector,
                                          std::string_view resource_version,
                                          std::chrono::seconds timeout,
                                          std::function<void()> wake) {
  std::string target = Target(PathOf(type, ns))
                           .With("watch", "true")
                           .With("allowWatchBookmarks", "true")
                           .With("labelSelector", label_selector)
                           .With("resourceVersion", resource_version)
                           .With("timeoutSeconds", std::to_string(timeout.count()))
                           .Take();
  return transport_.Open({Method::kGet, std::move(target), "", "", timeout + kIdleMargin},
                         std::move(wake));
}

}  // namespace chaos::kube
