// Writes the event lines of a probe pod: numbered without gaps, each one whole and at once.
#pragma once

#include <map>
#include <string>

#include "injectors/load/schedule.h"
#include "injectors/load/verdict.h"
#include "injectors/protocol/events.h"
#include "operator/base/clock.h"

namespace chaos::load {

class Reporter {
 public:
  // Writes to the descriptor `out`. Whoever reads may go away: then lines are dropped and sampling
  // goes on.
  Reporter(const Clock& clock, int out) : clock_(clock), out_(out) {}

  // started, alive, ended, failed; `at` is now.
  void Say(std::string_view event, std::string message = "",
           std::map<std::string, std::string> measured = {}, std::string_view reason = "");
  void Sample(const std::string& probe, const Schedule::Slot& slot, const Verdict& verdict,
              nanoseconds took);
  // A sample that says nothing about the target: we were stopped, or held up ourselves.
  void Interrupted(const std::string& probe, const Schedule::Slot& slot, std::string message,
                   nanoseconds took);

 private:
  void Write(protocol::Event event);

  const Clock& clock_;
  int out_;
  std::int64_t seq_ = 0;
};

}  // namespace chaos::load
