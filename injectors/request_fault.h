// http and stream: requests to the target are held back or answered in its place, and the events of
// its streams come late, spoilt or not at all, by a proxy between it and its clients. Proved by
// requests on which that was done; without one there is no effect.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "injectors/fault.h"
#include "injectors/interposer.h"
#include "injectors/processes.h"
#include "injectors/protocol/arguments.h"
#include "injectors/sockets.h"

namespace chaos::inject {

class RequestFault final : public Fault {
 public:
  // Requires: the fault of the arguments is one of requests; all references outlive this.
  RequestFault(const protocol::InjectArguments& arguments, Interposer& interposer, Sockets& sockets,
               Processes& processes);

  Figures Requested() const override;
  std::vector<std::string_view> Headlines() const override;
  Result<std::string> Preflight(Node& node) override;
  std::unique_ptr<Look> Baseline(Node& node, nanoseconds now) override;
  Figures Journal() const override;
  Result<void> Apply(Node& node, nanoseconds lasts) override;
  std::optional<nanoseconds> Tick(Node& node, nanoseconds now) override;
  std::unique_ptr<Look> Measure(Node& node, nanoseconds now) override;
  std::vector<std::string> Acts(nanoseconds now) override { return tally_.TakeLines(now); }
  Figures Sample(Node& node) const override;
  Result<Figures> Revert(Node& node, nanoseconds now) override;
  std::unique_ptr<Look> Confirm(Node& node, nanoseconds now) override;

 private:
  std::map<std::uint64_t, std::uint64_t> OpenConnections() const;

  const protocol::InjectArguments arguments_;
  const Script script_;
  Interposer& interposer_;
  Sockets& sockets_;
  Processes& processes_;
  Redirect redirect_;
  Tally tally_;
  std::map<std::uint64_t, std::uint64_t> open_before_;  // bytes received, by cookie
};

}  // namespace chaos::inject
