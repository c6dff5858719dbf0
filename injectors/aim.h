// Whom a fault between pods is about: which packets are meant, where it can be tried, and what is
// never touched. What is done to the packets is the fault's own matter.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "injectors/fault.h"
#include "injectors/protocol/arguments.h"

namespace chaos::inject {

class Aim {
 public:
  struct Check {           // one endpoint of one peer
    std::size_t peer = 0;  // index into the peers of the arguments
    Endpoint endpoint;
    bool before = false;  // could be reached before the fault
  };
  struct ControlCheck {
    std::string name;  // "dns 10.96.0.10:53"
    Endpoint endpoint;
    bool before = false;
  };

  Aim(const protocol::InjectArguments& arguments, const protocol::Partition& between);

  // Arguments that make no sense are an error: nobody to hit, or no control.
  Result<void> Plan(Node& node);
  const Cut& cut() const { return cut_; }
  Cut& cut() { return cut_; }
  const std::vector<Address>& untouchable() const { return untouchable_; }
  const std::vector<Check>& checks() const { return checks_; }
  const std::vector<ControlCheck>& controls() const { return controls_; }
  // Peers with at least one check; only they count in shares.
  const std::set<std::size_t>& tried() const { return tried_; }

  // The peers, ports and direction that were asked for.
  Figures Requested() const;
  // All checks, then all controls.
  std::vector<Endpoint> Endpoints() const;
  // Only those that worked before, in the same order.
  std::vector<Endpoint> Worked(bool controls_too) const;
  // Keeps who could be reached, by index into Endpoints(). SteadyStateNotMet: nothing could be
  // proved.
  Reading TakeBefore(const std::function<bool(std::size_t)>& reached);
  std::set<std::size_t> ReachableBefore() const;  // indices of peers
  std::string PeersUnreachableBefore() const;     // their names

 private:
  Result<void> PlanUntouchable(Node& node);
  Result<void> PlanPeers();
  Result<void> PlanControls();

  const protocol::Partition between_;
  const std::vector<protocol::Control> wanted_controls_;
  const std::vector<std::string> protect_;
  Cut cut_;
  std::vector<Address> untouchable_;
  std::vector<Check> checks_;
  std::set<std::size_t> tried_;
  std::vector<ControlCheck> controls_;
};

// "a, b, …": not longer than a figure should be.
std::string Join(const std::vector<std::string>& items);
std::string Share(std::size_t part, std::size_t whole);  // "1/2"
std::string Print(const Endpoint& endpoint);             // "10.0.0.2:7835", "[fd00::2]:7835"

}  // namespace chaos::inject
