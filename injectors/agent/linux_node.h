// The machine as it is: TCP connects, nf_tables, and the stop channel's name as the lock.
#pragma once

#include <utility>

#include "injectors/agent/dns_lookup.h"
#include "injectors/agent/poller.h"
#include "injectors/agent/stop_channel.h"
#include "injectors/netlink.h"
#include "injectors/node.h"

namespace chaos::inject {

class LinuxNode final : public Node {
 public:
  // Requires: both outlive this. News of a Dial or a Lookup wakes the poller.
  LinuxNode(Poller& poller, StopListener& stops, Resolver resolver)
      : poller_(poller), stops_(stops), resolver_(std::move(resolver)) {}

  Result<bool> TakeLock(const std::string& run) override;
  std::vector<Address> OwnAddresses() override;
  std::unique_ptr<Dial> Connect(const Endpoint& endpoint) override;
  std::unique_ptr<Lookup> Resolve(const std::string& name) override;
  Result<void> TryCut(const Cut& cut) override;
  Result<void> ApplyCut(const Cut& cut, nanoseconds lasts) override;
  Result<void> WidenCut(const std::vector<Address>& more, nanoseconds lasts) override;
  Result<std::uint64_t> Dropped() override;
  Result<void> RemoveCut() override;

 private:
  Result<void> Send(const Cut& cut, nanoseconds lasts, bool dry);

  Poller& poller_;
  StopListener& stops_;
  const Resolver resolver_;
  NftSocket nft_;  // owns the table
  Cut applied_;
};

}  // namespace chaos::inject
