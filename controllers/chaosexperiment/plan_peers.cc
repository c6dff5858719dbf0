// Pods that become peers while a partition is on: the headless Services by which the injectors
// follow them, and whether each was cut off as well.
#include <algorithm>
#include <set>

#include "controllers/chaosexperiment/bodies.h"
#include "controllers/chaosexperiment/planner.h"
#include "injectors/protocol/late_peers.h"
#include "operator/base/time_text.h"

namespace chaos::experiment {
namespace {

// A name is looked up every second, and a cluster's DNS keeps answers for 5 s unless told
// otherwise.
constexpr seconds kSoon{10};
constexpr std::size_t kMostListed = 16;
constexpr std::size_t kMostWords = 480;

bool Same(const LatePeer& known, const Pod& pod) {
  return known.name == "pod " + pod.meta.key.name && known.addresses == pod.pod_ips;
}

// Empty: what came was cut off from this target, and soon.
std::string WhyUncovered(const LatePeer& late, const TargetStatus& target, milliseconds duration) {
  const auto figure = target.measured.find(std::string(protocol::kLatePeers));
  const std::vector<protocol::LatePeer> cut =
      protocol::ParseLatePeers(figure == target.measured.end() ? "" : figure->second);
  for (const std::string& address : late.addresses) {
    const auto found = std::find_if(cut.begin(), cut.end(),
                                    [&](const auto& peer) { return peer.address == address; });
    if (found == cut.end()) {
      return late.name + " (" + address +
             ") appeared while the fault was on, and was not cut off from pod " + target.pod;
    }
    const TimePoint since =
        std::max(late.seen_at.value_or(*target.injected_at), *target.injected_at);
    const microseconds reachable = *target.injected_at + found->after - since;
    if (reachable > std::min<microseconds>(kSoon, duration / 2)) {
      return late.name + " (" + address + ") was cut off from pod " + target.pod + " only " +
             PrintShort(reachable) + " after it had appeared";
    }
  }
  return "";
}

}  // namespace

// The Services by which the injectors follow their peers are there, or will not be.
bool Planner::FollowReady() {
  if (world_.peer_service_error) return true;
  bool ready = true;
  for (const PeerService& service : next_.resolved.peer_services) {
    if (world_.peer_services_made.contains(service.name)) continue;
    ready = false;
    Do(CreatePeerService{PeersService(experiment_, run_, service)});
  }
  return ready;
}

// Without a Service the run goes on, and a peer that comes late is uncovered.
std::vector<protocol::Follow> Planner::FollowFor(const std::vector<Followed>& followed) {
  if (world_.peer_service_error) {
    next_.resolved.not_followed = world_.peer_service_error->detail.substr(0, kMostWords);
    return {};
  }
  std::vector<protocol::Follow> follow;
  for (const PeerService& service : next_.resolved.peer_services) {
    const auto found = std::find_if(followed.begin(), followed.end(), [&](const Followed& one) {
      return one.selector == service.selector;
    });
    if (found == followed.end()) continue;
    // The Service may select more than the peers: the targets, and pods that are their whole node.
    std::set<std::string> except;
    for (const auto& pod : world_.pods) {
      const bool target = std::any_of(next_.targets.begin(), next_.targets.end(),
                                      [&](const auto& t) { return t.uid == pod->meta.uid; });
      if ((target || pod->host_network) && HasAll(pod->meta.labels, service.selector))
        except.insert(pod->pod_ips.begin(), pod->pod_ips.end());
    }
    follow.push_back({service.name + "." + experiment_.meta.key.ns + ".svc",
                      {except.begin(), except.end()},
                      found->verify});
  }
  return follow;
}

Pods Planner::PeerPods() const {
  Pods pods;
  const auto add = [&](const Result<Pods>& matching) {
    if (matching) pods.insert(pods.end(), matching->begin(), matching->end());
  };
  for (const PeerSpec& peer : spec_.partition.peers) {
    if (!peer.component.empty() || peer.selector)
      add(Matching(peer.component, peer.selector, *world_.profile, world_.pods));
  }
  for (const PeerService& service : next_.resolved.peer_services)
    add(Matching("", Selector{service.selector, {}}, *world_.profile, world_.pods));
  return pods;
}

void Planner::Uncovered(const std::string& what) {
  next_.coverage = "Partial";
  std::vector<std::string>& missing = next_.coverage_missing;
  if (missing.size() < kMostListed &&
      std::find(missing.begin(), missing.end(), what) == missing.end())
    missing.push_back(what);
}

// A peer that appeared after the launch is left to the injectors that follow it, and judged at the
// end; where nobody follows it, it is out of reach: said, not hidden.
void Planner::NoticeLatePeers() {
  if (!world_.profile) return;
  std::set<std::string> known;
  for (const PeerStatus& peer : next_.resolved.peers)
    known.insert(peer.addresses.begin(), peer.addresses.end());
  std::optional<TimePoint> over;  // nobody comes too late for what is over
  for (const TargetStatus& target : next_.targets) {
    if (!target.Ended()) over = TimePoint::max();
    if (target.reverted_at)
      over = std::max(*target.reverted_at, over.value_or(*target.reverted_at));
  }
  std::vector<LatePeer>& late = next_.resolved.late_peers;
  for (const auto& pod : PeerPods()) {
    const bool is_target = std::any_of(next_.targets.begin(), next_.targets.end(),
                                       [&](const auto& t) { return t.uid == pod->meta.uid; });
    const bool covered = std::all_of(pod->pod_ips.begin(), pod->pod_ips.end(),
                                     [&](const auto& address) { return known.contains(address); });
    const bool noticed = std::any_of(late.begin(), late.end(),
                                     [&](const LatePeer& peer) { return Same(peer, *pod); });
    if (is_target || pod->host_network || covered || noticed || (over && pod->meta.created > *over))
      continue;
    const std::string& why = next_.resolved.not_followed;
    const bool followed =
        why.empty() && std::any_of(next_.resolved.peer_services.begin(),
                                   next_.resolved.peer_services.end(), [&](const auto& service) {
                                     return HasAll(pod->meta.labels, service.selector);
                                   });
    if (followed && late.size() < kMostListed)
      late.push_back({"pod " + pod->meta.key.name, pod->pod_ips, now_});
    else
      Uncovered("pod " + pod->meta.key.name + " appeared after the fault was put on" +
                (why.empty() ? "" : ", and nobody could follow it: " + why).substr(0, kMostWords));
  }
}

void Planner::JudgeLatePeers() {
  for (const LatePeer& late : next_.resolved.late_peers) {
    for (const TargetStatus& target : next_.targets) {
      if (!target.injected_at) continue;
      const std::string why = WhyUncovered(late, target, spec_.duration);
      if (!why.empty()) Uncovered(why);
    }
  }
}

}  // namespace chaos::experiment
