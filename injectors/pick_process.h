// Which process is meant.
#pragma once

#include <string>
#include <vector>

#include "injectors/processes.h"

namespace chaos::inject {

// The first process of the container, or the one whose command line contains `match`. An error when
// it is none, several, or one that must not be hurt; it says what to write instead.
Result<ProcessEntry> PickProcess(const std::vector<ProcessEntry>& processes,
                                 const std::string& match);
// Of those that are there now.
Result<ProcessEntry> PickProcess(Processes& processes, const std::string& match);

// "1 (llm-worker)": without arguments, which may hold secrets.
std::string Describe(const ProcessEntry& process);

}  // namespace chaos::inject
