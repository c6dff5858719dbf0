// Conditions, phase and wording of a status, from its facts. One place, so that no two parts
// disagree.
#pragma once

#include <string>
#include <vector>

#include "controllers/chaosexperiment/status.h"
#include "operator/kube/events.h"

namespace chaos::experiment {

// Why a run cannot start now, although it may later.
struct Blocked {
  std::string reason, message;
};

// Sets every condition for what `status` says. Requires: phase, verdict, reason and targets are
// set.
void Describe(Status& status, std::int64_t generation, const Blocked* blocked, bool suspended,
              bool revert_overdue, TimePoint now);

struct Happening {
  kube::EventKind kind = kube::EventKind::kNormal;
  std::string reason, action, note;
};
// What a person following the object should be told about the step from `before` to `after`: one
// per change.
std::vector<Happening> Happenings(const Status& before, const Status& after);

}  // namespace chaos::experiment
