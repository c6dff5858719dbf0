// What is waited for between armed and applied. It must be here, beside the target: the way over
// kubelet and API server takes longer than an answer of the target does.
#pragma once

#include <memory>

#include "injectors/fault.h"
#include "injectors/protocol/arguments.h"
#include "injectors/sockets.h"

namespace chaos::inject {

class Trigger {
 public:
  // Requires: `sockets` outlives this.
  Trigger(const protocol::Trigger& trigger, Sockets& sockets)
      : trigger_(trigger), sockets_(sockets) {}

  // The error names what this node lacks, or the argument that makes no sense.
  Result<void> Preflight();
  // Its reading has no reason when the trigger fired; else TriggerNeverFired, after `within` at the
  // latest.
  std::unique_ptr<Look> Wait(nanoseconds now);

 private:
  const protocol::Trigger trigger_;
  Sockets& sockets_;
  std::vector<Endpoint> to_;  // from Preflight on
};

}  // namespace chaos::inject
