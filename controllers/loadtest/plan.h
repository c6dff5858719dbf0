// What to do next for one load test, given everything known. Pure: same input, same actions.
//
// Invariant (intent before act): a plan either changes the status, and then writing it is its only
// action, or it acts from the status exactly as it is persisted. So nothing is ever done that a
// successor could not find in the object.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "controllers/loadtest/observed.h"

namespace chaos::loadtest {

struct WriteStatus {
  Status status;
};
struct MarkRan {
  std::string ran;
};  // the annotation that says this spec has run
struct RemoveAbort {};
struct CreateJob {
  Json job;
};
// The Job and, with `events`, why its controller makes no pods.
struct ReadJob {
  std::string job;
  bool events = false;
};
struct FollowPod {
  int index = 0;
  std::string pod, uid;
  bool ended = false;   // its container has: what is heard to the end now is all there is
  bool afresh = false;  // lines are missing: from the beginning
};
// Through the annotation that the pod reads: stop, or (value "read") go, you have been heard.
struct TellPod {
  std::string pod, uid, value;
};
struct WriteReport {
  Json report;
};
struct DeleteJob {
  std::string job;
};

using Action = std::variant<WriteStatus, MarkRan, RemoveAbort, CreateJob, ReadJob, FollowPod,
                            TellPod, WriteReport, DeleteJob>;

struct Step {
  std::vector<Action> actions;
  std::optional<TimePoint> wake;  // look again then, even if nothing happens
  std::string refused_rule;       // for its counter
};

Step Plan(const LoadTest& test, const Observed& world, TimePoint now);

}  // namespace chaos::loadtest
