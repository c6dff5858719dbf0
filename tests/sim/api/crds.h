// Our own kinds in the simulated API server: the committed CRDs' schemas, and by hand the rule in
// CEL that protects a live run.
#pragma once

#include "tests/sim/api/api_server.h"

namespace chaos::sim {

void InstallCrds(ApiServer& server);

}  // namespace chaos::sim
