// What to do next for one experiment, given everything known. Pure: same input, same actions.
//
// Invariant (intent before act): a plan either changes the status, and then writing it is its only
// action, or it acts from the status exactly as it is persisted. So nothing is ever done that a
// successor could not find in the object.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "controllers/chaosexperiment/observed.h"

namespace chaos::experiment {

struct WriteStatus {
  Status status;
};
struct AddFinalizer {
  std::string ran;
};  // together with the annotation that says this spec has run
struct RemoveFinalizer {};
struct RemoveAbort {};
struct CreateProbePod {
  Json pod;
};
struct FollowProbePod {
  std::string pod;
};
struct DeleteProbePod {
  std::string pod;
};
struct CreatePeerService {
  Json service;
};
struct DeletePeerService {
  std::string name;
};
struct CreateLoad {
  Json load;
};
// The ephemeral container as the API server would take it; never stored (dry run).
struct Preflight {
  std::string pod, uid;
  Json patch;
};
struct LaunchInjector {
  std::string pod, uid;
  Json patch;
};
struct LaunchStopper {
  std::string pod, uid;
  Json patch;
};
// The pod itself goes, by a call of the API alone.
struct RemovePod {
  std::string pod, uid;
  bool evict = false;
  std::optional<seconds> grace;
  bool dry_run = false;  // asks whether it would be allowed
};
// Undoes what an injector that died has left behind.
struct LaunchReverter {
  std::string pod, uid;
  Json patch;
};
struct ReadLog {
  std::string pod, uid, container;
  bool last = false;
};  // last: its container has ended

using Action =
    std::variant<WriteStatus, AddFinalizer, RemoveFinalizer, RemoveAbort, CreateProbePod,
                 FollowProbePod, DeleteProbePod, CreatePeerService, DeletePeerService, CreateLoad,
                 Preflight, LaunchInjector, LaunchStopper, LaunchReverter, RemovePod, ReadLog>;

struct Step {
  std::vector<Action> actions;
  std::optional<TimePoint> wake;  // look again then, even if nothing happens
  std::string refused_rule;       // of the guard, for its counter
};

Step Plan(const Experiment& experiment, const Observed& world, TimePoint now);

}  // namespace chaos::experiment
