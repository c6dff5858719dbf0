#include "tests/sim/cluster/pod_network.h"

#include <algorithm>

namespace chaos::sim {

void PodNetwork::Join(const std::string& pod_uid, const std::string& ip) { ips_[pod_uid] = ip; }

void PodNetwork::Leave(const std::string& pod_uid) {
  ips_.erase(pod_uid);
  EndCut(pod_uid);
}

void PodNetwork::AddHost(const std::string& ip) { hosts_.push_back(ip); }

std::string PodNetwork::IpOf(const std::string& pod_uid) const {
  const auto it = ips_.find(pod_uid);
  return it == ips_.end() ? "" : it->second;
}

bool PodNetwork::Drops(const ActiveCut& active, const inject::Address& address) const {
  if (mood_ == KernelMood::kNoEffect) return false;
  if (std::find(active.cut.spared.begin(), active.cut.spared.end(), address) !=
      active.cut.spared.end())
    return false;
  for (const inject::Network& network : active.cut.networks) {
    if (network.Contains(address))
      return mood_ != KernelMood::kPartial || &network != &active.cut.networks.front();
  }
  return false;
}

bool PodNetwork::Reaches(const std::string& pod_uid, const inject::Address& to) const {
  const std::string text = inject::Print(to);
  const auto other =
      std::find_if(ips_.begin(), ips_.end(), [&](const auto& pod) { return pod.second == text; });
  if (other == ips_.end() && std::find(hosts_.begin(), hosts_.end(), text) == hosts_.end())
    return false;
  if (const auto cut = cuts_.find(pod_uid); cut != cuts_.end() && Drops(cut->second, to))
    return false;
  if (other == ips_.end()) return true;
  const auto cut = cuts_.find(other->first);
  const Result<inject::Address> self = inject::ParseAddress(IpOf(pod_uid));
  return cut == cuts_.end() || !self || !Drops(cut->second, *self);
}

bool PodNetwork::TakeLock(const std::string& pod_uid, const std::string& run,
                          std::uint64_t process) {
  return locks_.emplace(std::pair(pod_uid, run), process).second;
}

Result<void> PodNetwork::ApplyCut(const std::string& pod_uid, const std::string& run,
                                  std::uint64_t process, const inject::Cut& cut,
                                  nanoseconds lasts) {
  if (mood_ == KernelMood::kNotPermitted)
    return Error{Reason::kDenied, "nft: Operation not permitted", {}, 0};
  if (!ips_.contains(pod_uid))
    return Error{Reason::kUnavailable, "the network namespace is gone", {}, 0};
  EndCut(pod_uid);
  const std::uint64_t id = ++cut_ids_;
  faults_.push_back({run,
                     pod_uid,
                     process,
                     timeline_.Now(),
                     {},
                     /*took=*/mood_ != KernelMood::kNoEffect,
                     /*lasts=*/true});
  cuts_[pod_uid] = {process, faults_.size() - 1, cut, id};
  timeline_.After(lasts, [this, pod_uid, id] {
    const auto it = cuts_.find(pod_uid);
    if (it != cuts_.end() && it->second.id == id) EndCut(pod_uid);
  });
  on_change_();
  return {};
}

void PodNetwork::EndCut(const std::string& pod_uid) {
  const auto it = cuts_.find(pod_uid);
  if (it == cuts_.end()) return;
  faults_[it->second.span].to = timeline_.Now();
  cuts_.erase(it);
  on_change_();
}

Result<void> PodNetwork::WidenCut(std::uint64_t process, const std::vector<inject::Address>& more) {
  const auto it = std::find_if(cuts_.begin(), cuts_.end(),
                               [&](const auto& cut) { return cut.second.process == process; });
  if (it == cuts_.end()) return Error{Reason::kUnavailable, "there is no cut any more", {}, 0};
  for (const inject::Address& address : more)
    it->second.cut.networks.push_back(inject::Single(address));
  on_change_();
  return {};
}

void PodNetwork::RemoveCut(std::uint64_t process) {
  const auto it = std::find_if(cuts_.begin(), cuts_.end(),
                               [&](const auto& cut) { return cut.second.process == process; });
  if (it != cuts_.end()) EndCut(std::string(it->first));
}

void PodNetwork::ProcessEnded(std::uint64_t process) {
  RemoveCut(process);
  std::erase_if(locks_, [process](const auto& lock) { return lock.second == process; });
}

}  // namespace chaos::sim
