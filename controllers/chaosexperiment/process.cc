#include "controllers/chaosexperiment/process.h"

#include <algorithm>

#include "controllers/chaosexperiment/resource.h"
#include "injectors/protocol/faults.h"
#include "operator/base/sha256.h"

namespace chaos::experiment {
namespace {

constexpr int kKilled = 128 + 9, kEnded = 128 + 15;

std::string How(const Ending& ending) {
  return "it ended with exit code " + std::to_string(ending.exit_code) +
         (ending.reason.empty() ? "" : " (" + ending.reason + ")");
}

std::string Allow(const Spec& spec, protocol::Tier tier, const std::string& why) {
  const std::string name(protocol::Name(tier));
  return spec.fault_key + " " + why + ": set safety.maxPrivilege: " + name +
         " (its author needs the verb for it, and the namespace the label "
         "chaos.rbee.dev/max-tier=" +
         name + ")";
}

// All other components of the profile, by pod and by Service: a worker may reach its hive by
// either.
std::vector<protocol::Listener> WhereItRegisters(const Pod& pod, const Profile& profile,
                                                 const Pods& pods,
                                                 const std::vector<Service>& services) {
  std::vector<protocol::Listener> to;
  for (const auto& [name, component] : profile.components) {
    if (component.port == 0 || HasAll(pod.meta.labels, component.labels)) continue;
    for (const auto& other : pods) {
      if (other->Ours() || !HasAll(other->meta.labels, component.labels)) continue;
      for (const std::string& ip : other->pod_ips) to.push_back({ip, component.port});
    }
    for (const Service& service : services) {
      if (service.selector.empty() || !HasAll(component.labels, service.selector)) continue;
      for (const std::string& ip : service.cluster_ips) {
        for (const std::uint16_t port : service.tcp_ports) to.push_back({ip, port});
      }
    }
  }
  constexpr std::size_t kMost = 64;  // of more the arguments would not fit into the status
  if (to.size() > kMost) to.resize(kMost);
  return to;
}

}  // namespace

std::vector<std::uint16_t> ServingPorts(const std::string& component, const Pod& pod,
                                        const Profile& profile) {
  const auto found = profile.components.find(component);
  if (found != profile.components.end() && found->second.port != 0) return {found->second.port};
  return pod.tcp_ports;
}

Result<Means> ChooseMeans(const Spec& spec, const Pod& pod, const std::string& container) {
  if (spec.pod) return Means{protocol::Tier::kApiOnly, "", "", {}, {}};
  if (spec.resource) return MeansForResource(spec, pod, container);
  if (!spec.process) return Means{protocol::Tier::kPodCapabilities, "", "NET_ADMIN", 0, {}};
  const protocol::FaultRow* row = protocol::FindFault(spec.fault_key);
  const protocol::Tier lowest = row ? row->lowest_tier : protocol::Tier::kNodePrivileged;
  const auto found = pod.users.find(container);
  const User user = found == pod.users.end() ? User{} : found->second;
  // The kernel lets a process trace another of the very same user and group. Root's may have
  // capabilities that ours has not, so root needs the one that allows it.
  if (user.Known() && *user.uid != 0) {
    if (lowest <= spec.max_privilege) return Means{lowest, container, "", user.uid, user.gid};
    return Invalid(Allow(spec, lowest, "writes into the target's process"));
  }
  const protocol::Tier needed = std::max(lowest, protocol::Tier::kPodCapabilities);
  if (needed <= spec.max_privilege) return Means{needed, container, "SYS_PTRACE", 0, 0};
  const std::string who = "container " + container + " of pod " + pod.meta.key.name;
  return Invalid(Allow(spec, needed,
                       user.Known()
                           ? "needs SYS_PTRACE, since " + who + " runs as root"
                           : "needs SYS_PTRACE, since nothing says as which user and group " + who +
                                 " runs (runAsUser and runAsGroup, both, would do)"));
}

milliseconds LongestOn(const Spec& spec) {
  const bool waits = spec.process && spec.process->action == protocol::ProcessAction::kTerminate;
  return (spec.trigger ? spec.trigger->within : milliseconds(0)) + spec.duration +
         (waits ? spec.process->grace : milliseconds(0));
}

void UseMeans(const Means& means, Intent& intent) {
  intent.container = means.container;
  intent.capability = means.capability;
  intent.run_as_user = means.user;
  intent.run_as_group = means.group;
}

Result<std::optional<protocol::Trigger>> TriggerFor(const Spec& spec, const Pod& pod,
                                                    const Profile& profile, const Pods& pods,
                                                    const std::vector<Service>& services,
                                                    std::int64_t seed) {
  if (!spec.trigger) return std::optional<protocol::Trigger>();
  protocol::Trigger trigger;
  trigger.when = spec.trigger->when;
  trigger.within = spec.trigger->within;
  trigger.after_bytes = spec.trigger->after_bytes;
  if (trigger.when == protocol::When::kDuringInference) {
    trigger.ports = ServingPorts(spec.target.component, pod, profile);
    if (trigger.ports.empty())
      return Invalid("trigger DuringInference: pod " + pod.meta.key.name +
                     " declares no TCP port and its component has none in the profile");
  } else if (trigger.when == protocol::When::kDuringRegistration) {
    trigger.to = WhereItRegisters(pod, profile, pods, services);
    if (trigger.to.empty())
      return Invalid(
          "trigger DuringRegistration: no other component of the profile has an address now");
  } else {
    const std::string digest = Sha256Hex(std::to_string(seed) + "/delay/" + pod.meta.uid);
    const std::uint64_t drawn = std::stoull(digest.substr(0, 8), nullptr, 16);
    const auto within = static_cast<std::uint64_t>(trigger.within.count());
    trigger.delay = milliseconds(drawn * within >> 32);
  }
  return std::optional(trigger);
}

std::string WhyDown(const Pod& pod, const std::string& container) {
  const ContainerState* state = pod.State(container);
  if (state != nullptr && state->kind == ContainerState::Kind::kRunning) return "";
  const std::string what =
      state == nullptr || state->reason.empty() ? "" : " (" + state->reason + ")";
  return "container " + container + " of pod " + pod.meta.key.name + " is down" + what +
         ": a fault would hit it when it comes back, with nobody waiting";
}

std::optional<Death> FindDeath(const Intent& intent, const Pod& pod, TimePoint since) {
  const ContainerState* state = pod.State(intent.container);
  if (state == nullptr) return std::nullopt;
  const TimePoint whole = std::chrono::floor<seconds>(since);  // all that the kubelet tells
  const auto counts = [&](const std::optional<TimePoint>& finished) {
    return finished && *finished >= whole;
  };
  using Kind = ContainerState::Kind;
  const int more = state->restarts - intent.restarts;
  const bool ended_now = state->kind == Kind::kTerminated && counts(state->finished);
  const bool ended_before = state->last && counts(state->last->finished);
  const Ending now{state->reason, state->exit_code, state->started, state->finished};
  if (more > 0) {
    Death death;
    death.restarts = state->restarts;
    death.shown = more == 1 && ended_before && state->kind != Kind::kWaiting;
    if (death.shown) death.ending = *state->last;
    death.back_at = state->started;  // waiting again, it has none: then its last run says it
    if (!death.back_at && state->last) death.back_at = state->last->started;
    return death;
  }
  if (ended_now) return Death{now, true, state->restarts, std::nullopt};
  if (state->kind == Kind::kWaiting && ended_before)  // CrashLoopBackOff: not yet counted
    return Death{*state->last, true, state->restarts, std::nullopt};
  return std::nullopt;
}

std::string WhyNotSurelyOurs(const protocol::Process& process, const Ending& ending) {
  const std::string unsaid =
      How(ending) + ", and the injector's report is lost: nothing says that it was this fault";
  if (!process.match.empty()) return unsaid;  // a process of its own, which the kubelet cannot see
  const bool by_signal = ending.exit_code == kKilled || ending.exit_code == kEnded;
  if (process.action == protocol::ProcessAction::kTerminate && !by_signal) return unsaid;
  return WhyNotOurs(process, ending);
}

std::string WhyNotOurs(const protocol::Process& process, const Ending& ending) {
  const std::string how = How(ending);
  if (ending.reason == "OOMKilled") return how + ": for lack of memory, not by this fault";
  // Asked to end, a process may do so as it likes; who does not is killed.
  if (process.action == protocol::ProcessAction::kTerminate || !process.match.empty()) return "";
  const int expected =
      process.action == protocol::ProcessAction::kExit ? process.exit_code : kKilled;
  if (ending.exit_code == expected) return "";
  return how + ", and this fault gives " + std::to_string(expected);
}

}  // namespace chaos::experiment
