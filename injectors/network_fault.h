// network: packets between the target and its peers are delayed, lost, changed or slowed down, by a
// line in this process through which the kernel sends them. Proved by timed connects before and
// during, beside a control that goes on as before.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "injectors/aim.h"
#include "injectors/fault.h"
#include "injectors/link.h"
#include "injectors/network_proof.h"
#include "injectors/packets.h"
#include "injectors/protocol/arguments.h"

namespace chaos::inject {

class NetworkFault final : public Fault {
 public:
  // Requires: the fault is a Network; `packets` outlives this.
  NetworkFault(const protocol::InjectArguments& arguments, Packets& packets);

  Figures Requested() const override;
  std::vector<std::string_view> Headlines() const override;
  Result<std::string> Preflight(Node& node) override;
  std::unique_ptr<Look> Baseline(Node& node, nanoseconds now) override;
  Figures Journal() const override;
  Result<void> Apply(Node& node, nanoseconds lasts) override;
  // Moves packets: at once what has come, and on what is due.
  std::optional<nanoseconds> Tick(Node& node, nanoseconds now) override;
  std::unique_ptr<Look> Measure(Node& node, nanoseconds now) override;
  Figures Sample(Node& node) const override;
  Result<Figures> Revert(Node& node, nanoseconds now) override;
  std::unique_ptr<Look> Confirm(Node& node, nanoseconds now) override;

 private:
  class ConnectLook;
  class MeasureLook;
  struct Held {
    nanoseconds due{0};
    std::uint64_t order = 0;  // of coming, so that equal dues keep it
    HeldPacket packet;
    bool changed = false;
    bool operator<(const Held& other) const {  // the first due is the top of the queue
      return due != other.due ? due > other.due : order > other.order;
    }
  };

  Reading ReadBefore(const TimedConnects& connects);
  Reading ReadAfter(const TimedConnects& connects) const;
  void Enter(HeldPacket packet, nanoseconds now);
  void Leave(const Held& held);
  LinkCounts Counts() const;
  // Endpoints to try during and after; those of one peer as indices. The last one is the control.
  void ChooseEndpoints();

  const protocol::InjectArguments arguments_;
  const protocol::Network& network_;
  Packets& packets_;
  Aim aim_;
  NetworkProof proof_;
  std::array<Link, 2> links_;  // incoming, outgoing
  std::priority_queue<Held> held_;
  std::uint64_t order_ = 0;
  std::array<std::uint64_t, 2> passed_bytes_{};

  std::vector<Endpoint> endpoints_;
  std::vector<std::vector<std::size_t>> of_peer_;  // indices into endpoints_
  std::vector<Timing> before_;                     // as of_peer_
  std::size_t control_ = 0;                        // index into the controls
  Timing control_before_;
  nanoseconds slowest_before_{0};
};

}  // namespace chaos::inject
