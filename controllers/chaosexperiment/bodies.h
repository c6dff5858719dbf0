// The objects that a run makes, as JSON. Pure: an intent and a run id in, the same bytes out, every
// time.
#pragma once

#include <string>

#include "controllers/chaosexperiment/types.h"

namespace chaos::experiment {

// Strategic merge patch for pods/ephemeralcontainers with the uid of the pod as a guard.
Json SidecarPatch(const Intent& intent, const std::string& pod_uid);
// As the injector of the intent, which is no more: `undo` is what it has left behind.
Json ReverterPatch(const Intent& intent, const std::string& run, const std::string& undo,
                   const std::string& pod_uid);
Json StopperPatch(const Intent& intent, const std::string& run, const std::string& pod_uid);
// Restricted, without a token, owned by the experiment.
Json ProbePod(const Experiment& experiment, const std::string& run, const std::string& image,
              const protocol::ProbePodArguments& arguments);

// Headless, of pods that are not ready too, owned by the experiment.
Json PeersService(const Experiment& experiment, const std::string& run, const PeerService& service);

}  // namespace chaos::experiment
