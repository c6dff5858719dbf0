// Pass or fail, and why. Pure. No verdict without data: what was not measured is Inconclusive,
// never green.
#pragma once

#include <optional>
#include <string>

#include "controllers/chaosexperiment/samples.h"
#include "controllers/chaosexperiment/types.h"

namespace chaos::experiment {

struct Judgement {
  std::string verdict;  // Passed Failed Inconclusive Aborted
  std::string reason;   // empty only with Passed
  std::string message;  // what a person needs to know about the reason
};

// Puts what the operator's own probes have counted before the fault into `status`, before somebody
// is hurt: unlike the probe pod's log it goes with the process.
void KeepBefore(const Spec& spec, const SampleLog& samples, TimePoint now, Status& status);

// First failing reason among the targets, as an Inconclusive; nullopt while every one is or was
// verified.
std::optional<Judgement> JudgeTargets(const Status& status);

// Requires: every target of the run has ended. nullopt: more samples are needed; ask again when
// some have come. Fills timings, probes and coverage of `status`.
std::optional<Judgement> Judge(const Spec& spec, const SampleLog& samples, TimePoint now,
                               Status& status);

// When the fault was on.
struct FaultTime {
  std::optional<TimePoint> from;  // on the first target
  std::optional<TimePoint> to;    // on the last one, once it has ended on all
};
FaultTime FaultTimeOf(const Spec& spec, const Status& status);

// One line for people, made only of figures that are in the status.
std::string Summarize(const Spec& spec, const Status& status, const Judgement& judgement);

}  // namespace chaos::experiment
