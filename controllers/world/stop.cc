#include "controllers/world/stop.h"

#include <algorithm>

namespace chaos {

Result<Stop> Stop::FromJson(const Json& object) {
  Stop stop;
  stop.meta = kube::MetaFromJson(object);
  stop.reason = Text(object, {"spec", "reason"});
  stop.namespaces = Texts(object, {"spec", "namespaces"});
  stop.observed_generation = Integer(object, {"status", "observedGeneration"}, -1);
  stop.live = Integer(object, {"status", "live"}, -1);
  stop.stopped = Integer(object, {"status", "stopped"}, -1);
  stop.conditions = kube::ConditionsFromJson(ListAt(object, {"status", "conditions"}));
  return stop;
}

bool Stop::Covers(std::string_view ns) const {
  return namespaces.empty() ||
         std::find(namespaces.begin(), namespaces.end(), ns) != namespaces.end();
}

}  // namespace chaos
