// Writes each line with one call, so that lines of a dying process are whole or absent.
#include "tests/rbee-sim/log.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

namespace rbee_sim {

std::string TimeStamp() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  const std::time_t whole = ms / 1000;
  std::tm utc{};
  gmtime_r(&whole, &utc);
  std::array<char, 40> text{};
  const std::size_t n = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text.data() + n, text.size() - n, ".%03dZ", static_cast<int>(ms % 1000));
  return text.data();
}

void Log(std::string_view event,
         std::initializer_list<std::pair<std::string_view, std::string>> fields) {
  nlohmann::ordered_json line = {{"at", TimeStamp()}, {"event", event}};
  for (const auto& [key, value] : fields) line[std::string(key)] = value;
  const std::string text =
      line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  // Nobody reading our log is no reason to stop serving.
  if (::write(STDOUT_FILENO, text.data(), text.size()) < 0) return;
}

}  // namespace rbee_sim
