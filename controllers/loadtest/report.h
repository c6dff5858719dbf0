// The full result of a run as a ChaosReport, which outlives pods, operator and the load test. Pure.
#pragma once

#include <string>

#include "controllers/loadtest/figures.h"

namespace chaos::loadtest {

inline constexpr std::size_t kMostPoints = 600;              // of a series
inline constexpr std::size_t kMostReportBytes = 256 * 1024;  // of the encoded data

// "<name>-<run>"
std::string ReportName(const LoadTest& test, const std::string& run);

// Requires: verdict and figures stand in the status. `workload` may be null: the spec is another by
// now, or makes no sense.
Json Report(const LoadTest& test, const std::string& run, const Workload* workload,
            const protocol::LoadLog& log, const std::optional<Owner>& owner);

}  // namespace chaos::loadtest
