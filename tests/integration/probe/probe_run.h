// A probe pod's process as a test sees it: arguments in, events out.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "injectors/protocol/arguments.h"
#include "injectors/protocol/events.h"
#include "tests/integration/probe/child.h"

namespace chaos::test {

class ProbeRun {
 public:
  explicit ProbeRun(const protocol::ProbePodArguments& arguments);
  explicit ProbeRun(const std::string& json);

  Child& child() { return child_; }
  // The next event; a test failure when a line is not one or its number is not the next.
  std::optional<protocol::Event> Next(milliseconds within);
  // The first event from now on for which `wanted` is true; nullopt when none came in time.
  std::optional<protocol::Event> Until(const std::function<bool(const protocol::Event&)>& wanted,
                                       milliseconds within);
  const std::vector<protocol::Event>& seen() const { return seen_; }

 private:
  Child child_;
  std::vector<protocol::Event> seen_;
};

protocol::ProbePodArguments Pod(std::vector<protocol::ProbeArguments> probes,
                                milliseconds max_life = milliseconds(60000));
protocol::ProbeArguments HttpProbe(const std::string& url);
protocol::ProbeArguments SseProbe(
    const std::string& url);  // hives_online ≥ 1 of events of type queen
protocol::ProbeArguments InferenceProbe(const std::string& url);  // "2+2=" must be answered with 4

}  // namespace chaos::test
