// The three things that the injector's binary can be told to do.
#pragma once

#include <string>
#include <string_view>

namespace chaos::inject {

// All return the exit code: 0 done as told, 1 not; what happened is on stdout and in the
// termination message.
int Inject(std::string_view json, const std::string& termination_log);
int Stop(std::string_view json, const std::string& termination_log);
int Revert(std::string_view json, const std::string& termination_log);

}  // namespace chaos::inject
