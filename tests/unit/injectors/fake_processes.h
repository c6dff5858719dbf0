// Processes in memory: what may be done to them is set, what was done is written down.
#pragma once

#include <csignal>
#include <string>
#include <vector>

#include "injectors/processes.h"

namespace chaos::inject::test {

class FakeProcesses final : public Processes {
 public:
  Result<std::vector<ProcessEntry>> List() override { return processes; }
  OnTerm HowItTakesTerm(const ProcessId&) override { return on_term; }
  std::optional<Activity> Look(const ProcessId&) override {
    if (ended) return std::nullopt;
    if (!held || leaky) activity.switches += 10;
    activity.held = held && !leaky ? activity.threads : 0;
    return activity;
  }
  Activity LookAtOurselves() override {
    ourselves.switches += ours_run ? 1 : 0;
    return ourselves;
  }
  std::optional<Ended> End(const ProcessId&) override { return ended; }
  Result<void> TryTrace(const ProcessId&) override { return May(no_trace); }
  Result<void> TrySignal(const ProcessId&) override { return May(no_signal); }
  Result<void> Kill(const ProcessId&) override {
    return Done("kill", dies_of_kill ? std::optional(Ended{137}) : std::nullopt);
  }
  Result<void> Terminate(const ProcessId&) override {
    return Done("terminate", on_term == OnTerm::kDies ? std::optional(Ended{143}) : std::nullopt);
  }
  Result<void> Exit(const ProcessId&, int code) override {
    return Done("exit " + std::to_string(code), Ended{code});
  }
  Result<void> Hold(const ProcessId&) override {
    if (!no_hold.empty()) return May(no_hold);
    held = true;
    return Done("hold", ended);
  }
  void Release() override {
    held = false;
    done.push_back("release");
  }
  Result<void> EndUsAfter(nanoseconds time) override {
    end_us_after = time;
    return {};
  }

  std::vector<ProcessEntry> processes = {{{1, 100}, "/usr/bin/llm-worker --port 8080"}};
  OnTerm on_term = OnTerm::kIgnored;
  Activity activity{.threads = 4};
  Activity ourselves{.threads = 1};
  bool ours_run = true;
  std::string no_trace, no_signal, no_hold;
  bool dies_of_kill = true, leaky = false;
  bool held = false;
  std::optional<Ended> ended;
  nanoseconds end_us_after{-1};
  std::vector<std::string> done;

 private:
  static Result<void> May(const std::string& missing) {
    if (missing.empty()) return {};
    return Error{Reason::kDenied, missing, {}, 0};
  }
  Result<void> Done(std::string what, std::optional<Ended> then) {
    done.push_back(std::move(what));
    ended = then;
    return {};
  }
};

}  // namespace chaos::inject::test
