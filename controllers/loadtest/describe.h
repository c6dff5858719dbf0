// Conditions of a status, from its facts, and what a person following the object is told.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controllers/loadtest/status.h"
#include "operator/kube/events.h"

namespace chaos::loadtest {

// Why a run cannot start now, although it may later.
struct Blocked {
  std::string reason, message;
};

struct Facts {
  std::optional<Blocked> blocked;
  std::optional<Blocked> trouble;  // why pods do not run, while the run is live
  std::string accepted;            // what was decided for the user, where it was
  bool suspended = false;
  std::optional<bool> live_data;  // nullopt: as it was
};

void Describe(Status& status, std::int64_t generation, const Facts& facts, TimePoint now);

struct Happening {
  kube::EventKind kind = kube::EventKind::kNormal;
  std::string reason, action, note;
};
std::vector<Happening> Happenings(const Status& before, const Status& after);

}  // namespace chaos::loadtest
