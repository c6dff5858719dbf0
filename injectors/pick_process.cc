#include "injectors/pick_process.h"

#include <algorithm>

#include "injectors/load/pattern.h"

namespace chaos::inject {
namespace {

constexpr std::size_t kMostListed = 8;

std::string Program(const ProcessEntry& process) {
  const std::string path = process.command.substr(0, process.command.find(' '));
  return path.substr(path.rfind('/') + 1);
}

std::string ListOf(const std::vector<ProcessEntry>& processes) {
  std::string text;
  for (std::size_t i = 0; i < processes.size(); ++i) {
    if (i == kMostListed) return text + ", …";
    text += (i == 0 ? "" : ", ") + Describe(processes[i]);
  }
  return text;
}

// Injectors and stoppers share the processes of the container with their target.
bool Ours(const ProcessEntry& process) { return Program(process) == "chaos-injector"; }

}  // namespace

Result<ProcessEntry> PickProcess(Processes& processes, const std::string& match) {
  const Result<std::vector<ProcessEntry>> all = processes.List();
  if (!all) return all.error();
  return PickProcess(*all, match);
}

std::string Describe(const ProcessEntry& process) {
  return std::to_string(process.id.pid) + " (" + Program(process) + ")";
}

Result<ProcessEntry> PickProcess(const std::vector<ProcessEntry>& processes,
                                 const std::string& match) {
  const auto first = std::find_if(processes.begin(), processes.end(),
                                  [](const ProcessEntry& p) { return p.id.pid == 1; });
  if (first == processes.end() || Ours(*first)) {
    return Invalid(
        "the processes of the target cannot be seen from here: the injector has to be started with "
        "targetContainerName");
  }
  if (match.empty()) {
    if (Program(*first) != "pause") return *first;
    return Invalid(
        "process 1 is the pod's own pause (shareProcessNamespace), and without it the whole pod "
        "would go: say with process.match which process is meant");
  }
  const Result<load::Pattern> pattern = load::Pattern::Compile(match);
  if (!pattern) return Invalid("process.match: " + pattern.error().detail);
  std::vector<ProcessEntry> found, others;
  for (const ProcessEntry& process : processes) {
    if (Ours(process) || Program(process) == "pause") continue;
    (pattern->Matches(process.command) ? found : others).push_back(process);
  }
  if (found.size() == 1) return found.front();
  if (found.empty()) {
    return Invalid("process.match \"" + match + "\" fits no command line; there are " +
                   ListOf(others));
  }
  return Invalid("process.match \"" + match + "\" fits " + std::to_string(found.size()) +
                 " processes, " + ListOf(found) + ": make it fit one");
}

}  // namespace chaos::inject
