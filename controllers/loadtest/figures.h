// What the lines of all pods say together, beside what was planned; and how a status shows it.
// Pure.
#pragma once

#include <string>
#include <vector>

#include "controllers/loadtest/observed.h"
#include "controllers/loadtest/workload.h"

namespace chaos::loadtest {

struct Measured {
  protocol::Phases phases;
  milliseconds elapsed{0};  // since T0, up to which this goes
  // VU time that was there of what was planned by then, 0 to 1. Where iterations are dealt out: of
  // those that were due by then, how many have begun or are known to have been dropped.
  double coverage = 0;
  milliseconds vu_time{0};  // that was there
  int vus = 0;
  std::int64_t worst_lag_us = 0, throttled_ms = 0;
  bool fault_known = false;  // phases other than Before mean something
  milliseconds fault_from{0}, fault_to{0};
};

// `until`: the moment up to which the load was to run, at most now.
Measured Measure(const Workload& workload, const protocol::LoadLog& log,
                 const std::optional<Owner>& owner, TimePoint t0, TimePoint until);

// One decision per threshold, in their order. `missing_ideal`: as if all VU time that is missing
// had been as good as can be; what fails even then fails for sure.
std::vector<protocol::Decision> DecideAll(const Workload& workload, const Measured& measured,
                                          bool expect_tokens, bool missing_ideal = false);

// Sets progress, thresholds, phases, generator and errorSamples.
void FillFigures(const Workload& workload, const Measured& measured, const protocol::LoadLog& log,
                 bool expect_tokens, Status& status);

// "12.3ms", "4.56s": three digits that matter.
std::string PrintMillis(double milliseconds);
std::string PrintShare(double ratio);  // "1.25%"

}  // namespace chaos::loadtest
