// What the kernel tells about a process in /proc/PID, read without trust in it. Pure, but for
// ReadFile.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "injectors/descriptors.h"

namespace chaos::inject {

struct ProcStat {
  char state = '?';  // R S D T t Z X I
  std::uint64_t cpu_ticks = 0;
  std::uint64_t start = 0;  // ticks since boot
};
// nullopt: this is no such line. The name in it may hold anything, blanks and brackets too.
std::optional<ProcStat> ParseStat(std::string_view text);

struct ProcStatus {
  std::array<std::uint32_t, 3> uid{}, gid{};  // real, effective, saved
  int tracer = 0;
  std::uint64_t blocked = 0, ignored = 0, caught = 0;  // signals: bit n-1
  std::uint64_t effective = 0, permitted = 0;          // capabilities
  std::uint64_t switches = 0;
};
// What is missing stays 0.
ProcStatus ParseStatus(std::string_view text);

// From /proc/PID/limits; nullopt: it does not say.
std::optional<FileLimit> ParseFileLimit(std::string_view text);

// Empty where it cannot be read, or goes while it is.
std::string ReadFile(const std::string& path);

}  // namespace chaos::inject
