// One table of what the product believes of an API server. The same rows are run against the
// simulated one (tier sim) and a real one (tier integration); where they differ, the simulation is
// wrong.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "tests/sim/contract_stage.h"

namespace chaos::sim {

struct ContractCase {
  std::string_view name;
  void (*run)(ContractStage& stage);
  std::vector<std::string_view> seen;  // what it must note, in order
};

const std::vector<ContractCase>& ContractCases();

}  // namespace chaos::sim
