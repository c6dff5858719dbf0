#include "injectors/process_end.h"

#include <algorithm>
#include <utility>

#include "injectors/pick_process.h"
#include "injectors/protocol/events.h"
#include "operator/base/time_text.h"

namespace chaos::inject {
namespace {

constexpr nanoseconds kPoll = milliseconds(10);
// With a process that cannot say no, but may have much memory to give back.
constexpr nanoseconds kPatience = seconds(30);

std::string_view Print(protocol::ProcessAction action) {
  switch (action) {
    case protocol::ProcessAction::kKill:
      return "Kill";
    case protocol::ProcessAction::kExit:
      return "Exit";
    case protocol::ProcessAction::kTerminate:
      return "Terminate";
    case protocol::ProcessAction::kHang:
      return "Hang";
  }
  return "";
}

std::string_view Print(OnTerm on_term) {
  switch (on_term) {
    case OnTerm::kHandled:
      return "handled";
    case OnTerm::kIgnored:
      return "ignored";
    case OnTerm::kDies:
      return "dies";
  }
  return "";
}

// Until the process has ended, or the limit has come.
class UntilEnded final : public Look {
 public:
  UntilEnded(Processes& processes, ProcessId id, nanoseconds now, nanoseconds limit, Reading ended,
             Reading not_ended)
      : processes_(processes),
        id_(id),
        started_(now),
        now_(now),
        limit_(now + limit),
        ended_(std::move(ended)),
        not_ended_(std::move(not_ended)) {}

  std::optional<Reading> Poll(nanoseconds now) override {
    now_ = now;
    if (const std::optional<Ended> end = processes_.End(id_)) {
      if (end->exit_code) ended_.measured["exitCode"] = std::to_string(*end->exit_code);
      ended_.measured["endedAfter"] =
          PrintShort(std::chrono::duration_cast<microseconds>(now - started_));
      return ended_;
    }
    if (now >= limit_) return not_ended_;
    return std::nullopt;
  }
  nanoseconds Deadline() const override { return std::min(now_ + kPoll, limit_); }

 private:
  Processes& processes_;
  const ProcessId id_;
  const nanoseconds started_;
  nanoseconds now_;
  const nanoseconds limit_;
  Reading ended_, not_ended_;
};

}  // namespace

Figures ProcessEnd::Requested() const {
  Figures figures = {{"action", std::string(Print(process_.action))},
                     {"process", Describe(victim_)}};
  if (process_.action == protocol::ProcessAction::kExit)
    figures["exitCode"] = std::to_string(process_.exit_code);
  if (process_.action == protocol::ProcessAction::kTerminate)
    figures["grace"] = PrintDuration(process_.grace);
  return figures;
}

std::vector<std::string_view> ProcessEnd::Headlines() const {
  return {"endedBy", "exitCode", "onTerm", "pid", "step"};
}

Result<std::string> ProcessEnd::Preflight(Node& /*node*/) {
  const Result<ProcessEntry> victim = PickProcess(processes_, process_.match);
  if (!victim) return victim.error();
  victim_ = *victim;
  const bool by_signal = victim_.id.pid != 1 && process_.action != protocol::ProcessAction::kExit;
  if (by_signal && processes_.TrySignal(victim_.id)) return std::string("a signal");
  if (const Result<void> may = processes_.TryTrace(victim_.id); !may) return may.error();
  return std::string(process_.action == protocol::ProcessAction::kExit
                         ? "ptrace, a system call of its own"
                         : "ptrace, a signal on the way on");
}

std::unique_ptr<Look> ProcessEnd::Baseline(Node& /*node*/, nanoseconds now) {
  Reading reading;
  takes_term_ = Print(processes_.HowItTakesTerm(victim_.id));
  reading.measured = {{"pid", std::to_string(victim_.id.pid)}, {"onTerm", takes_term_}};
  if (processes_.End(victim_.id)) {
    reading.reason = protocol::kTargetGone;
    reading.message = "process " + Describe(victim_) + " has ended by itself";
  }
  return std::make_unique<Seen>(std::move(reading), now);
}

Figures ProcessEnd::Journal() const {
  return {{"ends", "process " + Describe(victim_)}, {"undo", "nothing can"}};
}

std::string ProcessEnd::Means() const {
  if (process_.action == protocol::ProcessAction::kExit)
    return "exit_group(" + std::to_string(process_.exit_code) + ")";
  return Asks() ? "SIGTERM" : "SIGKILL";
}

Figures ProcessEnd::AboutTo() const {
  return {{"pid", std::to_string(victim_.id.pid)}, {"onTerm", takes_term_}, {"step", Means()}};
}

Result<void> ProcessEnd::Apply(Node& /*node*/, nanoseconds /*lasts*/) {
  if (processes_.End(victim_.id)) {
    if (asked_) return {};  // it did as it was asked, in the last moment
    return Error{Reason::kNotFound, "process " + Describe(victim_) + " has ended by itself"};
  }
  means_ = Means();
  if (process_.action == protocol::ProcessAction::kExit)
    return processes_.Exit(victim_.id, process_.exit_code);
  if (!Asks()) return processes_.Kill(victim_.id);
  asked_ = true;
  return processes_.Terminate(victim_.id);
}

std::unique_ptr<Look> ProcessEnd::Measure(Node& /*node*/, nanoseconds now) {
  const bool waits = means_ == "SIGTERM";
  Reading ended;
  ended.measured = {{"endedBy", means_}, {"onTerm", takes_term_}};
  Reading not_ended;
  if (waits) {
    not_ended.again = true;
  } else {
    not_ended.reason = protocol::kNoEffect;
    not_ended.message = "process " + Describe(victim_) + " goes on after " + means_;
  }
  const nanoseconds limit = waits ? nanoseconds(process_.grace) : kPatience;
  return std::make_unique<UntilEnded>(processes_, victim_.id, now, limit, std::move(ended),
                                      std::move(not_ended));
}

Figures ProcessEnd::Sample(Node& /*node*/) const {
  return {{"process", processes_.End(victim_.id) ? "ended" : "runs"}};
}

Result<Figures> ProcessEnd::Revert(Node& node, nanoseconds /*now*/) { return Sample(node); }

std::unique_ptr<Look> ProcessEnd::Confirm(Node& /*node*/, nanoseconds now) {
  return std::make_unique<Seen>(Reading{}, now);
}

}  // namespace chaos::inject
