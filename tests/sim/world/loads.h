// Loads in the simulated world: what must hold of them at every moment, and whether a verdict told
// the truth.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/api/sim_api.h"
#include "tests/sim/cluster/load_truth.h"

namespace chaos::sim {

// Of the queen, in `seconds` at the steady `vus`.
Json LoadManifest(const std::string& name, int pods, int vus, int seconds, bool abort_on_fail);

class LoadInvariants {
 public:
  // Requires: all outlive it. `broken` is told of each breach.
  LoadInvariants(SimApi& api, const LoadTruths& truths, Timeline& timeline,
                 std::function<void(const std::string&)> broken);

  // Once nothing is under way any more: what a run must not leave behind, and lies.
  std::vector<std::string> AtTheEnd() const;

 private:
  void LoadChanged(const Record& record);
  void JobMade(const Json& job);
  void VerdictsStay(const Json& test);
  void Finished(const Json& test);
  // "" or the sentence in which a verdict says something that was not so.
  std::string Lie(const Json& test) const;

  SimApi& api_;
  const LoadTruths& truths_;
  Timeline& timeline_;
  const std::function<void(const std::string&)> broken_;
  std::map<std::string, std::string> verdicts_;                // uid + spec hash -> verdict
  std::map<std::string, std::pair<nanoseconds, int>> writes_;  // uid -> since when, status writes
  std::map<std::string, int> jobs_;                            // by name: how often made
};

}  // namespace chaos::sim
