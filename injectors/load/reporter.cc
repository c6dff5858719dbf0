// No buffer between an event and its descriptor: a pod that is killed has said what it knew.
#include "injectors/load/reporter.h"

#include <unistd.h>

#include <cerrno>

namespace chaos::load {
namespace {
constexpr std::size_t kMaxMessage = 300;
}

void Reporter::Say(std::string_view name, std::string message,
                   std::map<std::string, std::string> measured, std::string_view reason) {
  protocol::Event event;
  event.at = clock_.Now();
  event.event = name;
  event.message = std::move(message);
  event.measured = std::move(measured);
  event.reason = reason;
  Write(std::move(event));
}

void Reporter::Sample(const std::string& probe, const Schedule::Slot& slot, const Verdict& verdict,
                      nanoseconds took) {
  protocol::Event event;
  event.at = slot.at;
  event.event = "sample";
  event.probe = probe;
  event.ok = verdict.ok;
  event.message = verdict.message;
  event.measured = verdict.measured;
  event.took = std::chrono::duration_cast<milliseconds>(took);
  Write(std::move(event));
}

void Reporter::Interrupted(const std::string& probe, const Schedule::Slot& slot,
                           std::string message, nanoseconds took) {
  protocol::Event event;
  event.at = slot.at;
  event.event = "interrupted";
  event.probe = probe;
  event.message = std::move(message);
  event.took = std::chrono::duration_cast<milliseconds>(took);
  Write(std::move(event));
}

void Reporter::Write(protocol::Event event) {
  event.seq = ++seq_;
  event.message = Excerpt(event.message, kMaxMessage);
  const std::string line = PrintEvent(event) + "\n";
  for (std::size_t done = 0; done < line.size();) {
    const ssize_t n = ::write(out_, line.data() + done, line.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // EPIPE and the like
    done += static_cast<std::size_t>(n);
  }
}

}  // namespace chaos::load
