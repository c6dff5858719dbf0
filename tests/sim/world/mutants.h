// Which named mistake is made; none unless a test says so.
#pragma once

#include <string>

namespace chaos::sim {

void SwitchMutant(std::string name);

}  // namespace chaos::sim
