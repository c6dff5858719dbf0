#include "tests/sim/world/mutants.h"

#include "operator/base/mutant.h"

namespace chaos {
namespace {

std::string on;

}  // namespace

bool MutantIsOn(std::string_view name) { return on == name; }

namespace sim {

void SwitchMutant(std::string name) { on = std::move(name); }

}  // namespace sim
}  // namespace chaos
