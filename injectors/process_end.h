// process: Kill, Exit and Terminate. One process ends, and what is seen of it is said; an injector
// that ends process 1 ends with it, so it says beforehand what it is about to do.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "injectors/fault.h"
#include "injectors/processes.h"
#include "injectors/protocol/arguments.h"

namespace chaos::inject {

class ProcessEnd final : public Fault {
 public:
  // Requires: the action is not Hang; `processes` outlives this.
  ProcessEnd(const protocol::Process& process, Processes& processes)
      : process_(process), processes_(processes) {}

  bool AtOnce() const override { return true; }
  Figures Requested() const override;
  std::vector<std::string_view> Headlines() const override;
  Result<std::string> Preflight(Node& node) override;
  std::unique_ptr<Look> Baseline(Node& node, nanoseconds now) override;
  Figures Journal() const override;
  Figures AboutTo() const override;
  Result<void> Apply(Node& node, nanoseconds lasts) override;
  std::unique_ptr<Look> Measure(Node& node, nanoseconds now) override;
  Figures Sample(Node& node) const override;
  Result<Figures> Revert(Node& node, nanoseconds now) override;
  std::unique_ptr<Look> Confirm(Node& node, nanoseconds now) override;

 private:
  // Terminate asks first; everything else, and Terminate later, does not ask.
  bool Asks() const { return process_.action == protocol::ProcessAction::kTerminate && !asked_; }
  std::string Means() const;  // SIGKILL, SIGTERM, exit_group(42)

  const protocol::Process process_;
  Processes& processes_;
  ProcessEntry victim_;  // from Preflight on
  std::string takes_term_;
  bool asked_ = false;  // SIGTERM was sent
  std::string means_;   // of the last Apply
};

}  // namespace chaos::inject
