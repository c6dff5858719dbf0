#include "tests/sim/cluster/sim_rbee.h"

namespace chaos::sim {

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

}  // namespace chaos::sim
