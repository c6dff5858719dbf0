// chaos-load: the binary of the load image. `probe` is what a probe pod runs, `run` a load pod.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "injectors/load/load_mode.h"
#include "injectors/load/probe_check.h"
#include "injectors/load/probe_mode.h"
#include "injectors/load/reporter.h"

namespace {

constexpr std::string_view kHelp =
    "chaos-load probe <json>   samples what the JSON document asks for (see "
    "injectors/protocol/arguments.h) and\n"
    "                          prints one JSON line per event, until maxLife has passed or SIGTERM "
    "comes\n"
    "chaos-load run <json>     generates the load that the JSON document asks for (see "
    "injectors/protocol/load.h):\n"
    "                          the share of pod JOB_COMPLETION_INDEX (0 without), one JSON line "
    "per "
    "second; ends\n"
    "                          with the schedule, on SIGTERM, or when its stop file has content "
    "(CHAOS_LOAD_STOP_FILE\n"
    "                          names another file than /etc/chaos/stop)\n"
    "chaos-load --version\n"
    "chaos-load --help\n";

int Probe(const char* text) {
  const chaos::SystemClock clock;
  chaos::load::Reporter reporter(clock, STDOUT_FILENO);
  chaos::Result<chaos::protocol::ProbePodArguments> arguments =
      chaos::protocol::ProbePodFromJson(text);
  std::string problem;
  if (!arguments)
    problem = arguments.error().detail;
  else if (const auto fine = chaos::load::CheckProbes(*arguments); !fine)
    problem = fine.error().detail;
  if (!problem.empty()) {
    reporter.Say("failed", problem, {}, chaos::protocol::kRefused);
    std::fprintf(stderr, "chaos-load: %s\n", problem.c_str());
    return 2;
  }
  // Name lookups must end before the samples that wait for them do.
  setenv("RES_OPTIONS", "timeout:1 attempts:2", 0);
  chaos::load::RunProbes(*arguments, clock, reporter);
  return 0;
}

int Run(const char* text) {
  const chaos::SystemClock clock;
  chaos::load::LineWriter writer(STDOUT_FILENO);
  chaos::load::LoadPod pod;
  const auto refuse = [&](const std::string& problem) {
    chaos::protocol::LoadLine line;
    line.at = clock.Now();
    line.pod = pod.pod;
    line.event = chaos::protocol::kLoadFailed;
    line.reason = chaos::protocol::kRefused;
    line.message = problem;
    writer.Say(line);
    writer.Finish();
    std::fprintf(stderr, "chaos-load: %s\n", problem.c_str());
    return 2;
  };
  auto arguments = chaos::protocol::LoadFromJson(text);
  if (!arguments) return refuse(arguments.error().detail);
  const auto index = chaos::load::PodIndex(std::getenv("JOB_COMPLETION_INDEX"), arguments->pods);
  if (!index) return refuse(index.error().detail);
  auto plan = chaos::load::MakeLoadPlan(*arguments);
  if (!plan) return refuse(plan.error().detail);
  pod.pod = *index;
  pod.arguments = *std::move(arguments);
  pod.plan = *std::move(plan);
  if (const char* file = std::getenv("CHAOS_LOAD_STOP_FILE")) pod.stop_file = file;
  setenv("RES_OPTIONS", "timeout:1 attempts:2", 0);
  return chaos::load::RunLoad(pod, clock, writer);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const std::string_view mode = argc > 1 ? argv[1] : "";
  if (mode == "--help" || mode == "-h") return std::fputs(kHelp.data(), stdout) < 0;
  if (mode == "--version") return std::puts("chaos-load " CHAOS_VERSION) < 0;
  if (mode == "probe" && argc == 3) _exit(Probe(argv[2]));  // without destructors: see RunProbes
  if (mode == "run" && argc == 3) _exit(Run(argv[2]));
  const bool known = mode == "probe" || mode == "run";
  std::fprintf(stderr, "chaos-load: %s\n%s",
               known ? "the mode takes exactly one JSON document" : "a mode is missing",
               kHelp.data());
  return 2;
}
