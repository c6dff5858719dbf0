// From an HTTP answer of the API server to a Reason: what the caller should do next.
#pragma once

#include "operator/base/result.h"
#include "operator/kube/transport.h"

namespace chaos::kube {

// Requires: response.status is not 2xx. Reads metav1.Status in the body where there is one.
Error ErrorFromResponse(const Response& response);
// From a metav1.Status object as it comes in an ERROR event of a watch.
Error ErrorFromStatusText(std::string_view status_json);

// A refusal by a ValidatingAdmissionPolicy may come as 403 or 422: told apart by its text.
bool RefusedByPolicy(const Error& error);

}  // namespace chaos::kube
