// rbee-sim: a small rbee with the roles queen, hive and worker. SIGTERM and SIGINT end it at once,
// also as PID 1, unless something else was asked for.
#include <unistd.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "tests/rbee-sim/hive.h"
#include "tests/rbee-sim/log.h"
#include "tests/rbee-sim/options.h"
#include "tests/rbee-sim/queen.h"
#include "tests/rbee-sim/worker.h"

namespace {

void HandleSignals(rbee_sim::OnSigterm what) {
  std::signal(SIGPIPE, SIG_IGN);
  if (what == rbee_sim::OnSigterm::kDefault) return;
  struct sigaction end = {};
  end.sa_handler = [](int) { _exit(0); };
  sigaction(SIGINT, &end, nullptr);
  if (what == rbee_sim::OnSigterm::kEnd) sigaction(SIGTERM, &end, nullptr);
}

void IgnoreSigterm(boost::asio::signal_set& signals) {
  signals.async_wait([&signals](boost::system::error_code, int) {
    rbee_sim::Log("sigterm_ignored");
    IgnoreSigterm(signals);
  });
}

int Run(const rbee_sim::Options& options) {
  boost::asio::io_context io(1);
  rbee_sim::Queen queen(io, options);
  rbee_sim::Hive hive(io, options);
  rbee_sim::Worker worker(io, options);
  boost::asio::signal_set signals(io);
  if (options.sigterm == rbee_sim::OnSigterm::kIgnore) {
    signals.add(SIGTERM);
    IgnoreSigterm(signals);
  }
  std::string error;
  switch (options.role) {
    case rbee_sim::Role::kQueen:
      error = queen.Start();
      break;
    case rbee_sim::Role::kHive:
      error = hive.Start();
      break;
    case rbee_sim::Role::kWorker:
      worker.Start();
      break;
  }
  if (!error.empty()) {
    std::fprintf(stderr, "rbee-sim: %s\n", error.c_str());
    return 1;
  }
  io.run();
  return 1;  // there is always a timer: this is never reached
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  // More flags, for whoever cannot change the command line.
  const char* more = std::getenv("RBEE_SIM_FLAGS");
  std::istringstream words(more == nullptr ? "" : more);
  for (std::string word; words >> word;) arguments.push_back(word);
  for (const std::string& argument : arguments) {
    if (argument != "--help" && argument != "-h") continue;
    std::fputs(rbee_sim::HelpText().c_str(), stdout);
    return 0;
  }
  rbee_sim::Options options;
  if (const std::string error = rbee_sim::ParseOptions(arguments, options); !error.empty()) {
    std::fprintf(stderr, "rbee-sim: %s\n", error.c_str());
    return 2;
  }
  HandleSignals(options.sigterm);
  // Names are looked up while links are cut: a lookup that hangs for 10 s would look like a slow
  // recovery.
  setenv("RES_OPTIONS", "timeout:1 attempts:2", 0);
  return Run(options);
}
