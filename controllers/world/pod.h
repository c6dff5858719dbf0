// Pods as runs see them. FromJson is total and never throws.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/json.h"
#include "operator/base/time_text.h"
#include "operator/kube/object.h"

namespace chaos {

// How a container came to its end, as the kubelet saw it.
struct Ending {
  std::string reason;  // "Error", "Completed", "OOMKilled"
  int exit_code = 0;
  std::optional<TimePoint> started, finished;  // whole seconds, on the node's clock
};

struct ContainerState {
  std::string name;
  enum class Kind { kUnknown, kWaiting, kRunning, kTerminated } kind = Kind::kUnknown;
  std::string reason,
      message;  // of waiting or terminated; message is the record of our own containers
  int exit_code = 0;
  std::optional<TimePoint> started, finished;
  int restarts = 0;            // lags the end of a container by a second
  std::optional<Ending> last;  // of the run before this one
};

// Whose identity a container's first process has, as far as anybody says it.
struct User {
  std::optional<std::int64_t> uid, gid;
  bool Known() const { return uid && gid; }
};

struct Pod {
  kube::ObjectMeta meta;
  std::string node, phase, pod_ip, host_ip;
  std::string restart_policy = "Always";
  std::vector<std::string> pod_ips;
  bool ready = false, host_network = false;
  std::optional<TimePoint> ready_since;
  std::string controller;               // kind of the object that would replace it; may be empty
  std::optional<TimePoint> deleted_at;  // when its deletion was asked for, to the second
  seconds grace{30};                    // from then until its containers are killed
  std::string unschedulable;            // why no node takes it, in the scheduler's words
  std::vector<std::string> containers;
  std::vector<std::uint16_t> tcp_ports;  // declared by its containers
  std::vector<std::string> sidecars;     // names of its ephemeral containers
  std::vector<ContainerState> states;    // of regular and ephemeral containers
  std::map<std::string, User> users;     // by container
  const ContainerState* State(std::string_view container) const;
  bool Ours() const;  // one that we made
  static Result<Pod> FromJson(const Json& object);
};

// What keeps a container of ours from running, as far as the cluster says it. `pod` may be null.
std::string WhyNotRunning(const Pod* pod, std::string_view container);

using Pods = std::vector<std::shared_ptr<const Pod>>;

}  // namespace chaos
