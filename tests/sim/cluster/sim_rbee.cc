#include "tests/sim/cluster/sim_rbee.h"

#include <algorithm>

namespace chaos::sim {
namespace {

constexpr milliseconds kNoticeable{200};  // an answer may take so long anyway

}  // namespace

SimRbee::SimRbee(PodNetwork& network, const Timeline& timeline, RbeeTraits traits)
    : network_(network), timeline_(timeline), traits_(traits) {}

void SimRbee::Look() {
  const Result<inject::Address> hive = inject::ParseAddress(hive_ip_);
  const bool connected = hive && !network_.IpOf(queen_).empty() && network_.Reaches(queen_, *hive);
  if (connected == connected_) return;
  noticed_ = !HiveOnline();
  connected_ = connected;
  changed_at_ = timeline_.Now();
}

bool SimRbee::HiveOnline() const {
  if (!traits_.healthy_before) return false;
  const nanoseconds since = timeline_.Now() - changed_at_;
  if (connected_) return !noticed_ || since >= traits_.recovers_after;
  return !noticed_ && !(traits_.notices_after && since >= *traits_.notices_after);
}

bool SimRbee::QueenAnswers() const {
  if (traits_.down || network_.IpOf(queen_).empty()) return false;
  if (!workers_.empty() && !traits_.healthy_before) return false;
  return std::none_of(workers_.begin(), workers_.end(),
                      [this](const auto& one) { return Misleads(one.second); });
}

bool SimRbee::Misleads(const Worker& worker) const {
  const nanoseconds now = timeline_.Now();
  if (worker.stands_since && now >= *worker.stands_since + kNoticeable)
    return !traits_.notices_after || now < *worker.stands_since + *traits_.notices_after;
  if (!worker.down_at) return false;
  const bool noticed = traits_.notices_after && now >= *worker.down_at + *traits_.notices_after;
  const bool loaded = worker.up_at && now >= *worker.up_at + traits_.recovers_after;
  return !noticed && !loaded;
}

void SimRbee::ContainerEnded(const std::string& pod_uid) {
  const auto found = workers_.find(pod_uid);
  if (found == workers_.end() || timeline_.Now() < found->second.registered) return;
  found->second.down_at = timeline_.Now();
  found->second.up_at.reset();
  found->second.stands_since.reset();
}

void SimRbee::WorkerStands(const std::string& pod_uid, bool stands) {
  const auto found = workers_.find(pod_uid);
  if (found == workers_.end() || timeline_.Now() < found->second.registered) return;
  found->second.stands_since = stands ? std::optional(timeline_.Now()) : std::nullopt;
}

void SimRbee::ContainerRuns(const std::string& pod_uid) {
  const auto found = workers_.find(pod_uid);
  if (found != workers_.end()) found->second.up_at = timeline_.Now();
}

}  // namespace chaos::sim
