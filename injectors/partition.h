// partition: packets between the target and its peers are dropped. Proved by connects that worked
// before, fail during, and work again after, beside a control that goes on working.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "injectors/aim.h"
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
  Reading ReadBefore(const Connects& connects);
  Reading ReadDuring(Node& node, const Connects& connects) const;
  Reading ReadAfter(const Connects& connects) const;

  const protocol::InjectArguments arguments_;
  Aim aim_;
  FollowPeers follow_;
  nanoseconds slowest_before_{0};
};

}  // namespace chaos::inject
