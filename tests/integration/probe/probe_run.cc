// Reads events in order; what was skipped is kept in seen().
#include "tests/integration/probe/probe_run.h"

#include <gtest/gtest.h>

namespace chaos::test {
using protocol::ProbeKind;

ProbeRun::ProbeRun(const protocol::ProbePodArguments& arguments)
    : ProbeRun(PrintJson(ToJson(arguments))) {}
ProbeRun::ProbeRun(const std::string& json) : child_({CHAOS_LOAD, "probe", json}) {}

std::optional<protocol::Event> ProbeRun::Next(milliseconds within) {
  const std::optional<std::string> line = child_.Line(within);
  if (!line) return std::nullopt;
  const Result<protocol::Event> event = protocol::ParseEvent(*line);
  if (!event) {
    ADD_FAILURE() << *line << ": " << event.error().detail;
    return std::nullopt;
  }
  EXPECT_EQ(event->seq, static_cast<std::int64_t>(seen_.size()) + 1) << *line;
  seen_.push_back(*event);
  return *event;
}

std::optional<protocol::Event> ProbeRun::Until(
    const std::function<bool(const protocol::Event&)>& wanted, milliseconds within) {
  const auto deadline = std::chrono::steady_clock::now() + within;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    std::optional<protocol::Event> event = Next(std::max(left, milliseconds(0)));
    if (!event || wanted(*event)) return event;
  }
}

protocol::ProbePodArguments Pod(std::vector<protocol::ProbeArguments> probes,
                                milliseconds max_life) {
  protocol::ProbePodArguments arguments;
  arguments.run = "0123456789";
  arguments.max_life = max_life;
  arguments.probes = std::move(probes);
  return arguments;
}

protocol::ProbeArguments HttpProbe(const std::string& url) {
  protocol::ProbeArguments probe;
  probe.name = "http";
  probe.url = url;
  return probe;
}

protocol::ProbeArguments SseProbe(const std::string& url) {
  protocol::ProbeArguments probe;
  probe.name = "sse";
  probe.kind = ProbeKind::kSse;
  probe.url = url;
  probe.match_pointer = "/type";
  probe.match_equals = "queen";
  probe.json_pointer = "/hives_online";
  probe.at_least = 1;
  probe.max_silence = milliseconds(6000);
  return probe;
}

protocol::ProbeArguments InferenceProbe(const std::string& url) {
  protocol::ProbeArguments probe;
  probe.name = "inference";
  probe.kind = ProbeKind::kInference;
  probe.url = url;
  probe.protocol = "rbee";
  probe.model = "tinyllama-q4";
  probe.prompt = "2+2=";
  probe.max_tokens = 4;
  probe.expect_matches = "^4";
  return probe;
}

}  // namespace chaos::test
