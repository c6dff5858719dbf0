#include "injectors/aim.h"

#include <algorithm>
#include <utility>

#include "injectors/connects.h"
#include "injectors/protocol/events.h"
#include "injectors/protocol/names.h"

namespace chaos::inject {
namespace {

constexpr std::size_t kMostChecksPerPeer = 16;
constexpr std::size_t kMostListedBytes = 200;

bool Has(const std::vector<Address>& addresses, const Address& address) {
  return std::find(addresses.begin(), addresses.end(), address) != addresses.end();
}

std::string_view Print(protocol::Direction direction) {
  switch (direction) {
    case protocol::Direction::kBoth:
      return "Both";
    case protocol::Direction::kIngress:
      return "Ingress";
    case protocol::Direction::kEgress:
      return "Egress";
  }
  return "";
}

}  // namespace

std::string Join(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) {
    if (!text.empty()) text += ", ";
    if (text.size() + item.size() > kMostListedBytes) return text + "…";
    text += item;
  }
  return text;
}

std::string Share(std::size_t part, std::size_t whole) {
  return std::to_string(part) + "/" + std::to_string(whole);
}

std::string Print(const Endpoint& endpoint) {
  const std::string address = Print(endpoint.address);
  return (endpoint.address.v6 ? "[" + address + "]" : address) + ":" +
         std::to_string(endpoint.port);
}

Aim::Aim(const protocol::InjectArguments& arguments, const protocol::Partition& between)
    : between_(between), wanted_controls_(arguments.controls), protect_(arguments.protect) {
  cut_.table = protocol::TableName(arguments.run);
  cut_.ports = between_.ports;
  std::sort(cut_.ports.begin(), cut_.ports.end());
  cut_.ports.erase(std::unique(cut_.ports.begin(), cut_.ports.end()), cut_.ports.end());
  cut_.outgoing = between_.direction != protocol::Direction::kIngress;
  cut_.incoming = between_.direction != protocol::Direction::kEgress;
}

Figures Aim::Requested() const {
  std::vector<std::string> names, ports;
  for (const protocol::Peer& peer : between_.peers) names.push_back(peer.name);
  for (const std::uint16_t port : cut_.ports) ports.push_back(std::to_string(port));
  return {{"peers", Join(names)},
          {"ports", ports.empty() ? "all" : Join(ports)},
          {"direction", std::string(Print(between_.direction))}};
}

Result<void> Aim::Plan(Node& node) {
  if (const Result<void> planned = PlanUntouchable(node); !planned) return planned;
  if (const Result<void> planned = PlanPeers(); !planned) return planned;
  return PlanControls();
}

// What is never touched: what the operator protects, and this pod itself.
Result<void> Aim::PlanUntouchable(Node& node) {
  untouchable_ = node.OwnAddresses();
  for (const std::string& text : protect_) {
    const Result<Address> address = ParseAddress(text);
    if (!address) return Invalid("protect: " + address.error().detail);
    if (!Has(untouchable_, *address)) untouchable_.push_back(*address);
  }
  return {};
}

Result<void> Aim::PlanPeers() {
  const std::vector<protocol::Peer>& peers = between_.peers;
  if (peers.empty()) return Invalid("there is no peer to cut off");
  std::vector<Network> networks;
  for (std::size_t i = 0; i < peers.size(); ++i) {
    const std::size_t networks_before = networks.size();
    const std::size_t checks_before = checks_.size();
    for (const std::string& text : peers[i].addresses) {
      const Result<Network> network = ParseNetwork(text);
      if (!network) return Invalid("peer " + peers[i].name + ": " + network.error().detail);
      if (IsLoopback(network->base)) continue;
      if (network->single() && Has(untouchable_, network->base)) continue;
      networks.push_back(*network);
      if (!network->single()) continue;
      for (const std::uint16_t port : PortsToTry(between_.ports, peers[i].verify)) {
        if (checks_.size() - checks_before == kMostChecksPerPeer) break;
        checks_.push_back({i, {network->base, port}});
        tried_.insert(i);
      }
    }
    if (networks.size() == networks_before) {
      return Invalid("peer " + peers[i].name + " has only addresses that are never cut off (" +
                     Join(peers[i].addresses) + "): DNS, the node, loopback, the pod itself");
    }
  }
  cut_.networks = Merge(std::move(networks));
  for (const Address& address : untouchable_) {
    const auto covers = [&](const Network& network) { return network.Contains(address); };
    if (std::any_of(cut_.networks.begin(), cut_.networks.end(), covers)) {
      cut_.spared.push_back(address);
    }
  }
  return {};
}

// A control that is going to be hit itself proves nothing and is left out.
Result<void> Aim::PlanControls() {
  for (const protocol::Control& control : wanted_controls_) {
    const Result<Address> address = ParseAddress(control.address);
    if (!address) return Invalid("control " + control.name + ": " + address.error().detail);
    const auto covers = [&](const Network& network) { return network.Contains(*address); };
    const bool cut = std::any_of(cut_.networks.begin(), cut_.networks.end(), covers) &&
                     !Has(cut_.spared, *address);
    const Endpoint endpoint{*address, control.port};
    if (!cut) controls_.push_back({control.name + " " + inject::Print(endpoint), endpoint});
  }
  if (!controls_.empty()) return {};
  return Invalid(
      "a control outside of the peers is needed: without one, a cut cannot be told "
      "from a network that is down");
}

std::vector<Endpoint> Aim::Endpoints() const {
  std::vector<Endpoint> endpoints;
  for (const Check& check : checks_) endpoints.push_back(check.endpoint);
  for (const ControlCheck& control : controls_) endpoints.push_back(control.endpoint);
  return endpoints;
}

Reading Aim::TakeBefore(const std::function<bool(std::size_t)>& reached) {
  std::size_t next = 0;
  for (Check& check : checks_) check.before = reached(next++);
  for (ControlCheck& control : controls_) control.before = reached(next++);

  Reading reading;
  reading.measured["peersReachable"] = Share(ReachableBefore().size(), tried_.size());
  const std::string missing = PeersUnreachableBefore();
  if (!missing.empty()) reading.measured["notReachable"] = missing;
  if (ReachableBefore().empty()) {
    reading.reason = protocol::kSteadyStateNotMet;
    reading.message = tried_.empty()
                          ? "no peer has both a single address and a port to connect to, so no cut "
                            "could be proved"
                          : "no peer could be reached before the fault (" + missing +
                                "), so it could not be proved that the fault hits them";
    return reading;
  }
  for (const ControlCheck& control : controls_) {
    if (!control.before) continue;
    reading.measured["controlName"] = control.name;
    return reading;
  }
  std::vector<std::string> names;
  for (const ControlCheck& control : controls_) names.push_back(control.name);
  reading.reason = protocol::kSteadyStateNotMet;
  reading.message = "no control could be reached before the fault (" + Join(names) +
                    "), so it could not be proved that only the peers are hit";
  return reading;
}

std::vector<Endpoint> Aim::Worked(bool controls_too) const {
  std::vector<Endpoint> endpoints;
  for (const Check& check : checks_) {
    if (check.before) endpoints.push_back(check.endpoint);
  }
  for (const ControlCheck& control : controls_) {
    if (controls_too && control.before) endpoints.push_back(control.endpoint);
  }
  return endpoints;
}

std::set<std::size_t> Aim::ReachableBefore() const {
  std::set<std::size_t> reachable;
  for (const Check& check : checks_) {
    if (check.before) reachable.insert(check.peer);
  }
  return reachable;
}

std::string Aim::PeersUnreachableBefore() const {
  const std::set<std::size_t> reachable = ReachableBefore();
  std::vector<std::string> names;
  for (const std::size_t peer : tried_) {
    if (!reachable.contains(peer)) names.push_back(between_.peers[peer].name);
  }
  return Join(names);
}

}  // namespace chaos::inject
