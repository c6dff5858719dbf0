#include "controllers/world/service.h"

namespace chaos {

Service Service::FromJson(const Json& object) {
  Service service;
  service.name = Text(object, {"metadata", "name"});
  service.selector = TextMap(object, {"spec", "selector"});
  for (const std::string& ip : Texts(object, {"spec", "clusterIPs"})) {
    if (ip != "None") service.cluster_ips.push_back(ip);
  }
  const std::string ip = Text(object, {"spec", "clusterIP"});
  if (service.cluster_ips.empty() && !ip.empty() && ip != "None") service.cluster_ips = {ip};
  for (const Json& port : ListAt(object, {"spec", "ports"})) {
    if (Text(port, {"protocol"}, "TCP") == "TCP") {
      service.tcp_ports.push_back(static_cast<std::uint16_t>(Integer(port, {"port"})));
    }
  }
  return service;
}

}  // namespace chaos
