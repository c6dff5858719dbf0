// The objects that a run makes, as JSON. Pure: the same run, the same bytes.
#pragma once

#include <string>

#include "controllers/loadtest/workload.h"

namespace chaos::loadtest {

// "rbc-<run>-load"
std::string JobName(std::string_view run);
inline constexpr std::string_view kStartAnnotation = "chaos.rbee.dev/t0";  // on the Job
// An argument of a process is at most 128 KiB.
inline constexpr std::size_t kMostArgumentBytes = 96 * 1024;

// Requires: url, protocol, seed, pods and T0 stand in the status.
protocol::LoadArguments ArgumentsOf(const LoadTest& test, const Workload& workload,
                                    const std::string& run,
                                    const std::vector<std::string>& prompts);
// Restricted pods without a token, owned by the load test, that end by themselves.
Json Job(const LoadTest& test, const Workload& workload, const std::string& run,
         const std::string& arguments);

}  // namespace chaos::loadtest
