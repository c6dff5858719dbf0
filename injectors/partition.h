// partition: packets between the target and its peers are dropped. Proved by connects that worked
// before, fail during, and work again after, beside a control that goes on working.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "injectors/connects.h"
#include "injectors/fault.h"
#include "injectors/follow_peers.h"
#include "injectors/protocol/arguments.h"

namespace chaos::inject {

class Partition final : public Fault {
 public:
  // Arguments that make no sense are an error of Preflight.
  explicit Partition(const protocol::InjectArguments& arguments);

  Figures Requested() const override;
  std::vector<std::string_view> Headlines() const override;
  Result<std::string> Preflight(Node& node) override;
  std::unique_ptr<Look> Baseline(Node& node, nanoseconds now) override;
  Figures Journal() const override;
  Result<void> Apply(Node& node, nanoseconds lasts) override;
  std::optional<nanoseconds> Tick(Node& node, nanoseconds now) override;
  std::unique_ptr<Look> Measure(Node& node, nanoseconds now) override;
  Figures Sample(Node& node) const override;
  Result<Figures> Revert(Node& node, nanoseconds now) override;
  std::unique_ptr<Look> Confirm(Node& node, nanoseconds now) override;

 private:
  struct Check {           // one endpoint of one peer
    std::size_t peer = 0;  // index into arguments_.partition().peers
    Endpoint endpoint;
    bool before = false;  // could be reached before the fault
  };
  struct ControlCheck {
    std::string name;  // "dns 10.96.0.10:53"
    Endpoint endpoint;
    bool before = false;
  };

  Result<void> PlanCut(const std::vector<Address>& untouchable);
  Result<void> PlanControls();
  Result<std::vector<Address>> Untouchable(Node& node) const;
  Reading ReadBefore(const Connects& connects);
  Reading ReadDuring(Node& node, const Connects& connects) const;
  Reading ReadAfter(const Connects& connects) const;
  std::vector<Endpoint> Worked(bool controls_too) const;
  std::set<std::size_t> ReachableBefore() const;  // indices of peers
  std::string PeersUnreachableBefore() const;     // their names

  const protocol::InjectArguments arguments_;
  Cut cut_;
  FollowPeers follow_;
  std::vector<Check> checks_;
  std::set<std::size_t> tried_;  // peers with at least one check; only they count in shares
  std::vector<ControlCheck> controls_;
  nanoseconds slowest_before_{0};
};

}  // namespace chaos::inject
