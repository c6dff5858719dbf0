// The load that an experiment owns: the LoadTest that it makes, when that flows, when it may end,
// and what it means for the verdict. Pure.
#pragma once

#include <optional>
#include <string>

#include "controllers/chaosexperiment/types.h"
#include "controllers/chaosexperiment/verdict.h"
#include "controllers/loadtest/observed.h"

namespace chaos::experiment {

// "<experiment, cut to fit>-<run>": at most 63 characters, so it is always a label's value.
std::string LoadName(const std::string& experiment, const std::string& run);

// The LoadTest of a run, the same bytes every time. `referred`: the LoadTest that spec.load.ref
// names, whose spec is copied. The error says what is wrong with the load that is asked for.
// Requires: spec.load.
Result<Json> OwnedLoad(const Experiment& experiment, const std::string& run, const Json* referred);

// T0 has passed, the pods speak, and requests have come to an end.
bool Flows(const loadtest::LoadTest& load);
bool IsOver(const loadtest::LoadTest& load);

// What the load has found out against the experiment before anybody is hurt; nullopt: nothing.
std::optional<Judgement> JudgeBaseline(const loadtest::LoadTest& load);
// What a load that is over means for a run that has otherwise come to `judgement`: what is surely
// failed stays so, and nothing is passed that the load did not pass.
Judgement WithLoad(const Judgement& judgement, const loadtest::LoadTest* load);

// Takes over what the load says of itself.
void TakeFrom(const loadtest::LoadTest& load, LoadStatus& status);
// "errors 0% before, 43% during, 0% after; ttft p95 120ms before, 2.10s during, 130ms after"
std::string LoadText(const LoadStatus& status);

// What the load called `load` must know of its experiment.
loadtest::Owner OwnerOf(const Experiment& experiment, const std::string& load);

}  // namespace chaos::experiment
