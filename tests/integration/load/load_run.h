// A load pod's process as a test sees it: arguments in, lines out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "injectors/protocol/load.h"
#include "tests/integration/probe/child.h"

namespace chaos::test {

class LoadRun {
 public:
  // `environment`: "NAME=value".
  explicit LoadRun(const protocol::LoadArguments& arguments,
                   const std::vector<std::string>& environment = {});
  explicit LoadRun(std::vector<std::string> command);

  Child& child() { return child_; }
  // The next line; a test failure when it is not one or its number is not the next.
  std::optional<protocol::LoadLine> Next(milliseconds within);
  // Reads up to the line with this event; false when it did not come in time.
  bool Until(std::string_view event, milliseconds within = milliseconds(20'000));

  const std::vector<protocol::LoadLine>& lines() const { return lines_; }
  const protocol::LoadLog& log() const { return log_; }
  protocol::Cell all() const { return SplitByFault(log_.Total(), {}, {}).all; }

 private:
  Child child_;
  std::vector<protocol::LoadLine> lines_;
  protocol::LoadLog log_;
};

// `vus` for `length`, from now on; nothing lingers.
protocol::LoadArguments Load(const std::string& protocol, const std::string& url, int vus,
                             milliseconds length);
std::string LoadBinary();

}  // namespace chaos::test
