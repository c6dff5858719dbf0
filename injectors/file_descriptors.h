// fileDescriptors: one process may open only so many more files. Proved by the limit as the kernel
// tells it and, where the process accepts connections, by one that it does not take any more. The
// limit outlives us, so what undoes it is written down first.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "injectors/accepts.h"
#include "injectors/descriptors.h"
#include "injectors/fault.h"
#include "injectors/processes.h"
#include "injectors/protocol/arguments.h"
#include "injectors/undo.h"

namespace chaos::inject {

class FileDescriptors final : public Fault {
 public:
  // Requires: the fault is this one; the others outlive this.
  FileDescriptors(const protocol::InjectArguments& arguments, Processes& processes,
                  Descriptors& descriptors);

  Figures Requested() const override;
  std::vector<std::string_view> Headlines() const override;
  Result<std::string> Preflight(Node& node) override;
  std::unique_ptr<Look> Baseline(Node& node, nanoseconds now) override;
  Figures Journal() const override;
  std::string Undo() const override { return Print(undo_); }
  Result<void> Apply(Node& node, nanoseconds lasts) override;
  std::unique_ptr<Look> Measure(Node& node, nanoseconds now) override;
  Figures Sample(Node& node) const override;
  Result<Figures> Revert(Node& node, nanoseconds now) override;
  std::unique_ptr<Look> Confirm(Node& node, nanoseconds now) override;

 private:
  Reading Choose(nanoseconds now);
  Reading ReadBefore(const Accepts::Outcome& accepts);
  Reading ReadDuring(const std::optional<Accepts::Outcome>& accepts);

  const protocol::FileDescriptors fault_;
  const milliseconds duration_;
  Processes& processes_;
  Descriptors& descriptors_;
  ProcessEntry victim_;              // from Preflight on
  FileLimitUndo undo_;               // from Baseline on
  Reading before_;                   // from Baseline on
  std::optional<Accepting> server_;  // took a connect before
  int free_ = 0;                     // numbers below the new limit that were not open
};

}  // namespace chaos::inject
