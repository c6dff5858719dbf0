// pods/log: what containers have printed, as their node keeps it, and how a real API server hands
// it out.
#pragma once

#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/kube/transport.h"
#include "tests/sim/api/line_sink.h"
#include "tests/sim/api/object_store.h"
#include "tests/sim/timeline.h"

namespace chaos::sim {

class PodLogs {
 public:
  PodLogs(const ObjectStore& store, Timeline& timeline) : store_(store), timeline_(timeline) {}

  // For the node. A container prints under the uid of its pod.
  void Started(const std::string& uid, const std::string& container);
  void Print(const std::string& uid, const std::string& container, std::string line);
  void Ended(const std::string& uid, const std::string& container);
  const std::vector<std::string>* Lines(const std::string& uid, const std::string& container) const;

  kube::Response Get(const Target& target) const;
  std::optional<kube::Response> Follow(const Target& target, const std::shared_ptr<LineSink>& sink);

 private:
  struct Log {
    std::vector<std::string> lines;
    bool ended = false;
    std::list<SinkPointer> followers;
  };
  using Id = std::pair<std::string, std::string>;  // uid, container
  // A refusal, or which log is meant.
  std::variant<kube::Response, Id> Locate(const Target& target) const;
  void EndFollowers(const Id& id);

  const ObjectStore& store_;
  Timeline& timeline_;
  std::map<Id, Log> logs_;
};

}  // namespace chaos::sim
