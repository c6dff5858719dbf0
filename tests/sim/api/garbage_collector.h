// The two controllers of a cluster that the product leans on: dependents follow their owner, and a
// namespace takes everything in it along.
#pragma once

#include "tests/sim/api/api_server.h"

namespace chaos::sim {

class GarbageCollector {
 public:
  GarbageCollector(ApiServer& api, Timeline& timeline);

 private:
  void Look(const Record& record);
  void CollectDependents(const std::string& ns, const std::string& owner_uid);
  void EmptyNamespace(const std::string& ns);
  bool Exists(const std::string& uid) const;

  ApiServer& api_;
  Timeline& timeline_;
};

}  // namespace chaos::sim
