// Named mistakes that the simulation must find: `if (CHAOS_MUTANT("skip-intent")) …` stands where
// the mistake would be made. In the product it is the constant false; only the simulation's own
// build of a file can switch one on.
#pragma once

#ifdef CHAOS_MUTANTS
#include <string_view>

namespace chaos {
// Defined by the simulation.
bool MutantIsOn(std::string_view name);
}  // namespace chaos

#define CHAOS_MUTANT(name) ::chaos::MutantIsOn(name)
#else
#define CHAOS_MUTANT(name) false
#endif
