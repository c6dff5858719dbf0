// What the operator can be told on its command line: one validated, printable value.
#pragma once

#include <cstdint>
#include <string>

#include "operator/base/result.h"
#include "operator/manager.h"

namespace chaos {

struct Options {
  ManagerOptions manager;
  std::string kubeconfig, context;  // empty kubeconfig = the pod that we run in
  std::uint16_t metrics_port = 8080;
  std::string log_level = "info";
  std::string transport = "cpprest";  // or "beast": what carries unary calls to the API server
};

// `help_or_error` set: print it and exit with `exit_code` (0 for --help and --version, 2 for a
// mistake).
struct ParsedOptions {
  Options options;
  std::string help_or_error;
  int exit_code = 0;
};
ParsedOptions ParseOptions(int argc, const char* const* argv);

}  // namespace chaos
