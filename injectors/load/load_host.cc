#include "injectors/load/load_host.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "injectors/load/load_plan.h"

namespace chaos::load {
namespace {

std::string ReadSome(const char* path) {
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return "";
  char text[4096];
  const ssize_t n = ::read(fd, text, sizeof text);
  ::close(fd);
  return {text, static_cast<std::size_t>(std::max<ssize_t>(n, 0))};
}

}  // namespace

Result<void> RaiseDescriptorLimit(int vus) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  const auto wanted = static_cast<rlim_t>(vus) + static_cast<rlim_t>(vus) / 10 + 64;
  if (limit.rlim_cur >= wanted) return {};
  return Invalid(std::to_string(vus) + " VUs need " + std::to_string(wanted) +
                 " file descriptors, but the limit here is " + std::to_string(limit.rlim_cur) +
                 ": use more pods, or raise the node's nofile limit");
}

std::string ReadStopFile(const std::string& path) {
  std::string text = ReadSome(path.c_str());
  const auto blank = " \t\r\n";
  text.erase(text.find_last_not_of(blank) + 1);
  text.erase(0, text.find_first_not_of(blank));
  return text;
}

milliseconds ReadThrottled() {
  for (const char* path : {"/sys/fs/cgroup/cpu.stat", "/sys/fs/cgroup/cpu/cpu.stat",
                           "/sys/fs/cgroup/cpu,cpuacct/cpu.stat"}) {
    if (const std::string text = ReadSome(path); !text.empty()) return Throttled(text);
  }
  return milliseconds(0);
}

void SetDeadMan(milliseconds life) {
  // A handler, because the kernel keeps the default action of a signal from the first process of a
  // container.
  std::signal(SIGALRM, [](int) { _exit(4); });
  const auto left = std::chrono::ceil<seconds>(life).count();
  alarm(static_cast<unsigned>(std::clamp<std::int64_t>(left, 1, 7L * 24 * 3600)));
}

}  // namespace chaos::load
