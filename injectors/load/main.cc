// chaos-load: the binary of the load image. `probe` is what a probe pod runs.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "injectors/load/probe_check.h"
#include "injectors/load/probe_mode.h"
#include "injectors/load/reporter.h"

namespace {

constexpr std::string_view kHelp =
    "chaos-load probe <json>   samples what the JSON document asks for (see "
    "injectors/protocol/arguments.h) and\n"
    "                          prints one JSON line per event, until maxLife has passed or SIGTERM "
    "comes\n"
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

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const std::string_view mode = argc > 1 ? argv[1] : "";
  if (mode == "--help" || mode == "-h") return std::fputs(kHelp.data(), stdout) < 0;
  if (mode == "--version") return std::puts("chaos-load " CHAOS_VERSION) < 0;
  if (mode == "probe" && argc == 3) _exit(Probe(argv[2]));  // without destructors: see RunProbes
  std::fprintf(stderr, "chaos-load: %s\n%s",
               mode == "probe" ? "probe takes exactly one JSON document" : "a mode is missing",
               kHelp.data());
  return 2;
}
