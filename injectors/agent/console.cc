#include "injectors/agent/console.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace chaos::inject {
namespace {

constexpr int kReaderPatienceMs = 50;

}  // namespace

Console::Console(const std::string& termination_log)
    : record_(open(termination_log.c_str(),
                   O_WRONLY | O_CLOEXEC | (termination_log == kTerminationLog ? 0 : O_CREAT),
                   0644)) {}

Console::~Console() {
  if (record_ >= 0) close(record_);
}

// A pipe that polls as writable takes 4096 bytes at once, and a line is shorter.
void Console::Line(const protocol::Event& event) {
  const std::string line = protocol::PrintEvent(event) + "\n";
  pollfd out{STDOUT_FILENO, POLLOUT, 0};
  if (poll(&out, 1, kReaderPatienceMs) != 1) return;
  [[maybe_unused]] const ssize_t written = write(STDOUT_FILENO, line.data(), line.size());
}

// In place, since the kubelet reads this very file; never empty in between.
void Console::Record(const std::string& text) {
  if (record_ < 0) return;
  if (pwrite(record_, text.data(), text.size(), 0) < 0) return;
  [[maybe_unused]] const int cut = ftruncate(record_, static_cast<off_t>(text.size()));
}

}  // namespace chaos::inject
