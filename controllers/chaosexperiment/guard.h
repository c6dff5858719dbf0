// Decides whether one more target may be hurt. Pure: no clock, no client.
// Guarantees: same input, same answer; a refusal names the rule and says what the user can do.
#pragma once

#include <optional>
#include <string>

#include "controllers/chaosexperiment/types.h"
#include "controllers/world/namespace.h"
#include "controllers/world/opt_in.h"
#include "controllers/world/pod.h"
#include "controllers/world/stop.h"

namespace chaos::experiment {

struct Limits {
  int max_live_targets = 50;  // in the whole cluster, over all runs
  milliseconds max_duration{std::chrono::hours(1)};
  int max_sidecars = 32;  // of ours, per pod: they can never be removed
  std::string operator_namespace;
};

// Every injection in the cluster that may still be on.
struct Census {
  int live_targets = 0;  // of other runs
};

// Asked before anything is created for the run.
std::optional<Refusal> MayStart(const Limits& limits, const Experiment& experiment,
                                const Namespace* ns, const Stop* stop);
// Asked for each target, before the intent and again before the launch.
std::optional<Refusal> MayInject(const Limits& limits, const Experiment& experiment,
                                 const Census& census, const Pod& target);
// For faults that take their targets out of service: at least one ready pod of what matches must be
// left. `matching`: all pods that the target means, `targets` among them.
std::optional<Refusal> MayRemove(const Experiment& experiment, const Pods& matching,
                                 const Pods& targets);

// "3/32": ours in this pod, and the limit.
std::string CountSidecars(const Limits& limits, const Pod& pod);

}  // namespace chaos::experiment
