// `chaos-load probe <json>`: samples until its life is over or somebody stops it.
#pragma once

#include "injectors/load/reporter.h"
#include "injectors/protocol/arguments.h"
#include "operator/base/clock.h"

namespace chaos::load {

// Requires: CheckProbes(arguments) succeeded. Returns when maxLife has passed or after SIGTERM or
// SIGINT, with every sample that was begun reported.
void RunProbes(const protocol::ProbePodArguments& arguments, const Clock& clock,
               Reporter& reporter);

}  // namespace chaos::load
