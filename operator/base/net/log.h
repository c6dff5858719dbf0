// Structured logging: a message and fields, one JSON object a line. Injected; nobody logs through a
// global.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "operator/base/clock.h"

namespace chaos {

enum class LogLevel { kDebug, kInfo, kWarn, kError };
using LogField = std::pair<std::string_view, std::string>;
using LogFields = std::initializer_list<LogField>;

// Thread-safety: all calls from any thread. Secrets never go in.
class Log {
 public:
  virtual ~Log() = default;
  void Debug(std::string_view message, LogFields fields = {}) {
    Write(LogLevel::kDebug, message, fields);
  }
  void Info(std::string_view message, LogFields fields = {}) {
    Write(LogLevel::kInfo, message, fields);
  }
  void Warn(std::string_view message, LogFields fields = {}) {
    Write(LogLevel::kWarn, message, fields);
  }
  void Error(std::string_view message, LogFields fields = {}) {
    Write(LogLevel::kError, message, fields);
  }

  virtual void Write(LogLevel level, std::string_view message, LogFields fields) = 0;
};

// For tests and the simulation.
class NullLog final : public Log {
 public:
  void Write(LogLevel, std::string_view, LogFields) override {}
};

// Lines such as {"time":"2026-11-24T11:25:03.123Z","level":"info","message":"…","run":"…"} on
// standard error. Requires: the clock outlives it.
std::unique_ptr<Log> MakeJsonLog(LogLevel least, const Clock& clock);
// One such line without its end: time, level, message, then the fields in their order.
std::string LogLine(TimePoint at, LogLevel level, std::string_view message, LogFields fields);

}  // namespace chaos
