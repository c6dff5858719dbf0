// The production Runner: one thread for each step.
#pragma once

#include "operator/kube/runner.h"

namespace chaos::kube {

class ThreadRunner final : public Runner {
 public:
  std::unique_ptr<Handle> Run(std::string name, std::function<milliseconds()> step) override;
};

}  // namespace chaos::kube
