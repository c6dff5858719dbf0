#include "controllers/chaosexperiment/select.h"

#include <algorithm>
#include <set>

#include "controllers/world/address.h"
#include "operator/base/sha256.h"

namespace chaos::experiment {
namespace {

bool Ended(const Pod& pod) { return pod.phase == "Succeeded" || pod.phase == "Failed"; }

std::string Print(const Labels& labels) {
  std::string text;
  for (const auto& [key, value] : labels) text += (text.empty() ? "" : ",") + key + "=" + value;
  return text;
}

std::string Describe(const TargetSpec& target, const Profile& profile) {
  if (target.component.empty()) return "spec.target.selector";
  Result<Component> component = FindComponent(profile, target.component);
  return "component " + target.component +
         (component ? " (labels " + Print(component->labels) + ")" : "");
}

Result<std::size_t> HowMany(const TargetSpec& target, std::size_t candidates) {
  switch (target.mode) {
    case Mode::kOne:
      return std::size_t{1};
    case Mode::kAll:
      return candidates;
    case Mode::kFixed:
      if (static_cast<std::size_t>(target.value) > candidates) {
        return Error{Reason::kNotFound,
                     "spec.target.value asks for " + std::to_string(target.value) +
                         " pods and only " + std::to_string(candidates) + " can be hit",
                     {},
                     0};
      }
      return static_cast<std::size_t>(target.value);
    case Mode::kPercent:
      return (candidates * static_cast<std::size_t>(target.value) + 99) / 100;  // rounded up
  }
  CHECK(false);
}

std::vector<std::uint16_t> VerifyPorts(const PeerSpec& spec, const PartitionSpec& partition,
                                       const Profile& profile,
                                       const std::vector<std::uint16_t>& declared) {
  if (!spec.verify_ports.empty()) return spec.verify_ports;
  if (!partition.ports.empty()) return partition.ports;
  if (!spec.component.empty()) {
    Result<Component> component = FindComponent(profile, spec.component);
    if (component && component->port != 0) return {component->port};
  }
  return declared;
}

class PeerCollector {
 public:
  PeerCollector(const PartitionSpec& partition, const Profile& profile, const Pods& pods,
                const std::vector<Service>& services, const Pods& targets)
      : partition_(partition), profile_(profile), pods_(pods), services_(services) {
    for (const auto& target : targets) target_uids_.insert(target->meta.uid);
  }

  Result<void> Add(const PeerSpec& spec) {
    if (!spec.cidr.empty()) {
      AddCidr(spec);
      return {};
    }
    if (!spec.service.empty()) return AddService(spec);
    Result<Pods> matching = Matching(spec.component, spec.selector, profile_, pods_);
    if (!matching) return matching.error();
    AddPods(spec, *matching);
    if (!spec.component.empty())
      Follow(spec, FindComponent(profile_, spec.component)->labels, *matching);
    else if (spec.selector->match_expressions.empty())  // a Service knows labels only
      Follow(spec, spec.selector->match_labels, *matching);
    for (const Service& service : services_) {
      const bool in_front = !service.selector.empty() &&
                            std::any_of(matching->begin(), matching->end(), [&](const auto& pod) {
                              return HasAll(pod->meta.labels, service.selector);
                            });
      if (in_front) AddServiceAddresses(service);
    }
    return {};
  }

  Peers Take() { return std::move(found_); }

 private:
  Result<void> AddService(const PeerSpec& spec) {
    const auto service = std::find_if(services_.begin(), services_.end(),
                                      [&](const Service& s) { return s.name == spec.service; });
    if (service == services_.end())
      return Error{Reason::kNotFound, "there is no Service " + spec.service, {}, 0};
    AddServiceAddresses(*service);
    if (service->selector.empty()) return {};
    Result<Pods> matching = Matching("", Selector{service->selector, {}}, profile_, pods_);
    if (!matching) return matching.error();
    AddPods(spec, *matching);
    Follow(spec, service->selector, *matching);
    return {};
  }

  void Follow(const PeerSpec& spec, const Labels& selector, const Pods& matching) {
    const auto same = [&](const Followed& other) { return other.selector == selector; };
    if (selector.empty() || std::any_of(found_.followed.begin(), found_.followed.end(), same))
      return;
    const std::vector<std::uint16_t> declared =
        matching.empty() ? std::vector<std::uint16_t>() : matching.front()->tcp_ports;
    found_.followed.push_back({selector, VerifyPorts(spec, partition_, profile_, declared)});
  }

  // One address with ports can be tried; a wider range is cut off, but proves nothing.
  void AddCidr(const PeerSpec& spec) {
    const std::size_t slash = spec.cidr.find('/');
    const std::string bits = slash == std::string::npos ? "" : spec.cidr.substr(slash + 1);
    const bool one = bits == (spec.cidr.find(':') == std::string::npos ? "32" : "128");
    const std::vector<std::uint16_t> verify = VerifyPorts(spec, partition_, profile_, {});
    if (one)
      found_.peers.push_back({"cidr " + spec.cidr, {spec.cidr.substr(0, slash)}, verify});
    else
      found_.peers.push_back({"cidr " + spec.cidr, {spec.cidr}, {}});
  }

  // No verify ports: a Service address answers only for the pods behind it, which are tried
  // themselves.
  void AddServiceAddresses(const Service& service) {
    if (!service.cluster_ips.empty() && services_added_.insert(service.name).second) {
      found_.peers.push_back({"service " + service.name, service.cluster_ips, {}});
    }
  }

  void AddPods(const PeerSpec& spec, const Pods& matching) {
    for (const auto& pod : matching) {
      if (target_uids_.contains(pod->meta.uid) || !pods_added_.insert(pod->meta.uid).second)
        continue;
      if (pod->host_network) {
        found_.uncovered.push_back("pod " + pod->meta.key.name + " uses the network of its node");
      } else if (!pod->pod_ips.empty()) {
        found_.peers.push_back({"pod " + pod->meta.key.name, pod->pod_ips,
                                VerifyPorts(spec, partition_, profile_, pod->tcp_ports)});
      }
    }
  }

  const PartitionSpec& partition_;
  const Profile& profile_;
  const Pods& pods_;
  const std::vector<Service>& services_;
  std::set<std::string> target_uids_, pods_added_, services_added_;
  Peers found_;
};

}  // namespace

Result<Pods> Matching(const std::string& component, const std::optional<Selector>& selector,
                      const Profile& profile, const Pods& pods) {
  Selector wanted;
  if (!component.empty()) {
    Result<Component> found = FindComponent(profile, component);
    if (!found) return found.error();
    wanted.match_labels = found->labels;
  } else if (selector) {
    wanted = *selector;
  }
  Pods matching;
  for (const auto& pod : pods) {
    if (!pod->Ours() && !pod->meta.deleting && !Ended(*pod) && wanted.Matches(pod->meta.labels))
      matching.push_back(pod);
  }
  std::sort(matching.begin(), matching.end(),
            [](const auto& a, const auto& b) { return a->meta.key < b->meta.key; });
  return matching;
}

Result<Selection> SelectTargets(const TargetSpec& target, int max_targets, const Profile& profile,
                                const Pods& pods, std::int64_t seed) {
  Result<Pods> matching = Matching(target.component, target.selector, profile, pods);
  if (!matching) return matching.error();
  std::erase_if(*matching, [](const auto& pod) { return pod->phase != "Running"; });
  if (matching->empty()) {
    return Error{Reason::kNotFound, "no running pod matches " + Describe(target, profile), {}, 0};
  }
  for (const auto& pod : *matching) {
    if (pod->host_network) {
      return Invalid("pod " + pod->meta.key.name +
                     " uses the network of its node: a fault there would hit the whole node");
    }
    if (Result<std::string> container = PickContainer(target, *pod); !container)
      return container.error();
  }
  Result<std::size_t> count = HowMany(target, matching->size());
  if (!count) return count.error();
  if (*count > static_cast<std::size_t>(max_targets)) {
    return Invalid("this would hit " + std::to_string(*count) + " pods and safety.maxTargets is " +
                   std::to_string(max_targets) + ": raise it, or hit fewer");
  }
  Selection selection;
  selection.candidates = static_cast<std::int64_t>(matching->size());
  std::vector<std::string> uids;
  for (const auto& pod : *matching) uids.push_back(pod->meta.uid);
  std::sort(uids.begin(), uids.end());
  std::string all;
  for (const std::string& uid : uids) all += uid + "\n";
  selection.digest = "sha256:" + Sha256Hex(all).substr(0, 16);
  const auto rank = [&](const auto& pod) {
    return Sha256Hex(std::to_string(seed) + "/" + pod->meta.uid);
  };
  std::sort(matching->begin(), matching->end(),
            [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  selection.targets.assign(matching->begin(),
                           matching->begin() + static_cast<std::ptrdiff_t>(*count));
  return selection;
}

Result<Peers> ResolvePeers(const PartitionSpec& partition, const Profile& profile, const Pods& pods,
                           const std::vector<Service>& services, const Pods& targets) {
  PeerCollector collector(partition, profile, pods, services, targets);
  for (const PeerSpec& spec : partition.peers) {
    if (Result<void> added = collector.Add(spec); !added) return added.error();
  }
  Peers peers = collector.Take();
  const bool provable =
      std::any_of(peers.peers.begin(), peers.peers.end(),
                  [](const protocol::Peer& peer) { return !peer.verify.empty(); });
  if (!provable) {
    std::string why = peers.uncovered.empty() ? "no peer of the partition has an address now"
                                              : peers.uncovered.front();
    return Error{Reason::kNotFound,
                 why + ": a partition needs at least one pod on the other side, with a port to try",
                 {},
                 0};
  }
  return peers;
}

std::vector<protocol::Control> PickControls(const Profile& profile, const Pods& pods,
                                            const Pods& targets,
                                            const std::vector<protocol::Peer>& peers,
                                            const protocol::Control& last) {
  std::set<std::string> taken;
  for (const auto& target : targets) taken.insert(target->pod_ips.begin(), target->pod_ips.end());
  for (const protocol::Peer& peer : peers)
    taken.insert(peer.addresses.begin(), peer.addresses.end());
  std::vector<protocol::Control> controls;
  for (const auto& pod : pods) {
    if (!pod->ready || pod->host_network || pod->Ours() || taken.contains(pod->pod_ip) ||
        pod->pod_ip.empty())
      continue;
    std::uint16_t port = pod->tcp_ports.empty() ? 0 : pod->tcp_ports.front();
    for (const auto& [name, component] : profile.components) {
      if (HasAll(pod->meta.labels, component.labels) && component.port != 0) port = component.port;
    }
    if (port != 0) controls.push_back({"pod " + pod->meta.key.name, pod->pod_ip, port});
    if (controls.size() == 3) break;
  }
  if (!last.address.empty() && !taken.contains(last.address)) controls.push_back(last);
  return controls;
}

Result<PodsSeen> AskPods(const ProbeSpec& probe, const Profile& profile, const Pods& pods) {
  const Result<Pods> matching = Matching(probe.component, probe.selector, profile, pods);
  if (!matching) return matching.error();
  const auto ready =
      std::count_if(matching->begin(), matching->end(), [](const auto& pod) { return pod->ready; });
  const int wanted = probe.pods_ready.value_or(1);
  return PodsSeen{ready >= wanted, std::to_string(ready) + " ready of " +
                                       std::to_string(matching->size()) + ", less than " +
                                       std::to_string(wanted)};
}

Result<std::string> ProbeUrl(const ProbeSpec& probe, const Profile& profile, const Pods& pods,
                             const std::vector<Service>& services) {
  Result<std::string> base =
      BaseUrl({probe.component, probe.service, probe.port}, profile, pods, services);
  if (base) return *base + probe.path;
  return Error{base.error().reason, "probe " + probe.name + ": " + base.error().detail, {}, 0};
}

Result<std::string> PickContainer(const TargetSpec& target, const Pod& pod) {
  const auto has = [&](const std::string& name) {
    return std::find(pod.containers.begin(), pod.containers.end(), name) != pod.containers.end();
  };
  if (!target.container.empty()) {
    if (has(target.container)) return target.container;
    std::string known;
    for (const std::string& name : pod.containers) known += (known.empty() ? "" : ", ") + name;
    return Invalid("pod " + pod.meta.key.name + " has no container " + target.container +
                   "; it has " + known);
  }
  const auto annotation = pod.meta.annotations.find("kubectl.kubernetes.io/default-container");
  if (annotation != pod.meta.annotations.end() && has(annotation->second))
    return annotation->second;
  return pod.containers.empty() ? std::string() : pod.containers.front();
}

}  // namespace chaos::experiment
