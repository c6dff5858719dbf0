// A process that a test started: its lines, its signals, its end. It never outlives the test.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace chaos::test {

using std::chrono::milliseconds;

class Child {
 public:
  // arguments[0] is the program. Its stdout is read by Line, its stderr is the test's.
  explicit Child(const std::vector<std::string>& arguments);
  ~Child();  // SIGKILL, and waits
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  void Signal(int signal) const;
  // The next line of its stdout; nullopt when none came in time, or when it has closed it.
  std::optional<std::string> Line(milliseconds within);
  void CloseOutput();
  // Exit code, or 128 + signal; nullopt when it still runs after that time.
  std::optional<int> Wait(milliseconds within);

 private:
  pid_t pid_ = -1;
  int out_ = -1;
  std::string held_;
  std::optional<int> status_;
};

// A TCP port on which nobody listens, below those that outgoing connections use.
int FreePort();

}  // namespace chaos::test
