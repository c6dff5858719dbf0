// What the load pods of the simulation really did, whatever anybody heard of it.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace chaos::sim {

struct LoadTruth {
  std::int64_t requests = 0, errors = 0;
  int started = 0;           // pods
  int whole = 0;             // pods that came to the end of the schedule
  bool begun_twice = false;  // two pods of one index generated load
  bool taken = false;        // its Job was deleted by somebody else: a successor may make another
  std::map<int, std::string> by_pod;  // index to uid
};

using LoadTruths = std::map<std::string, LoadTruth>;  // by run

}  // namespace chaos::sim
