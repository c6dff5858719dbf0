#include "injectors/follow_peers.h"

#include <algorithm>
#include <utility>

#include "injectors/protocol/late_peers.h"

namespace chaos::inject {
namespace {

constexpr nanoseconds kEvery = seconds(1);
constexpr nanoseconds kMostLookup = seconds(2);
constexpr nanoseconds kTimeoutBefore = milliseconds(300);  // they are not cut off meanwhile
constexpr nanoseconds kTimeoutDuring = milliseconds(500);
constexpr int kPatience = 4;  // as with the peers of before
constexpr std::size_t kMostNewcomers = 64;
constexpr std::size_t kMostPortsEach = 4;

std::string Share(std::size_t part, std::size_t whole) {
  return std::to_string(part) + "/" + std::to_string(whole);
}

}  // namespace

FollowPeers::FollowPeers(const protocol::Partition& partition) {
  for (const protocol::Follow& follow : partition.follow)
    names_.push_back({follow, PortsToTry(partition.ports, follow.verify), {}, nullptr});
}

Result<void> FollowPeers::Plan(const Cut& cut, const std::vector<Address>& untouchable) {
  covered_ = cut.networks;
  untouchable_ = {untouchable.begin(), untouchable.end()};
  for (Name& name : names_) {
    for (const std::string& text : name.follow.except) {
      const Result<Address> address = ParseAddress(text);
      if (!address) return Invalid("follow " + name.follow.service + ": " + address.error().detail);
      name.except.insert(*address);
    }
  }
  return {};
}

nanoseconds FollowPeers::Tick(Node& node, nanoseconds now) {
  if (!any()) return nanoseconds::max();
  if (began_ < nanoseconds(0)) {
    began_ = now;
    asked_at_ = now - kEvery;
  }
  if (step_ == Step::kWaiting && now >= asked_at_ + kEvery) Ask(node, now);
  if (step_ == Step::kAsking && Heard(now)) TryBefore(node, now);
  if (step_ == Step::kBefore && connects_->Poll(now)) CutOff(node, now);
  if (step_ == Step::kDuring && connects_->Poll(now)) Count();
  if (step_ == Step::kWaiting) return std::max(asked_at_ + kEvery, now + milliseconds(1));
  return step_ == Step::kAsking ? asked_at_ + kMostLookup : connects_->deadline();
}

void FollowPeers::Ask(Node& node, nanoseconds now) {
  asked_at_ = now;
  group_.clear();
  for (Name& name : names_) name.lookup = node.Resolve(name.follow.service);
  step_ = Step::kAsking;
}

// True once nobody is waited for any more.
bool FollowPeers::Heard(nanoseconds now) {
  bool all = true;
  for (Name& name : names_) {
    if (!name.lookup) continue;
    std::optional<Found> found = name.lookup->Poll();
    if (!found && now < asked_at_ + kMostLookup) {
      all = false;
      continue;
    }
    name.lookup.reset();
    if (!found) found = Found{{}, "DNS did not answer within 2s"};
    ++lookups_;
    failed_ += !found->error.empty();
    if (!found->error.empty()) lookup_error_ = found->error;
    Take(name, *found);
  }
  return all;
}

void FollowPeers::Take(const Name& name, const Found& found) {
  for (const Address& address : found.addresses) {
    const auto covers = [&](const Network& network) { return network.Contains(address); };
    if (IsLoopback(address) || untouchable_.contains(address) || name.except.contains(address) ||
        std::any_of(covered_.begin(), covered_.end(), covers))
      continue;
    if (!known_.insert(address).second) continue;
    if (found_.size() + group_.size() >= kMostNewcomers) {
      ++too_many_;
      continue;
    }
    group_.push_back({address, name.ports});
  }
}

// Whether they can be reached at all: without that, nothing would be proved by silence afterwards.
void FollowPeers::TryBefore(Node& node, nanoseconds now) {
  if (group_.empty()) return Wait();
  endpoints_.clear();
  endpoint_of_.clear();
  for (std::size_t i = 0; i < group_.size(); ++i) {
    for (std::size_t p = 0; p < std::min(group_[i].ports.size(), kMostPortsEach); ++p) {
      endpoints_.push_back({group_[i].address, group_[i].ports[p]});
      endpoint_of_.push_back(i);
    }
  }
  connects_.emplace(node, endpoints_, now, kTimeoutBefore);
  step_ = Step::kBefore;
}

void FollowPeers::CutOff(Node& node, nanoseconds now) {
  for (std::size_t i = 0; i < endpoints_.size(); ++i)
    group_[endpoint_of_[i]].before |= connects_->reached(i);
  const nanoseconds left = lasts_ - (now - began_);
  std::vector<Address> more;
  for (const Newcomer& newcomer : group_) more.push_back(newcomer.address);
  const Result<void> widened =
      left > nanoseconds(0) ? node.WidenCut(more, left) : Invalid("the fault is over");
  if (!widened) {  // tried again with the next look-up
    cut_error_ = widened.error().detail;
    for (const Address& address : more) known_.erase(address);
    return Wait();
  }
  cut_error_.clear();
  for (Newcomer& newcomer : group_) newcomer.after = std::chrono::ceil<milliseconds>(now - began_);
  const nanoseconds timeout =
      std::clamp(kPatience * connects_->slowest(), kTimeoutDuring, kPatience * kTimeoutBefore);
  connects_.emplace(node, endpoints_, now, timeout);
  step_ = Step::kDuring;
}

void FollowPeers::Count() {
  for (std::size_t i = 0; i < endpoints_.size(); ++i)
    group_[endpoint_of_[i]].during |= connects_->reached(i);
  found_.insert(found_.end(), group_.begin(), group_.end());
  Wait();
}

void FollowPeers::Wait() {
  connects_.reset();
  step_ = Step::kWaiting;
}

Figures FollowPeers::figures() const {
  if (!any()) return {};
  Figures figures{{"lookups", std::to_string(lookups_)}};
  if (failed_ > 0) {
    figures["lookupsFailed"] = Share(failed_, lookups_);
    figures["lookupError"] = lookup_error_.substr(0, 200);
  }
  if (!cut_error_.empty()) figures["latePeersError"] = cut_error_.substr(0, 200);
  if (found_.empty() && too_many_ == 0) return figures;
  std::vector<protocol::LatePeer> cut;
  std::size_t proved = 0;
  for (const Newcomer& newcomer : found_) {
    if (newcomer.during) continue;
    cut.push_back({Print(newcomer.address), newcomer.after});
    proved += newcomer.before;
  }
  figures[std::string(protocol::kLatePeers)] = protocol::PrintLatePeers(cut);
  figures["latePeersCut"] = Share(cut.size(), found_.size() + too_many_);
  figures["latePeersProved"] = Share(proved, cut.size());
  return figures;
}

}  // namespace chaos::inject
