// Jobs of a small rbee, and what their streams say.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "operator/base/json.h"
#include "tests/integration/probe/sim.h"

namespace chaos::test {

// The data lines of an event stream, in order.
inline std::vector<std::string> Events(const std::string& answer) {
  std::vector<std::string> events;
  const std::string body = BodyOf(answer);
  for (std::size_t at = 0; (at = body.find("data: ", at)) != std::string::npos;) {
    const std::size_t end = body.find('\n', at);
    events.push_back(body.substr(at + 6, end - at - 6));
    at = end;
  }
  return events;
}

inline std::string Infer(const std::string& model = "tinyllama-q4", int tokens = 4) {
  return PrintJson({{"operation", "infer"},
                    {"hive_id", "localhost"},
                    {"model", model},
                    {"prompt", "2+2="},
                    {"max_tokens", tokens},
                    {"temperature", 0.0}});
}

// Creates a job and reads its stream to the end.
inline std::vector<std::string> RunJob(int port, const std::string& body,
                                       milliseconds within = milliseconds(5000)) {
  const Result<Json> created = ParseJson(BodyOf(Ask(port, "POST", "/v1/jobs", body)));
  EXPECT_TRUE(created);
  return created ? Events(Ask(port, "GET", Text(*created, {"sse_url"}), "", within))
                 : std::vector<std::string>();
}

inline std::vector<std::string> Actions(const std::vector<std::string>& events) {
  std::vector<std::string> actions;
  for (const std::string& event : events) {
    const Result<Json> json = ParseJson(event);
    actions.push_back(json && json->is_object() ? Text(*json, {"action"}) : event);
  }
  return actions;
}

}  // namespace chaos::test
