#include "operator/base/net/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>
#include <vector>

namespace chaos {
namespace {

// The fields of /proc/self/stat from the third on: the second, the name, may hold blanks and
// brackets.
std::vector<double> StatFields(const std::string& proc) {
  std::ifstream file(proc + "/self/stat");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  std::vector<double> fields;
  if (const auto end = text.rfind(')'); end != std::string::npos) {
    std::istringstream rest(text.substr(end + 1));
    for (std::string field; rest >> field;) fields.push_back(std::strtod(field.c_str(), nullptr));
  }
  return fields;
}

double BootTime(const std::string& proc) {
  std::ifstream file(proc + "/stat");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("btime ")) return std::strtod(line.c_str() + 6, nullptr);
  }
  return 0;
}

double CountFds(const std::string& proc) {
  std::error_code error;
  double count = 0;
  for (std::filesystem::directory_iterator at(proc + "/self/fd", error), end; !error && at != end;
       at.increment(error)) {
    ++count;
  }
  return count;
}

}  // namespace

ProcessFigures ReadProcess(const std::string& proc) {
  ProcessFigures figures;
  const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  // proc(5): utime is field 14, stime 15, starttime 22, vsize 23, rss (pages) 24; the first of ours
  // is field 3.
  if (const std::vector<double> stat = StatFields(proc); stat.size() > 21) {
    figures.cpu_seconds = (stat[11] + stat[12]) / ticks;
    figures.start_time_seconds = BootTime(proc) + stat[19] / ticks;
    figures.virtual_bytes = stat[20];
    figures.resident_bytes = stat[21] * static_cast<double>(sysconf(_SC_PAGESIZE));
  }
  figures.open_fds = CountFds(proc);
  if (rlimit limit{}; getrlimit(RLIMIT_NOFILE, &limit) == 0)
    figures.max_fds = static_cast<double>(limit.rlim_cur);
  return figures;
}

}  // namespace chaos
