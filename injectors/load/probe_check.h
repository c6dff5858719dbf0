// Are these arguments something that can be probed? Said once, before the first sample. Pure.
#pragma once

#include "injectors/protocol/arguments.h"
#include "operator/base/result.h"

namespace chaos::load {

// The error is a sentence that names the probe and the field.
Result<void> CheckProbes(const protocol::ProbePodArguments& arguments);

}  // namespace chaos::load
