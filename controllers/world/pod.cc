#include "controllers/world/pod.h"

#include <algorithm>

#include "injectors/protocol/names.h"
#include "operator/base/time_text.h"

namespace chaos {
namespace {

std::optional<TimePoint> Time(const Json& json, const char* key) {
  if (Result<TimePoint> parsed = ParseTime(Text(json, {key}))) return *parsed;
  return std::nullopt;
}

Ending ReadEnding(const Json& json) {
  return {Text(json, {"reason"}), static_cast<int>(Integer(json, {"exitCode"})),
          Time(json, "startedAt"), Time(json, "finishedAt")};
}

ContainerState ReadState(const Json& json) {
  ContainerState state;
  state.name = Text(json, {"name"});
  state.restarts = static_cast<int>(Integer(json, {"restartCount"}));
  if (const Json* last = Find(json, {"lastState", "terminated"})) state.last = ReadEnding(*last);
  if (const Json* waiting = Find(json, {"state", "waiting"})) {
    state.kind = ContainerState::Kind::kWaiting;
    state.reason = Text(*waiting, {"reason"});
    state.message = Text(*waiting, {"message"});
  } else if (const Json* running = Find(json, {"state", "running"})) {
    state.kind = ContainerState::Kind::kRunning;
    state.started = Time(*running, "startedAt");
  } else if (const Json* ended = Find(json, {"state", "terminated"})) {
    state.kind = ContainerState::Kind::kTerminated;
    const Ending ending = ReadEnding(*ended);
    state.reason = ending.reason;
    state.message = Text(*ended, {"message"});
    state.exit_code = ending.exit_code;
    state.started = ending.started;
    state.finished = ending.finished;
  }
  return state;
}

std::optional<std::int64_t> Number(const Json& json, std::initializer_list<std::string_view> path) {
  const Json* found = Find(json, path);
  if (found == nullptr || !found->is_number_integer()) return std::nullopt;
  return found->get<std::int64_t>();
}

// What the container's own securityContext says, else the pod's.
User SpecifiedUser(const Json& pod, const Json& container) {
  const auto either = [&](const char* field) {
    const auto own = Number(container, {"securityContext", field});
    return own ? own : Number(pod, {"spec", "securityContext", field});
  };
  return {either("runAsUser"), either("runAsGroup")};
}

}  // namespace

Result<Pod> Pod::FromJson(const Json& object) {
  Pod pod;
  pod.meta = kube::MetaFromJson(object);
  pod.node = Text(object, {"spec", "nodeName"});
  pod.host_network = Flag(object, {"spec", "hostNetwork"});
  pod.phase = Text(object, {"status", "phase"});
  for (const Json& owner : ListAt(object, {"metadata", "ownerReferences"})) {
    if (Flag(owner, {"controller"})) pod.controller = Text(owner, {"kind"});
  }
  pod.grace = seconds(Integer(object, {"spec", "terminationGracePeriodSeconds"}, 30));
  if (Result<TimePoint> until = ParseTime(Text(object, {"metadata", "deletionTimestamp"})))
    pod.deleted_at =
        *until - seconds(Integer(object, {"metadata", "deletionGracePeriodSeconds"}, 0));
  pod.restart_policy = Text(object, {"spec", "restartPolicy"}, "Always");
  pod.pod_ip = Text(object, {"status", "podIP"});
  pod.host_ip = Text(object, {"status", "hostIP"});
  for (const Json& ip : ListAt(object, {"status", "podIPs"}))
    pod.pod_ips.push_back(Text(ip, {"ip"}));
  if (pod.pod_ips.empty() && !pod.pod_ip.empty()) pod.pod_ips = {pod.pod_ip};
  for (const Json& condition : ListAt(object, {"status", "conditions"})) {
    if (Text(condition, {"type"}) == "Ready") {
      pod.ready = Text(condition, {"status"}) == "True";
      if (pod.ready) pod.ready_since = Time(condition, "lastTransitionTime");
    }
    if (Text(condition, {"type"}) == "PodScheduled" && Text(condition, {"status"}) == "False")
      pod.unschedulable = Text(condition, {"message"});
  }
  for (const Json& container : ListAt(object, {"spec", "containers"})) {
    pod.containers.push_back(Text(container, {"name"}));
    pod.users[pod.containers.back()] = SpecifiedUser(object, container);
    for (const Json& port : ListAt(container, {"ports"})) {
      if (Text(port, {"protocol"}, "TCP") != "TCP") continue;
      pod.tcp_ports.push_back(static_cast<std::uint16_t>(Integer(port, {"containerPort"})));
    }
  }
  for (const Json& sidecar : ListAt(object, {"spec", "ephemeralContainers"}))
    pod.sidecars.push_back(Text(sidecar, {"name"}));
  for (const char* list : {"containerStatuses", "ephemeralContainerStatuses"}) {
    for (const Json& state : ListAt(object, {"status", list})) {
      pod.states.push_back(ReadState(state));
      // The kubelet knows what came of an image's own user; it says so from 1.33 on.
      const auto uid = Number(state, {"user", "linux", "uid"});
      const auto gid = Number(state, {"user", "linux", "gid"});
      const auto user = pod.users.find(pod.states.back().name);
      if (uid && gid && user != pod.users.end()) user->second = {uid, gid};
    }
  }
  return pod;
}

const ContainerState* Pod::State(std::string_view container) const {
  const auto found = std::find_if(states.begin(), states.end(),
                                  [&](const ContainerState& s) { return s.name == container; });
  return found == states.end() ? nullptr : &*found;
}

std::string WhyNotRunning(const Pod* pod, std::string_view container) {
  if (pod == nullptr) return "";
  if (!pod->unschedulable.empty()) return "no node takes it: " + pod->unschedulable;
  const ContainerState* state = pod->State(container);
  if (state == nullptr || state->reason.empty()) return "";
  return state->reason + (state->message.empty() ? "" : ": " + state->message);
}

bool Pod::Ours() const {
  const auto found = meta.labels.find(std::string(protocol::kManagedByLabel));
  return found != meta.labels.end() && found->second == protocol::kManagedBy;
}

}  // namespace chaos
