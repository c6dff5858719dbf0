// Pods as runs see them. FromJson is total and never throws.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/json.h"
#include "operator/base/time_text.h"
#include "operator/kube/object.h"

namespace chaos {

struct ContainerState {
  std::string name;
  enum class Kind { kUnknown, kWaiting, kRunning, kTerminated } kind = Kind::kUnknown;
  std::string reason,
      message;  // of waiting or terminated; message is the record of our own containers
  int exit_code = 0;
  std::optional<TimePoint> started, finished;
};

struct Pod {
  kube::ObjectMeta meta;
  std::string node, phase, pod_ip, host_ip;
  std::vector<std::string> pod_ips;
  bool ready = false, host_network = false;
  std::string unschedulable;  // why no node takes it, in the scheduler's words
  std::vector<std::string> containers;
  std::vector<std::uint16_t> tcp_ports;  // declared by its containers
  std::vector<std::string> sidecars;     // names of its ephemeral containers
  std::vector<ContainerState> states;    // of regular and ephemeral containers
  const ContainerState* State(std::string_view container) const;
  bool Ours() const;  // one that we made
  static Result<Pod> FromJson(const Json& object);
};

// What keeps a container of ours from running, as far as the cluster says it. `pod` may be null.
std::string WhyNotRunning(const Pod* pod, std::string_view container);

using Pods = std::vector<std::shared_ptr<const Pod>>;

}  // namespace chaos
