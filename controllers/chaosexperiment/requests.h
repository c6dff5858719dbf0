// What the operator knows of a fault that acts on requests: which ones are meant on this pod, and
// what of the traffic it could not act on. Pure.
#pragma once

#include "controllers/chaosexperiment/types.h"
#include "controllers/world/pod.h"
#include "controllers/world/profile.h"

namespace chaos::experiment {

// spec.fault.http and .stream as they were written, without ports and seed of a pod.
protocol::Http ReadHttp(const Json& json);
protocol::Stream ReadStream(const Json& json);

// Puts the same for one pod into the arguments of its injector. kInvalid: nothing says on which
// port it serves. Requires: spec.ActsOnRequests().
Result<void> TellOfRequests(const Spec& spec, const Pod& pod, const Profile& profile,
                            std::int64_t seed, protocol::InjectArguments& arguments);

// Traffic to this target on which nothing could be done, by the figures of its injector; a sentence
// each.
std::vector<std::string> UncoveredRequests(const TargetStatus& target);

}  // namespace chaos::experiment
