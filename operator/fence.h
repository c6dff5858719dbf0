// A policy that does not compile enforces nothing, silently. So before the operator acts it sees a
// refusal with its own eyes: by dry-run, with its own identity, a request that only a working fence
// refuses.
#pragma once

#include <string>

#include "operator/kube/client.h"

namespace chaos {

// "" when the fence has refused; else what was found instead, with advice.
std::string ProveFence(kube::Client& client, const std::string& ns);

}  // namespace chaos
