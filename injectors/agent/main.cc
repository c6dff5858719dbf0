// chaos-injector: puts one fault on the pod it runs in, proves it, and takes it back; or stops one
// that runs; or undoes one whose injector is no more.
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "injectors/agent/console.h"
#include "injectors/agent/inject.h"

namespace {

constexpr const char* kUsage =
    "Usage: chaos-injector inject|stop|revert [--termination-log FILE] JSON\n"
    "       chaos-injector --help | --version\n"
    "\n"
    "  inject  puts the fault that JSON describes on the network namespace it runs in, measures "
    "that it\n"
    "          is there, and takes it back after its duration, at a stop, at SIGTERM, or with its "
    "own end.\n"
    "  stop    has the injector of a run in the same network namespace take its fault back now.\n"
    "  revert  undoes what an injector left behind that died.\n"
    "\n"
    "All print one JSON line per event on stdout and keep a record of at most 300 bytes in FILE\n"
    "(/dev/termination-log). The fields of JSON are in injectors/protocol/arguments.h.\n"
    "Exit code: 0 it went as told, 1 it did not and the last line says why, 2 wrong usage.\n";

int Usage(const std::string& error) {
  std::fprintf(stderr, "chaos-injector: %s\n\n%s", error.c_str(), kUsage);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 1 && (words[0] == "--help" || words[0] == "-h")) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  if (words.size() == 1 && words[0] == "--version") {
    std::puts("chaos-injector " CHAOS_VERSION);
    return 0;
  }
  std::string termination_log = chaos::inject::kTerminationLog;
  if (words.size() == 4 && words[1] == "--termination-log") {
    termination_log = words[2];
    words.erase(words.begin() + 1, words.begin() + 3);
  }
  if (words.size() != 2) return Usage("a mode and one JSON document are needed");
  if (words[0] == "inject") return chaos::inject::Inject(words[1], termination_log);
  if (words[0] == "stop") return chaos::inject::Stop(words[1], termination_log);
  if (words[0] == "revert") return chaos::inject::Revert(words[1], termination_log);
  return Usage("unknown mode \"" + words[0] + "\"");
}
