// The Job controller as far as the product leans on it: an Indexed Job makes one pod per index,
// once (backoffLimitPerIndex 0), ends at its deadline, and says in Events alone why it cannot make
// one.
#pragma once

#include <map>
#include <set>
#include <string>

#include "operator/base/random.h"
#include "tests/sim/api/sim_api.h"

namespace chaos::sim {

class SimJobController {
 public:
  // `quota`: most pods of Jobs at once; more are refused in the words of an API server.
  SimJobController(SimApi& api, Timeline& timeline, Random random, int quota);

 private:
  void Look(const Record& record);
  void MakePods(const kube::Key& job, const std::string& uid);
  void Refused(const Json& job, const std::string& why);
  VersionPtr Find(const kube::Key& job, const std::string& uid) const;
  int PodsNow() const;

  SimApi& api_;
  Timeline& timeline_;
  Random random_;
  const int quota_;
  std::map<std::string, std::set<int>> made_;  // by uid of the Job
};

}  // namespace chaos::sim
