// How times and durations are written and read: RFC 3339 in UTC, and Go-style durations.
#pragma once

#include <string>
#include <string_view>

#include "operator/base/clock.h"
#include "operator/base/result.h"

namespace chaos {

// "500ms", "30s", "1m30s", "2h": one to four groups of up to five digits; the CRDs admit up to
// three.
Result<milliseconds> ParseDuration(std::string_view text);
// The shortest exact form: "30s", "1m30s", "500ms", "0s".
std::string PrintDuration(milliseconds duration);
// For people and status: seconds with one decimal, "2.1s"; below 1 s in milliseconds, "240ms".
std::string PrintShort(microseconds duration);

// "2026-11-24T11:25:03.123Z": always UTC, `digits` fractional digits (0, 3 or 6).
std::string PrintTime(TimePoint time, int digits = 3);
// Reads what PrintTime writes, with 0 to 9 fractional digits; only the zone Z.
Result<TimePoint> ParseTime(std::string_view text);

}  // namespace chaos
