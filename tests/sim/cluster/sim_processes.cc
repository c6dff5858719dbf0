#include "tests/sim/cluster/sim_processes.h"

namespace chaos::sim {
namespace {

constexpr std::uint16_t kServes = 8080, kRegisters = 7835;
constexpr milliseconds kShakes{3};  // until a connection is open
constexpr seconds kEvery{2};
constexpr milliseconds kStreams{1200}, kToken{20};
constexpr std::uint64_t kTokenBytes = 40;

Error Missing(const char* what) { return {Reason::kDenied, what, {}, 0}; }
Error Gone() { return {Reason::kNotFound, "the process has ended by itself", {}, 0}; }

}  // namespace

Result<std::vector<inject::ProcessEntry>> SimProcesses::List() {
  return context_.processes.List(context_.space);
}

inject::OnTerm SimProcesses::HowItTakesTerm(const inject::ProcessId& id) {
  return context_.processes.HowItTakesTerm(id);
}

std::optional<inject::Activity> SimProcesses::Look(const inject::ProcessId& id) {
  return context_.processes.Look(context_.space, id, hand_.process);
}

inject::Activity SimProcesses::LookAtOurselves() {
  return {.threads = 1, .held = 0, .stopped = 0, .cpu = milliseconds(0), .switches = ++switches_};
}

std::optional<inject::Ended> SimProcesses::End(const inject::ProcessId& id) {
  if (Look(id)) return std::nullopt;
  return inject::Ended{code_};
}

Result<void> SimProcesses::TryTrace(const inject::ProcessId&) {
  if (context_.processes.mood() == KernelMood::kNotPermitted)
    return Missing("ptrace: Operation not permitted");
  return {};
}

Result<void> SimProcesses::TrySignal(const inject::ProcessId&) {
  if (context_.processes.mood() == KernelMood::kNotPermitted)
    return Missing("kill: Operation not permitted");
  return {};
}

Result<void> SimProcesses::Strike(const inject::ProcessId& id, ProcessTable::Blow blow, int code) {
  if (!Look(id)) return Gone();
  context_.processes.Strike(hand_, context_.space, id, blow, code);
  // Its own end is all that comes of it.
  const bool alone = context_.processes.mood() == KernelMood::kPartial && id.pid == 1;
  if (alone) context_.exit(137);
  return {};
}

Result<void> SimProcesses::Kill(const inject::ProcessId& id) {
  return Strike(id, ProcessTable::Blow::kKill, 0);
}

Result<void> SimProcesses::Terminate(const inject::ProcessId& id) {
  return Strike(id, ProcessTable::Blow::kTerm, 0);
}

Result<void> SimProcesses::Exit(const inject::ProcessId& id, int code) {
  Result<void> done = Strike(id, ProcessTable::Blow::kExit, code);
  if (done) code_ = code;
  return done;
}

Result<void> SimProcesses::Hold(const inject::ProcessId& id) {
  if (!Look(id)) return Gone();
  context_.processes.Hold(hand_, context_.space, id);
  return {};
}

void SimProcesses::Release() { context_.processes.Release(hand_.process); }

// The kernel's timer: it does not ask whether we still run.
Result<void> SimProcesses::EndUsAfter(nanoseconds time) {
  const std::uint64_t set = ++*timer_;
  if (time == nanoseconds(0)) {
    context_.processes.Settle(hand_.process);
    return {};
  }
  context_.timeline.After(time, [exit = context_.exit, set, timer = std::weak_ptr(timer_)] {
    if (const auto now = timer.lock(); now && *now == set) exit(137);
  });
  return {};
}

Result<std::vector<inject::Connection>> SimSockets::Connections() {
  std::vector<inject::Connection> all;
  const Result<inject::Address> own = inject::ParseAddress(context_.network.IpOf(context_.pod_uid));
  const std::optional<nanoseconds> began = context_.processes.BeganAt(context_.space);
  if (!own || !began) return all;
  const nanoseconds registered = *began + rbee_.traits().registers_after;
  const nanoseconds age = context_.timeline.Now() - registered;
  if (age < nanoseconds(0)) return all;
  using State = inject::Connection::State;
  if (const Result<inject::Address> hive = inject::ParseAddress(rbee_.hive_ip()))
    all.push_back({1,
                   age < kShakes ? State::kOpening : State::kOpen,
                   {*own, 40001},
                   {*hive, kRegisters},
                   200,
                   200});
  const nanoseconds into = age % nanoseconds(kEvery);
  if (!rbee_.traits().streams || into >= kStreams) return all;
  const auto number = static_cast<std::uint64_t>(age / kEvery);
  all.push_back({2 + number,
                 State::kOpen,
                 {*own, kServes},
                 {*own, static_cast<std::uint16_t>(41000 + number % 1000)},
                 static_cast<std::uint64_t>(into / kToken) * kTokenBytes,
                 300});
  return all;
}

}  // namespace chaos::sim
