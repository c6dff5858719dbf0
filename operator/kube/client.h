// The verbs of the API server as typed calls over a Transport. Deciding happens elsewhere.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/json.h"
#include "operator/kube/object.h"
#include "operator/kube/transport.h"

namespace chaos::kube {

enum class Patch { kMerge, kStrategicMerge, kApply, kJson };  // kApply = server-side apply

struct WriteOptions {
  bool dry_run = false;  // dryRun=All: everything is checked, nothing is stored
  std::string field_manager = "chaos-operator";
};

struct DeleteOptions {
  std::string uid;         // precondition; empty = none
  int grace_seconds = -1;  // -1 = the object's own
  bool dry_run = false;
  bool must_exist = false;  // kNotFound when it is gone, or another object has its name
};

struct ListAnswer {
  std::vector<Json> items;
  std::string resource_version;
};

// Requires: `transport` outlives the client. Thread-safety: as the transport's.
// Every write is safe when it is executed twice: names are deterministic, bodies carry
// preconditions; there is no generateName anywhere. All writes use fieldValidation=Strict.
class Client {
 public:
  // `timeout` bounds every unary call, each page of a list on its own.
  explicit Client(Transport& transport,
                  std::chrono::milliseconds timeout = std::chrono::seconds(30))
      : transport_(transport), timeout_(timeout) {}
  std::chrono::milliseconds timeout() const { return timeout_; }

  Result<Json> Get(const ResourceType& type, std::string_view ns, std::string_view name);
  // Follows `continue` until the end (pages of 500). `resource_version` "" = newest (quorum), "0" =
  // any.
  Result<ListAnswer> List(const ResourceType& type, std::string_view ns,
                          std::string_view label_selector = "",
                          std::string_view resource_version = "",
                          std::string_view field_selector = "");
  Result<Json> Create(const ResourceType& type, std::string_view ns, const Json& object,
                      const WriteOptions& options = {});
  Result<Json> Replace(const ResourceType& type, std::string_view ns, std::string_view name,
                       const Json& object, const WriteOptions& options = {});
  // `subresource` "" for the object itself, else "status", "ephemeralcontainers". kApply is sent
  // with force=true.
  Result<Json> PatchObject(const ResourceType& type, std::string_view ns, std::string_view name,
                           std::string_view subresource, Patch patch, const Json& body,
                           const WriteOptions& options = {});
  // Deleting what is not there is success, unless it must exist.
  Result<void> Delete(const ResourceType& type, std::string_view ns, std::string_view name,
                      const DeleteOptions& options = {});

  // Deletes a pod unless a PodDisruptionBudget forbids it; then kThrottled, with the budget in its
  // words. Of the options all but must_exist, which is true here.
  Result<void> Evict(std::string_view ns, std::string_view pod, const DeleteOptions& options);

  // The container's log so far. kInvalid (400) while it has not started.
  Result<std::string> Log(std::string_view ns, std::string_view pod, std::string_view container,
                          int tail_lines = -1);
  std::unique_ptr<LineStream> FollowLog(std::string_view ns, std::string_view pod,
                                        std::string_view container,
                                        std::chrono::milliseconds max_silence,
                                        std::function<void()> wake);
  // `timeout` goes to the server as timeoutSeconds; silence is allowed until 5 s after it.
  // Bookmarks are asked for.
  std::unique_ptr<LineStream> Watch(const ResourceType& type, std::string_view ns,
                                    std::string_view label_selector,
                                    std::string_view resource_version, std::chrono::seconds timeout,
                                    std::function<void()> wake);

 private:
  Result<Json> Call(Request request);
  Transport& transport_;
  const std::chrono::milliseconds timeout_;
};

}  // namespace chaos::kube
