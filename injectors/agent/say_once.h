// One line and one record for a program that has only one thing to say.
#pragma once

#include <string>
#include <utility>

#include "injectors/agent/console.h"
#include "injectors/protocol/events.h"
#include "operator/base/clock.h"

namespace chaos::inject {

// `event.event` is what happened and `event.reason` why not, if it did not.
inline void SayOnce(Console& console, protocol::Event event, protocol::Record record) {
  event.seq = 1;
  event.at = SystemClock().Now();
  record.code = event.reason.empty() ? "ok" : event.reason;
  record.figures = event.measured;
  if (record.state == "reverted") record.reverted = event.at;
  console.Line(event);
  console.Record(protocol::PrintRecord(record));
}

inline void SayOnce(Console& console, const std::string& run, std::string event, std::string state,
                    const std::string& code, const std::string& message) {
  protocol::Event line;
  line.event = std::move(event);
  line.reason = code == "ok" ? "" : code;
  line.message = message;
  protocol::Record record;
  record.state = std::move(state);
  record.run = run;
  SayOnce(console, std::move(line), std::move(record));
}

}  // namespace chaos::inject
