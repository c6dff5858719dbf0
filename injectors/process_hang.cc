#include "injectors/process_hang.h"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <utility>

#include "injectors/pick_process.h"
#include "injectors/protocol/events.h"
#include "operator/base/time_text.h"

namespace chaos::inject {
namespace {

constexpr nanoseconds kWatchFor = milliseconds(300);
constexpr nanoseconds kCycleFor = 5 * DutyCycle::kPeriod;
constexpr nanoseconds kTick = milliseconds(500);  // while it is held without a break
constexpr nanoseconds kMargin = seconds(1);       // for us, before the kernel ends us
constexpr int kToleranceInPoints = 25;            // of the share, which a busy machine shifts

std::string Percent(int percent) { return std::to_string(percent) + "%"; }

std::string Share(int part, int whole) {
  return std::to_string(part) + "/" + std::to_string(whole);
}

}  // namespace

// What the process, and we as a control, do between two moments.
class ProcessHang::Watch final : public Look {
 public:
  using Read = std::function<Reading(const Progress& process, const Progress& control)>;
  Watch(Processes& processes, ProcessId id, nanoseconds now, nanoseconds length, Read read)
      : processes_(processes), id_(id), deadline_(now + length), read_(std::move(read)) {
    process_.from = processes_.Look(id_).value_or(Activity{});
    control_.from = processes_.LookAtOurselves();
  }
  std::optional<Reading> Poll(nanoseconds now) override {
    if (now < deadline_) return std::nullopt;
    process_.to = processes_.Look(id_).value_or(Activity{});
    control_.to = processes_.LookAtOurselves();
    return read_(process_, control_);
  }
  nanoseconds Deadline() const override { return deadline_; }

 private:
  Processes& processes_;
  const ProcessId id_;
  const nanoseconds deadline_;
  const Read read_;
  Progress process_, control_;
};

ProcessHang::ProcessHang(const protocol::InjectArguments& arguments, Processes& processes)
    : process_(std::get<protocol::Process>(arguments.fault)),
      duration_(arguments.duration),
      processes_(processes) {}

Figures ProcessHang::Requested() const {
  return {{"action", "Hang"},
          {"process", Describe(victim_)},
          {"dutyCycle", Percent(process_.duty_cycle)},
          {"duration", PrintShort(duration_)}};
}

std::vector<std::string_view> ProcessHang::Headlines() const {
  return {"held", "dutyCycle", "control", "heldFor", "runsAgain"};
}

Result<std::string> ProcessHang::Preflight(Node& /*node*/) {
  const Result<ProcessEntry> victim = PickProcess(processes_, process_.match);
  if (!victim) return victim.error();
  victim_ = *victim;
  if (const Result<void> may = processes_.TryTrace(victim_.id); !may) return may.error();
  return std::string("ptrace, every thread stopped");
}

std::unique_ptr<Look> ProcessHang::Baseline(Node& /*node*/, nanoseconds now) {
  return std::make_unique<Watch>(
      processes_, victim_.id, now, kWatchFor,
      [this](const Progress& progress, const Progress&) { return ReadBefore(progress); });
}

Reading ProcessHang::ReadBefore(const Progress& progress) {
  before_ = progress;
  Reading reading;
  const Activity& at = progress.to;
  reading.measured = {{"pid", std::to_string(victim_.id.pid)},
                      {"threads", std::to_string(at.threads)},
                      {"cpuBefore", PrintDuration(progress.cpu())},
                      {"switchesBefore", std::to_string(progress.switches())}};
  if (processes_.End(victim_.id)) {
    reading.reason = protocol::kTargetGone;
    reading.message = "process " + Describe(victim_) + " has ended by itself";
  } else if (at.stopped > 0) {
    reading.reason = protocol::kSteadyStateNotMet;
    reading.message = Share(at.stopped, at.threads) + " threads of process " + Describe(victim_) +
                      " stand still already, so it could not be proved that the fault stops them";
  }
  return reading;
}

Figures ProcessHang::Journal() const {
  return {{"holds", "process " + Describe(victim_)}, {"undo", "goes with this process"}};
}

// The cycle starts with the first Tick, which follows at once.
Result<void> ProcessHang::Apply(Node& /*node*/, nanoseconds lasts) {
  if (processes_.End(victim_.id)) {
    return Error{Reason::kNotFound, "process " + Describe(victim_) + " has ended by itself"};
  }
  if (const Result<void> armed = processes_.EndUsAfter(lasts + kMargin); !armed)
    return armed.error();
  if (const Result<void> held = processes_.Hold(victim_.id); !held) return held.error();
  holding_ = true;
  Inspect();
  return {};
}

// Every hold is looked at while it lasts.
void ProcessHang::Inspect() {
  const std::optional<Activity> activity = processes_.Look(victim_.id);
  if (!activity) {
    gone_ = true;
    return;
  }
  threads_ = activity->threads;
  held_ = activity->held;
  ++holds_;
  if (held_ == threads_) ++full_;
}

std::optional<nanoseconds> ProcessHang::Tick(Node& /*node*/, nanoseconds now) {
  if (!started_) {
    cycle_ = DutyCycle(process_.duty_cycle, now);
    started_ = true;
  }
  cycle_.Count(now, holding_);
  if (!gone_ && processes_.End(victim_.id)) {
    gone_ = true;
    processes_.Release();
    holding_ = false;
  }
  if (gone_) return std::nullopt;
  const bool hold = cycle_.HeldAt(now);
  if (hold && !holding_) {
    if (const Result<void> held = processes_.Hold(victim_.id); held) {
      holding_ = true;
      Inspect();
    } else {
      trouble_ = held.error().detail;
    }
  } else if (!hold && holding_) {
    processes_.Release();
    holding_ = false;
  }
  return std::min(cycle_.NextChange(now), now + kTick);
}

std::unique_ptr<Look> ProcessHang::Measure(Node& /*node*/, nanoseconds now) {
  return std::make_unique<Watch>(processes_, victim_.id, now, Whole() ? kWatchFor : kCycleFor,
                                 [this](const Progress& progress, const Progress& control) {
                                   return ReadDuring(progress, control);
                                 });
}

Reading ProcessHang::ReadDuring(const Progress& progress, const Progress& control) const {
  Reading reading;
  reading.measured = {{"held", Share(held_, threads_)},
                      {"dutyCycle", Percent(cycle_.PercentHeld())},
                      {"cpuDuring", PrintDuration(progress.cpu())},
                      {"cpuBefore", PrintDuration(before_.cpu())},
                      {"switchesDuring", std::to_string(progress.switches())},
                      {"switchesBefore", std::to_string(before_.switches())},
                      {"control", control.switches() > 0 ? "ok" : "failed"}};
  const bool works = Whole() && (progress.cpu() > milliseconds(0) || progress.switches() > 0);
  if (gone_) {
    reading.reason = protocol::kNoEffect;
    reading.message = "process " + Describe(victim_) + " ended while it was held";
  } else if (full_ == 0 || works) {
    reading.reason = protocol::kNoEffect;
    reading.message = "process " + Describe(victim_) + " goes on: " + Share(held_, threads_) +
                      " threads stand still, and it has used " + PrintDuration(progress.cpu()) +
                      " of CPU time" + (trouble_.empty() ? "" : "; " + trouble_);
  } else if (full_ < holds_ ||
             std::abs(cycle_.PercentHeld() - process_.duty_cycle) > kToleranceInPoints) {
    reading.reason = protocol::kPartialEffect;
    reading.message = "held for " + Percent(cycle_.PercentHeld()) +
                      " of the time, and all threads " + "stood still in " + Share(full_, holds_) +
                      " holds" + (trouble_.empty() ? "" : "; " + trouble_);
  } else if (control.switches() == 0) {
    reading.reason = protocol::kSteadyStateNotMet;
    reading.message = "the injector itself stood still, so more than the process seems to hang";
  }
  return reading;
}

Figures ProcessHang::Sample(Node& /*node*/) const {
  return {{"held", Share(held_, threads_)}, {"dutyCycle", Percent(cycle_.PercentHeld())}};
}

Result<Figures> ProcessHang::Revert(Node& node, nanoseconds now) {
  cycle_.Count(now, holding_);
  Figures figures = Sample(node);
  processes_.Release();
  holding_ = false;
  if (const Result<void> off = processes_.EndUsAfter(nanoseconds(0)); !off) return off.error();
  figures["heldFor"] = PrintShort(std::chrono::duration_cast<microseconds>(cycle_.held()));
  if (gone_) figures["process"] = "ended";
  return figures;
}

std::unique_ptr<Look> ProcessHang::Confirm(Node& /*node*/, nanoseconds now) {
  return std::make_unique<Watch>(
      processes_, victim_.id, now, kWatchFor,
      [this](const Progress& progress, const Progress&) { return ReadAfter(progress); });
}

// One that idled before need not do more than not to stand still.
Reading ProcessHang::ReadAfter(const Progress& progress) const {
  const bool idled = before_.switches() == 0 && before_.cpu() == milliseconds(0);
  const bool works = progress.switches() > 0 || progress.cpu() > milliseconds(0);
  const bool free = progress.to.threads > 0 && progress.to.held == 0 && progress.to.stopped == 0;
  return {{{"runsAgain", free && (idled || works) ? "yes" : "no"}}, "", ""};
}

}  // namespace chaos::inject
