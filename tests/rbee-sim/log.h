// One JSON line per change of state on stdout, with a time in milliseconds, so that others can
// compare times.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace rbee_sim {

// {"at":"2026-11-24T11:25:03.123Z","event":"hive_lost","hive_id":"h1"}
void Log(std::string_view event,
         std::initializer_list<std::pair<std::string_view, std::string>> fields = {});
std::string TimeStamp();  // UTC, milliseconds, Z

}  // namespace rbee_sim
