// Where a container's words go: lines on stdout, and the record in the termination message file.
#pragma once

#include <string>

#include "injectors/protocol/events.h"

namespace chaos::inject {

inline constexpr const char* kTerminationLog = "/dev/termination-log";  // the kubelet's default

class Console {
 public:
  // The default file is used only where the kubelet made it; another one is created.
  explicit Console(const std::string& termination_log);
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;
  ~Console();

  // Gives up on a line rather than hang when nobody reads: the gap in `seq` shows it.
  void Line(const protocol::Event& event);
  void Record(const std::string& text);

 private:
  int record_;
};

}  // namespace chaos::inject
