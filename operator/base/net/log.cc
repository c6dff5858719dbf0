#include "operator/base/net/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "operator/base/json.h"
#include "operator/base/time_text.h"

namespace chaos {
namespace {

std::string_view Name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kError:
      return "error";
  }
  CHECK(false);
}

class JsonLog final : public Log {
 public:
  JsonLog(LogLevel least, const Clock& clock)
      : least_(least),
        clock_(clock),
        logger_("chaos", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    logger_.set_pattern("%v");
    logger_.set_level(spdlog::level::trace);
    logger_.flush_on(spdlog::level::trace);
  }
  void Write(LogLevel level, std::string_view message, LogFields fields) override {
    if (level < least_) return;
    const std::string line = LogLine(clock_.Now(), level, message, fields);
    logger_.log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
  }

 private:
  const LogLevel least_;
  const Clock& clock_;
  spdlog::logger logger_;
};

}  // namespace

std::string LogLine(TimePoint at, LogLevel level, std::string_view message, LogFields fields) {
  std::string line = R"({"time":")" + PrintTime(at) + R"(","level":")" + std::string(Name(level)) +
                     R"(","message":)" + PrintJson(message);
  for (const auto& [key, value] : fields) line += "," + PrintJson(key) + ":" + PrintJson(value);
  return line + "}";
}

std::unique_ptr<Log> MakeJsonLog(LogLevel least, const Clock& clock) {
  return std::make_unique<JsonLog>(least, clock);
}

}  // namespace chaos
