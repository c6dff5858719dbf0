// What the operator knows of a fault that acts on a process: as whom its injector may run, and,
// from the status of the victim's pod, whether the victim really ended. An injector that kills
// process 1 dies with it, so only the kubelet is left to say so. Pure.
#pragma once

#include <optional>
#include <string>

#include "controllers/chaosexperiment/types.h"
#include "controllers/world/pod.h"
#include "controllers/world/profile.h"
#include "controllers/world/service.h"

namespace chaos::experiment {

// What an injector may do beyond what its user may, and who its user is.
struct Means {
  protocol::Tier tier = protocol::Tier::kPodCapabilities;
  std::string container;   // whose processes it shares; empty: only the pod's network
  std::string capability;  // "" | NET_ADMIN | SYS_PTRACE
  std::optional<std::int64_t> user, group;
};

// The lowest means with which the fault of `spec` works on `container` of `pod`. kInvalid: they are
// above safety.maxPrivilege; the message says what to allow.
Result<Means> ChooseMeans(const Spec& spec, const Pod& pod, const std::string& container);

// The longest time from the start of the injector to the end of everything that it does.
milliseconds LongestOn(const Spec& spec);

void UseMeans(const Means& means, Intent& intent);

// The ports on which a pod of this component serves: the profile's, else those that it declares.
std::vector<std::uint16_t> ServingPorts(const std::string& component, const Pod& pod,
                                        const Profile& profile);

// What the injector of `pod` is told to wait for; nullopt: nothing. Everything that cannot be found
// inside of the pod comes from outside: its serving ports, where it registers, the drawn delay.
Result<std::optional<protocol::Trigger>> TriggerFor(const Spec& spec, const Pod& pod,
                                                    const Profile& profile, const Pods& pods,
                                                    const std::vector<Service>& services,
                                                    std::int64_t seed);

// Why no injector may be started beside this container now; empty when one may. The kubelet would
// start it whenever the container comes back, with nobody asking.
std::string WhyDown(const Pod& pod, const std::string& container);

// The end of the victim's container.
struct Death {
  Ending ending;
  bool shown = true;                 // false: later ends have pushed it out of the status
  int restarts = 0;                  // as far as the kubelet has counted
  std::optional<TimePoint> back_at;  // it runs again since then
};
// The first end of `intent.container` that is not before `since` and not among the
// `intent.restarts` from before the fault. The kubelet shows it in either of two orders: terminated
// with the old restart count, or running again with a new one and the end in lastState.
std::optional<Death> FindDeath(const Intent& intent, const Pod& pod, TimePoint since);

// Empty when this is how a process ends that was treated so; else what is strange about it.
std::string WhyNotOurs(const protocol::Process& process, const Ending& ending);
// The same where the injector has not even said that it is about to act: then the ending must be
// one that hardly anything else gives.
std::string WhyNotSurelyOurs(const protocol::Process& process, const Ending& ending);

}  // namespace chaos::experiment
