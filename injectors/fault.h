// What every fault can do. One fault, one file; the supervisor knows nothing else about it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "injectors/node.h"
#include "operator/base/clock.h"
#include "operator/base/result.h"

namespace chaos::inject {

using Figures = std::map<std::string, std::string>;

// What was found, and whether it is what should be found at this moment.
struct Reading {
  Figures measured;
  std::string_view reason;  // empty: as it should be; else one of the reasons in protocol/events.h
  std::string message;      // a sentence, with a reason
  bool again = false;       // of Measure: that was one step, Apply takes the next one
};

// One look at the world that takes its time without blocking anybody.
class Look {
 public:
  virtual ~Look() = default;
  // The reading once it is complete; then don't poll again. `now` is Clock::SinceBoot.
  virtual std::optional<Reading> Poll(nanoseconds now) = 0;
  // By then Poll has to be called again at the latest.
  virtual nanoseconds Deadline() const = 0;
};

// A look that is complete at once.
class Seen final : public Look {
 public:
  Seen(Reading reading, nanoseconds now) : reading_(std::move(reading)), now_(now) {}
  std::optional<Reading> Poll(nanoseconds /*now*/) override { return reading_; }
  nanoseconds Deadline() const override { return now_; }

 private:
  Reading reading_;
  nanoseconds now_;
};

// Requires: calls in the order Preflight, Baseline until read, Apply, Measure, Revert, Confirm;
// Tick between Apply and Revert. One that happens at once is not reverted.
class Fault {
 public:
  virtual ~Fault() = default;
  // Nothing of it lasts.
  virtual bool AtOnce() const { return false; }
  // Requires: Preflight succeeded. What was asked for, in the words that the measured figures use.
  virtual Figures Requested() const = 0;
  // Which of the measured figures are worth a place in the 300-byte record.
  virtual std::vector<std::string_view> Headlines() const = 0;
  // Tries the mechanism without lasting effect and names it; the error names what this node lacks.
  virtual Result<std::string> Preflight(Node& node) = 0;
  // The "before" that Measure compares with. Changes nothing. SteadyStateNotMet: nothing could be
  // proved.
  virtual std::unique_ptr<Look> Baseline(Node& node, nanoseconds now) = 0;
  // What somebody else would need to know to undo Apply; printed before Apply is called.
  virtual Figures Journal() const = 0;
  // What a fresh injector needs to know to undo it, in one word without blanks; it is kept in the
  // record from before Apply until it is reverted. Empty: nothing outlives this process.
  virtual std::string Undo() const { return {}; }
  // What is going to be done by the next Apply, when that may end this very process; else empty.
  virtual Figures AboutTo() const { return {}; }
  // All or nothing; ends by itself after `lasts`. kNotFound: the target is gone.
  virtual Result<void> Apply(Node& node, nanoseconds lasts) = 0;
  // What has to be done again and again while the fault is on; when next, nullopt: never.
  virtual std::optional<nanoseconds> Tick(Node& /*node*/, nanoseconds /*now*/) {
    return std::nullopt;
  }
  // The "during": NoEffect or PartialEffect unless what worked before fails and the control still
  // works.
  virtual std::unique_ptr<Look> Measure(Node& node, nanoseconds now) = 0;
  // What it did since the last call, one line each and not more than a log can hold; for faults
  // that do many things.
  virtual std::vector<std::string> Acts(nanoseconds /*now*/) { return {}; }
  // Cheap figures for a heartbeat.
  virtual Figures Sample(Node& node) const = 0;
  // Idempotent. The figures are those that go away with the fault.
  virtual Result<Figures> Revert(Node& node, nanoseconds now) = 0;
  // The "after": whether it works again.
  virtual std::unique_ptr<Look> Confirm(Node& node, nanoseconds now) = 0;
};

}  // namespace chaos::inject
