// process: Hang. Every thread of one process stands still, all of the time or a part of it. Proved
// by the state of its threads and by work that it does not do, beside a control that goes on.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "injectors/duty_cycle.h"
#include "injectors/fault.h"
#include "injectors/processes.h"
#include "injectors/protocol/arguments.h"

namespace chaos::inject {

class ProcessHang final : public Fault {
 public:
  // Requires: the action is Hang; `processes` outlives this.
  ProcessHang(const protocol::InjectArguments& arguments, Processes& processes);

  Figures Requested() const override;
  std::vector<std::string_view> Headlines() const override;
  Result<std::string> Preflight(Node& node) override;
  std::unique_ptr<Look> Baseline(Node& node, nanoseconds now) override;
  Figures Journal() const override;
  Result<void> Apply(Node& node, nanoseconds lasts) override;
  std::optional<nanoseconds> Tick(Node& node, nanoseconds now) override;
  std::unique_ptr<Look> Measure(Node& node, nanoseconds now) override;
  Figures Sample(Node& node) const override;
  Result<Figures> Revert(Node& node, nanoseconds now) override;
  std::unique_ptr<Look> Confirm(Node& node, nanoseconds now) override;

 private:
  // What was found between two looks.
  struct Progress {
    Activity from, to;
    milliseconds cpu() const { return to.cpu - from.cpu; }
    std::uint64_t switches() const { return to.switches - from.switches; }
  };
  class Watch;

  bool Whole() const { return process_.duty_cycle == 100; }
  void Inspect();
  Reading ReadBefore(const Progress& progress);
  Reading ReadDuring(const Progress& progress, const Progress& control) const;
  Reading ReadAfter(const Progress& progress) const;

  const protocol::Process process_;
  const milliseconds duration_;
  Processes& processes_;
  ProcessEntry victim_;  // from Preflight on
  Progress before_;      // from Baseline on
  bool started_ = false;
  DutyCycle cycle_;  // once started
  bool holding_ = false;
  bool gone_ = false;           // it ended while it was held
  std::string trouble_;         // a hold that failed
  int holds_ = 0, full_ = 0;    // holds looked at, and those in which every thread stood still
  int threads_ = 0, held_ = 0;  // at the last hold
};

}  // namespace chaos::inject
