#include "tests/integration/load/load_run.h"

#include <gtest/gtest.h>

namespace chaos::test {
namespace {

std::vector<std::string> Command(const protocol::LoadArguments& arguments,
                                 const std::vector<std::string>& environment) {
  std::vector<std::string> command = {"/usr/bin/env"};
  command.insert(command.end(), environment.begin(), environment.end());
  command.insert(command.end(), {CHAOS_LOAD, "run", PrintJson(ToJson(arguments))});
  return command;
}

}  // namespace

LoadRun::LoadRun(const protocol::LoadArguments& arguments,
                 const std::vector<std::string>& environment)
    : LoadRun(Command(arguments, environment)) {}
LoadRun::LoadRun(std::vector<std::string> command) : child_(command) {}

std::optional<protocol::LoadLine> LoadRun::Next(milliseconds within) {
  const std::optional<std::string> text = child_.Line(within);
  if (!text) return std::nullopt;
  const Result<protocol::LoadLine> line = protocol::ParseLoadLine(*text);
  if (!line) {
    ADD_FAILURE() << *text << ": " << line.error().detail;
    return std::nullopt;
  }
  EXPECT_EQ(line->seq, static_cast<std::int64_t>(lines_.size()) + 1) << *text;
  lines_.push_back(*line);
  log_.Add(*line);
  return *line;
}

bool LoadRun::Until(std::string_view event, milliseconds within) {
  const auto deadline = std::chrono::steady_clock::now() + within;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    const auto line = Next(std::max(left, milliseconds(0)));
    if (!line) return false;
    if (line->event == event) return true;
  }
}

protocol::LoadArguments Load(const std::string& protocol, const std::string& url, int vus,
                             milliseconds length) {
  protocol::LoadArguments a;
  a.run = "0123456789";
  a.start = std::chrono::floor<milliseconds>(SystemClock().Now());
  a.executor = {.start_vus = vus,
                .stages = {{length, vus}},
                .graceful_ramp_down = milliseconds(0),
                .graceful_stop = milliseconds(0)};
  a.request.protocol = protocol;
  a.request.url = url;
  a.request.model = "tiny";
  a.request.prompts = {"hi"};
  a.request.max_tokens = 3;
  a.request.timeout = milliseconds(10'000);
  a.linger = milliseconds(0);
  return a;
}

std::string LoadBinary() { return CHAOS_LOAD; }

}  // namespace chaos::test
