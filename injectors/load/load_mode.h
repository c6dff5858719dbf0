// `chaos-load run <json>`: generates this pod's share of a load, says every second what happened,
// and ends with its schedule, with the stop file, or on SIGTERM.
#pragma once

#include <string>

#include "injectors/load/line_writer.h"
#include "injectors/load/load_plan.h"
#include "operator/base/clock.h"

namespace chaos::load {

struct LoadPod {
  protocol::LoadArguments arguments;
  LoadPlan plan;
  int pod = 0;
  std::string stop_file{protocol::kLoadStopFile};
};

// Returns the exit code (protocol/load.h), with every line written. The process must end next,
// without destructors: a name lookup in Asio's own thread would hold it up for seconds.
int RunLoad(const LoadPod& pod, const Clock& clock, LineWriter& writer);

}  // namespace chaos::load
