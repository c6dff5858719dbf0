// Asks the pod's DNS servers, all of them at once, for the IPv4 and IPv6 addresses of one name.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "injectors/agent/poller.h"
#include "injectors/node.h"

namespace chaos::inject {

struct Resolver {
  std::vector<std::string> servers;  // addresses; the first three are asked
  std::string domain;                // what the names of the cluster end in
};

class DnsLookup final : public Lookup {
 public:
  // News wakes the poller. `name` is without the cluster's domain.
  DnsLookup(Poller& poller, const Resolver& resolver, const std::string& name);
  ~DnsLookup() override;
  // The first server that knows the name; else, once all have answered, what the last one says.
  std::optional<Found> Poll() override;

 private:
  struct Server {
    std::string name;
    int fd = -1;
    std::vector<std::uint8_t> questions[2];  // A, AAAA; empty once it is answered
    Found found;
  };
  void Ask(Poller& poller, Server& server, const std::string& name);
  static void Hear(Server& server);

  std::vector<Server> servers_;
};

}  // namespace chaos::inject
