#include "controllers/world/address.h"

#include <algorithm>

namespace chaos {
namespace {

std::string Url(const std::string& ip, std::uint16_t port) {
  const std::string host = ip.find(':') == std::string::npos ? ip : "[" + ip + "]";
  return "http://" + host + ":" + std::to_string(port);
}

}  // namespace

Result<std::string> BaseUrl(const Destination& destination, const Profile& profile,
                            const Pods& pods, const std::vector<Service>& services) {
  Component component;
  if (!destination.component.empty()) {
    Result<Component> found = FindComponent(profile, destination.component);
    if (!found) return found.error();
    component = *found;
  }
  const std::uint16_t wanted = destination.port != 0 ? destination.port : component.port;
  for (const Service& service : services) {
    const bool meant = destination.service.empty()
                           ? !service.selector.empty() && HasAll(component.labels, service.selector)
                           : service.name == destination.service;
    if (!meant || service.cluster_ips.empty()) continue;
    const bool has = std::find(service.tcp_ports.begin(), service.tcp_ports.end(), wanted) !=
                     service.tcp_ports.end();
    if (has || !destination.service.empty() || wanted == 0) {
      const std::uint16_t first = service.tcp_ports.empty() ? 80 : service.tcp_ports.front();
      return Url(service.cluster_ips.front(), wanted != 0 ? wanted : first);
    }
  }
  if (!destination.service.empty()) {
    return Error{Reason::kNotFound,
                 "there is no Service " + destination.service + " with a cluster address",
                 {},
                 0};
  }
  for (const auto& pod : pods) {
    if (HasAll(pod->meta.labels, component.labels) && !pod->pod_ip.empty() && !pod->meta.deleting &&
        !pod->Ours()) {
      return Url(pod->pod_ip, wanted);
    }
  }
  return Error{
      Reason::kNotFound,
      "no pod and no Service of component " + destination.component + " has an address now",
      {},
      0};
}

}  // namespace chaos
