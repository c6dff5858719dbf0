#include "injectors/partition.h"

#include <algorithm>
#include <utility>

#include "injectors/protocol/events.h"
#include "injectors/protocol/names.h"
#include "operator/base/time_text.h"

namespace chaos::inject {
namespace {

constexpr nanoseconds kTimeoutBefore = seconds(1);
constexpr nanoseconds kLeastTimeoutDuring = milliseconds(500);
constexpr int kPatience = 4;  // a connect that takes this many times longer than before is cut off
constexpr std::size_t kMostChecksPerPeer = 16;
constexpr std::size_t kMostListedBytes = 200;

class ConnectLook final : public Look {
 public:
  using Read = std::function<Reading(const Connects&)>;
  ConnectLook(Connects connects, Read read)
      : connects_(std::move(connects)), read_(std::move(read)) {}
  std::optional<Reading> Poll(nanoseconds now) override {
    if (!connects_.Poll(now)) return std::nullopt;
    return read_(connects_);
  }
  nanoseconds Deadline() const override { return connects_.deadline(); }

 private:
  Connects connects_;
  Read read_;
};

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
  const std::string address = inject::Print(endpoint.address);
  return (endpoint.address.v6 ? "[" + address + "]" : address) + ":" +
         std::to_string(endpoint.port);
}

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

Partition::Partition(const protocol::InjectArguments& arguments)
    : arguments_(arguments), follow_(arguments_.partition()) {
  const protocol::Direction direction = arguments_.partition().direction;
  cut_.table = protocol::TableName(arguments_.run);
  cut_.ports = arguments_.partition().ports;
  std::sort(cut_.ports.begin(), cut_.ports.end());
  cut_.ports.erase(std::unique(cut_.ports.begin(), cut_.ports.end()), cut_.ports.end());
  cut_.outgoing = direction != protocol::Direction::kIngress;
  cut_.incoming = direction != protocol::Direction::kEgress;
  cut_.grows = follow_.any();
}

Figures Partition::Requested() const {
  std::vector<std::string> names, ports;
  for (const protocol::Peer& peer : arguments_.partition().peers) names.push_back(peer.name);
  for (const std::uint16_t port : cut_.ports) ports.push_back(std::to_string(port));
  return {{"peers", Join(names)},
          {"peersCut", Share(tried_.size(), tried_.size())},
          {"ports", ports.empty() ? "all" : Join(ports)},
          {"direction", std::string(Print(arguments_.partition().direction))},
          {"duration", PrintShort(arguments_.duration)}};
}

std::vector<std::string_view> Partition::Headlines() const {
  return {"peersCut", "packetsDropped", "control", "peersBack", "latePeersCut"};
}

Result<std::string> Partition::Preflight(Node& node) {
  const Result<std::vector<Address>> untouchable = Untouchable(node);
  if (!untouchable) return untouchable.error();
  if (const Result<void> planned = PlanCut(*untouchable); !planned) return planned.error();
  if (const Result<void> planned = follow_.Plan(cut_, *untouchable); !planned)
    return planned.error();
  if (const Result<void> planned = PlanControls(); !planned) return planned.error();
  if (const Result<void> tried = node.TryCut(cut_); !tried) return tried.error();
  return std::string("nft table with an owner and elements that time out");
}

// What is never cut off: what the operator protects, and this pod itself.
Result<std::vector<Address>> Partition::Untouchable(Node& node) const {
  std::vector<Address> untouchable = node.OwnAddresses();
  for (const std::string& text : arguments_.protect) {
    const Result<Address> address = ParseAddress(text);
    if (!address) return Invalid("protect: " + address.error().detail);
    if (!Has(untouchable, *address)) untouchable.push_back(*address);
  }
  return untouchable;
}

Result<void> Partition::PlanCut(const std::vector<Address>& untouchable) {
  const std::vector<protocol::Peer>& peers = arguments_.partition().peers;
  if (peers.empty()) return Invalid("there is no peer to cut off");
  std::vector<Network> networks;
  for (std::size_t i = 0; i < peers.size(); ++i) {
    const std::size_t networks_before = networks.size();
    const std::size_t checks_before = checks_.size();
    for (const std::string& text : peers[i].addresses) {
      const Result<Network> network = ParseNetwork(text);
      if (!network) return Invalid("peer " + peers[i].name + ": " + network.error().detail);
      if (IsLoopback(network->base)) continue;
      if (network->single() && Has(untouchable, network->base)) continue;
      networks.push_back(*network);
      if (!network->single()) continue;
      for (const std::uint16_t port : PortsToTry(arguments_.partition().ports, peers[i].verify)) {
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
  for (const Address& address : untouchable) {
    const auto covers = [&](const Network& network) { return network.Contains(address); };
    if (std::any_of(cut_.networks.begin(), cut_.networks.end(), covers)) {
      cut_.spared.push_back(address);
    }
  }
  return {};
}

// A control that is going to be cut off itself proves nothing and is left out.
Result<void> Partition::PlanControls() {
  for (const protocol::Control& control : arguments_.controls) {
    const Result<Address> address = ParseAddress(control.address);
    if (!address) return Invalid("control " + control.name + ": " + address.error().detail);
    const auto covers = [&](const Network& network) { return network.Contains(*address); };
    const bool cut = std::any_of(cut_.networks.begin(), cut_.networks.end(), covers) &&
                     !Has(cut_.spared, *address);
    const Endpoint endpoint{*address, control.port};
    if (!cut) controls_.push_back({control.name + " " + Print(endpoint), endpoint});
  }
  if (!controls_.empty()) return {};
  return Invalid(
      "a control outside of the peers is needed: without one, a cut cannot be told "
      "from a network that is down");
}

std::unique_ptr<Look> Partition::Baseline(Node& node, nanoseconds now) {
  std::vector<Endpoint> endpoints;
  for (const Check& check : checks_) endpoints.push_back(check.endpoint);
  for (const ControlCheck& control : controls_) endpoints.push_back(control.endpoint);
  return std::make_unique<ConnectLook>(Connects(node, endpoints, now, kTimeoutBefore),
                                       [this](const Connects& c) { return ReadBefore(c); });
}

Reading Partition::ReadBefore(const Connects& connects) {
  std::size_t next = 0;
  for (Check& check : checks_) check.before = connects.reached(next++);
  for (ControlCheck& control : controls_) control.before = connects.reached(next++);
  slowest_before_ = connects.slowest();

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
                                "), so it could not be proved that the fault cuts them off";
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
                    "), so it could not be proved that only the peers are cut off";
  return reading;
}

Figures Partition::Journal() const {
  return {{"adds", "nft table inet " + cut_.table}, {"undo", "goes with this process"}};
}

Result<void> Partition::Apply(Node& node, nanoseconds lasts) {
  follow_.Begin(lasts);
  return node.ApplyCut(cut_, lasts);
}

std::optional<nanoseconds> Partition::Tick(Node& node, nanoseconds now) {
  if (!follow_.any()) return std::nullopt;
  return follow_.Tick(node, now);
}

std::unique_ptr<Look> Partition::Measure(Node& node, nanoseconds now) {
  const nanoseconds timeout =
      std::clamp(kPatience * slowest_before_, kLeastTimeoutDuring, kPatience * kTimeoutBefore);
  return std::make_unique<ConnectLook>(
      Connects(node, Worked(/*controls_too=*/true), now, timeout),
      [this, &node](const Connects& c) { return ReadDuring(node, c); });
}

Reading Partition::ReadDuring(Node& node, const Connects& connects) const {
  std::size_t next = 0, failed = 0, tried = 0;
  std::set<std::size_t> cut_off, still_reached;
  std::vector<std::string> leaks;
  for (const Check& check : checks_) {
    if (!check.before) continue;
    ++tried;
    const bool reached = connects.reached(next++);
    (reached ? still_reached : cut_off).insert(check.peer);
    if (reached)
      leaks.push_back(Print(check.endpoint));
    else
      ++failed;
  }
  std::string control;
  for (const ControlCheck& candidate : controls_) {
    if (candidate.before && connects.reached(next++) && control.empty()) control = candidate.name;
  }
  for (const std::size_t peer : still_reached) cut_off.erase(peer);

  Reading reading;
  reading.measured = Sample(node);
  reading.measured["peersCut"] = Share(cut_off.size(), tried_.size());
  reading.measured["connectsFailed"] = Share(failed, tried);
  reading.measured["connectTimeout"] =
      PrintShort(std::chrono::duration_cast<microseconds>(connects.timeout()));
  reading.measured["control"] = control.empty() ? "failed" : "ok";
  if (!control.empty()) reading.measured["controlName"] = control;
  const std::string missing = PeersUnreachableBefore();
  if (!missing.empty()) reading.measured["notReachableBefore"] = missing;
  if (failed == 0) {
    reading.reason = protocol::kNoEffect;
    reading.message = "the rules are in, but everything that worked before still works";
  } else if (failed < tried) {
    reading.reason = protocol::kPartialEffect;
    reading.message = "still reached: " + Join(leaks);
  } else if (control.empty()) {
    reading.reason = protocol::kSteadyStateNotMet;
    reading.message = "no control works any more, so more than the peers seems to be cut off";
  }
  return reading;
}

// The injector's own connects are among the packets.
Figures Partition::Sample(Node& node) const {
  Figures figures = follow_.figures();
  const Result<std::uint64_t> dropped = node.Dropped();
  figures["packetsDropped"] = dropped ? std::to_string(*dropped) : "unknown";
  return figures;
}

Result<Figures> Partition::Revert(Node& node, nanoseconds /*now*/) {
  Figures figures = Sample(node);
  if (const Result<void> removed = node.RemoveCut(); !removed) return removed.error();
  return figures;
}

std::unique_ptr<Look> Partition::Confirm(Node& node, nanoseconds now) {
  return std::make_unique<ConnectLook>(
      Connects(node, Worked(/*controls_too=*/false), now, kTimeoutBefore),
      [this](const Connects& c) { return ReadAfter(c); });
}

Reading Partition::ReadAfter(const Connects& connects) const {
  std::size_t next = 0;
  std::set<std::size_t> back;
  for (const Check& check : checks_) {
    if (check.before && connects.reached(next++)) back.insert(check.peer);
  }
  return {{{"peersBack", Share(back.size(), ReachableBefore().size())}}, "", ""};
}

std::vector<Endpoint> Partition::Worked(bool controls_too) const {
  std::vector<Endpoint> endpoints;
  for (const Check& check : checks_) {
    if (check.before) endpoints.push_back(check.endpoint);
  }
  for (const ControlCheck& control : controls_) {
    if (controls_too && control.before) endpoints.push_back(control.endpoint);
  }
  return endpoints;
}

std::set<std::size_t> Partition::ReachableBefore() const {
  std::set<std::size_t> reachable;
  for (const Check& check : checks_) {
    if (check.before) reachable.insert(check.peer);
  }
  return reachable;
}

std::string Partition::PeersUnreachableBefore() const {
  const std::set<std::size_t> reachable = ReachableBefore();
  std::vector<std::string> names;
  for (const std::size_t peer : tried_) {
    if (!reachable.contains(peer)) names.push_back(arguments_.partition().peers[peer].name);
  }
  return Join(names);
}

}  // namespace chaos::inject
