// Who is hit and who its peers are. Pure: pods, services and a seed in, the same choice out, every
// time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "controllers/chaosexperiment/types.h"
#include "controllers/world/pod.h"
#include "controllers/world/profile.h"
#include "controllers/world/service.h"

namespace chaos::experiment {

// The pods that a component or a selector means: alive, not ours, sorted by name.
Result<Pods> Matching(const std::string& component, const std::optional<Selector>& selector,
                      const Profile& profile, const Pods& pods);

struct Selection {
  Pods targets;  // ranked by the seed
  std::int64_t candidates = 0;
  std::string digest;  // of the sorted candidate uids: same candidates, same choice
};

// Errors are kNotFound (no pod matches now; may change) or kInvalid (the spec must change).
Result<Selection> SelectTargets(const TargetSpec& target, int max_targets, const Profile& profile,
                                const Pods& pods, std::int64_t seed);

// Pods that would be peers, as a Service can select them.
struct Followed {
  Labels selector;
  std::vector<std::uint16_t> verify;  // as of peers
};

struct Peers {
  std::vector<protocol::Peer> peers;  // addresses as of now
  std::vector<std::string>
      uncovered;  // matched, but out of reach of a fault in the target's network: why
  std::vector<Followed> followed;
};

// Peers of a partition as seen from `targets`: pods and the Services in front of them. kNotFound
// when nothing has an address; the message names what was looked for.
Result<Peers> ResolvePeers(const PartitionSpec& partition, const Profile& profile, const Pods& pods,
                           const std::vector<Service>& services, const Pods& targets);

// What should go on working during the fault: ready pods that are neither target nor peer, then
// `last`.
std::vector<protocol::Control> PickControls(const Profile& profile, const Pods& pods,
                                            const Pods& targets,
                                            const std::vector<protocol::Peer>& peers,
                                            const protocol::Control& last);

// What a `pods` probe sees now.
struct PodsSeen {
  bool good = false;
  std::string message;  // "1 ready of 2, less than 2"
};
Result<PodsSeen> AskPods(const ProbeSpec& probe, const Profile& profile, const Pods& pods);

// Where a probe goes: the Service in front of the component, else one of its pods.
Result<std::string> ProbeUrl(const ProbeSpec& probe, const Profile& profile, const Pods& pods,
                             const std::vector<Service>& services);

// The container a fault is about: spec, then annotation kubectl.kubernetes.io/default-container,
// then the first.
Result<std::string> PickContainer(const TargetSpec& target, const Pod& pod);

}  // namespace chaos::experiment
