// metav1.Status bodies, with the texts and codes of a real API server.
#pragma once

#include <string>

#include "operator/kube/transport.h"
#include "tests/sim/api/resources.h"

namespace chaos::sim {

kube::Response Reply(int status, std::string body);
kube::Response StatusReply(int code, std::string_view reason, std::string message);
std::string StatusBody(int code, std::string_view reason, std::string_view message);

kube::Response NotFound(const Resource& resource, const std::string& name);
kube::Response AlreadyExists(const Resource& resource, const std::string& name);
kube::Response Conflict(const Resource& resource, const std::string& name,
                        const std::string& why = "");
kube::Response Unprocessable(const Resource& resource, const std::string& name,
                             const std::string& why);
kube::Response Forbidden(const Resource& resource, const std::string& name, const std::string& why);
kube::Response BadRequest(std::string why);
kube::Response Expired();
kube::Response TooLargeVersion();  // not reached yet
kube::Response Deleted(const Resource& resource, const std::string& name, const std::string& uid);

}  // namespace chaos::sim
