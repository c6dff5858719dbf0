// Keeps one pod of a component alive, as a Deployment does: a pod that goes is replaced by another
// with the same labels, another name, uid and address.
#pragma once

#include <string>

#include "tests/sim/api/sim_api.h"

namespace chaos::sim {

class SimDeployment {
 public:
  // `stable_names`: as a StatefulSet, the replacement has the old name, and comes when the old pod
  // is gone.
  SimDeployment(SimApi& api, Timeline& timeline, std::string ns, std::string component, int port,
                bool stable_names);
  // Makes the first pods.
  void Scale(int pods);
  void ScaleUp() { MakePod(NextName()); }

 private:
  void Look(const Record& record);
  std::string NextName() { return component_ + "-" + std::to_string(++made_); }
  void MakePod(const std::string& name);

  SimApi& api_;
  Timeline& timeline_;
  const std::string ns_, component_;
  const int port_;
  const bool stable_names_;
  int made_ = 0;
};

}  // namespace chaos::sim
