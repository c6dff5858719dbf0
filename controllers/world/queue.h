// Whose turn it is: one live run per kind and namespace unless a label raises it, the others in the
// order of their creation. Pure.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "controllers/world/namespace.h"

namespace chaos {

struct InLine {
  std::pair<TimePoint, kube::Key> order;  // created, key
  bool live = false, waiting = false;     // waiting: would start now if nobody were in front
  std::optional<TimePoint> finished_at;
};

// What the label chaos.rbee.dev/max-live says: 1 to 20.
int MaxLive(const Namespace* ns);

bool MustWait(const InLine& self, const std::vector<InLine>& others, int max_live);
// Since when `self` could have started; waiting behind a live run does not count. Requires: it need
// not wait.
TimePoint EligibleAt(const InLine& self, const std::vector<InLine>& others, bool fresh,
                     TimePoint now);

}  // namespace chaos
