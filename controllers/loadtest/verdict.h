// Pass or fail, and why. Pure. No verdict without data: what was not measured is Inconclusive,
// never green.
#pragma once

#include <string>

#include "controllers/loadtest/figures.h"

namespace chaos::loadtest {

struct Judgement {
  std::string verdict;  // Passed Failed Inconclusive Aborted
  std::string reason;   // empty only with Passed
  std::string message;  // what a person needs to know about the reason
};

// What became of the pods of a run that is over.
struct PodsEnd {
  int ended = 0;                  // orderly, and heard to the end
  std::vector<std::string> lost;  // a sentence for each of the others
  std::string never_started;      // why none of them ever said a word; empty: some did
};

// Requires: no more lines will come. `status` has its figures and its stop, if any.
Judgement Judge(const LoadTest& test, const Workload& workload, const Measured& measured,
                const PodsEnd& pods, const Status& status);

// One line for people, made only of figures that are in the status.
std::string Summarize(const Status& status, const Judgement& judgement);

}  // namespace chaos::loadtest
