// The standard process_* series, read from /proc at scrape time.
#pragma once

#include <string>

namespace chaos {

struct ProcessFigures {
  double cpu_seconds = 0;
  double resident_bytes = 0;
  double virtual_bytes = 0;
  double open_fds = 0;
  double max_fds = 0;
  double start_time_seconds = 0;  // since 1970
};

// What cannot be read stays 0. `proc` is "/proc" but for tests.
ProcessFigures ReadProcess(const std::string& proc = "/proc");

}  // namespace chaos
