#include "controllers/world/queue.h"

#include <algorithm>
#include <cstdlib>

#include "injectors/protocol/names.h"

namespace chaos {

int MaxLive(const Namespace* ns) {
  if (ns == nullptr) return 1;
  const auto label = ns->meta.labels.find(std::string(protocol::kMaxLiveLabel));
  if (label == ns->meta.labels.end()) return 1;
  return std::clamp(std::atoi(label->second.c_str()), 1, 20);
}

bool MustWait(const InLine& self, const std::vector<InLine>& others, int max_live) {
  int live = 0;
  bool in_front = false;
  for (const InLine& other : others) {
    live += other.live;
    in_front = in_front || (other.waiting && other.order < self.order);
  }
  return live >= max_live || (in_front && live + 1 >= max_live);
}

TimePoint EligibleAt(const InLine& self, const std::vector<InLine>& others, bool fresh,
                     TimePoint now) {
  if (!fresh) return now;
  TimePoint at = self.order.first;
  for (const InLine& other : others) {
    if (other.finished_at) at = std::max(at, *other.finished_at);
  }
  return at;
}

}  // namespace chaos
