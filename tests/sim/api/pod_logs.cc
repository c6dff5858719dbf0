#include "tests/sim/api/pod_logs.h"

#include "tests/sim/api/replies.h"

namespace chaos::sim {
namespace {

// Measured: a followed log ends so long after its container.
constexpr milliseconds kEndAfter{1030};

bool HasContainer(const Json& pod, const std::string& name) {
  for (const char* list : {"containers", "initContainers", "ephemeralContainers"}) {
    const Json* containers = Find(pod, {"spec", list});
    if (containers == nullptr) continue;
    for (const Json& one : *containers) {
      if (Text(one, {"name"}) == name) return true;
    }
  }
  return false;
}

bool HasStatus(const Json& pod, const std::string& name) {
  for (const char* list : {"containerStatuses", "ephemeralContainerStatuses"}) {
    const Json* statuses = Find(pod, {"status", list});
    if (statuses == nullptr) continue;
    for (const Json& one : *statuses) {
      if (Text(one, {"name"}) == name) return true;
    }
  }
  return false;
}

}  // namespace

void PodLogs::Started(const std::string& uid, const std::string& container) {
  logs_[{uid, container}];
}

void PodLogs::Print(const std::string& uid, const std::string& container, std::string line) {
  Log& log = logs_[{uid, container}];
  for (const SinkPointer& one : log.followers) {
    if (const std::shared_ptr<LineSink> sink = one.lock()) sink->Line(line);
  }
  log.lines.push_back(std::move(line));
}

void PodLogs::Ended(const std::string& uid, const std::string& container) {
  const Id id{uid, container};
  logs_[id].ended = true;
  timeline_.After(kEndAfter, [this, id] { EndFollowers(id); });
}

void PodLogs::EndFollowers(const Id& id) {
  for (const SinkPointer& one : logs_[id].followers) {
    if (const std::shared_ptr<LineSink> sink = one.lock()) sink->End();
  }
  logs_[id].followers.clear();
}

const std::vector<std::string>* PodLogs::Lines(const std::string& uid,
                                               const std::string& container) const {
  const auto it = logs_.find({uid, container});
  return it == logs_.end() ? nullptr : &it->second.lines;
}

std::variant<kube::Response, PodLogs::Id> PodLogs::Locate(const Target& target) const {
  const VersionPtr pod = store_.Find(*target.resource, target.key);
  if (!pod) return NotFound(*target.resource, target.key.name);
  const std::string container = target.Query("container");
  const std::string quoted = "container \"" + container + "\" in pod \"" + target.key.name + "\"";
  if (!HasContainer(pod->object, container))
    return BadRequest("container " + container + " is not valid for pod " + target.key.name);
  const Id id{Text(pod->object, {"metadata", "uid"}), container};
  if (logs_.contains(id)) return id;
  if (Text(pod->object, {"spec", "nodeName"}).empty())
    return Reply(200, "");  // no node to ask: an empty log
  return BadRequest(HasStatus(pod->object, container)
                        ? quoted + " is waiting to start: ContainerCreating"
                        : quoted + " is not available");
}

kube::Response PodLogs::Get(const Target& target) const {
  const auto located = Locate(target);
  if (const auto* refused = std::get_if<kube::Response>(&located)) return *refused;
  const std::vector<std::string>& lines = logs_.at(std::get<Id>(located)).lines;
  const std::string tail = target.Query("tailLines");
  const std::size_t wanted = tail.empty() ? lines.size() : std::stoul(tail);
  std::string text;
  for (std::size_t i = lines.size() - std::min(wanted, lines.size()); i < lines.size(); ++i)
    text += lines[i] + "\n";
  return Reply(200, std::move(text));
}

std::optional<kube::Response> PodLogs::Follow(const Target& target,
                                              const std::shared_ptr<LineSink>& sink) {
  const auto located = Locate(target);
  if (const auto* refused = std::get_if<kube::Response>(&located)) return *refused;
  Log& log = logs_.at(std::get<Id>(located));
  sink->Begin();
  for (const std::string& line : log.lines) sink->Line(line);
  if (log.ended) {
    sink->End();
  } else {
    log.followers.push_back(sink);
  }
  return std::nullopt;
}

}  // namespace chaos::sim
