#include "operator/base/time_text.h"

#include <array>
#include <cctype>
#include <cstdio>

namespace chaos {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

// Takes 1…max digits off the front; -1 when there are none or too many.
long TakeDigits(std::string_view& text, std::size_t max) {
  long value = 0;
  std::size_t n = 0;
  while (n < text.size() && std::isdigit(static_cast<unsigned char>(text[n]))) {
    if (n == max) return -1;
    value = value * 10 + (text[n++] - '0');
  }
  text.remove_prefix(n);
  return n == 0 ? -1 : value;
}

bool Take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

Error NotADuration(std::string_view text) {
  return Invalid("\"" + std::string(text) + "\" is not a duration: write 500ms, 30s or 2m30s");
}

Error NotATime(std::string_view text) {
  return Invalid("\"" + std::string(text) + "\" is not a time: write 2026-01-31T12:00:00Z");
}

}  // namespace

Result<milliseconds> ParseDuration(std::string_view text) {
  const std::string_view whole = text;
  milliseconds total{0};
  for (int groups = 0; groups == 0 || !text.empty(); ++groups) {
    const long value = groups < 4 ? TakeDigits(text, 5) : -1;
    if (value < 0) return NotADuration(whole);
    if (Take(text, "ms"))
      total += milliseconds(value);
    else if (Take(text, "s"))
      total += seconds(value);
    else if (Take(text, "m"))
      total += minutes(value);
    else if (Take(text, "h"))
      total += hours(value);
    else
      return NotADuration(whole);
  }
  return total;
}

std::string PrintDuration(milliseconds duration) {
  if (duration == milliseconds(0)) return "0s";
  std::string text;
  const auto group = [&](auto unit, const char* suffix) {
    const auto count = std::chrono::duration_cast<decltype(unit)>(duration);
    if (count.count() == 0) return;
    text += std::to_string(count.count()) + suffix;
    duration -= count;
  };
  group(hours(), "h");
  group(minutes(), "m");
  group(seconds(), "s");
  group(milliseconds(), "ms");
  return text;
}

std::string PrintShort(microseconds duration) {
  std::array<char, 32> text{};
  if (duration < seconds(1)) {
    std::snprintf(text.data(), text.size(), "%lldms",
                  static_cast<long long>(std::chrono::round<milliseconds>(duration).count()));
  } else {
    std::snprintf(text.data(), text.size(), "%.1fs", static_cast<double>(duration.count()) / 1e6);
  }
  return text.data();
}

std::string PrintTime(TimePoint time, int digits) {
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  std::string result = text.data();
  if (digits > 0) {
    std::snprintf(text.data(), text.size(), ".%06ld",
                  static_cast<long>(clock.subseconds().count()));
    result += std::string_view(text.data()).substr(0, static_cast<std::size_t>(digits) + 1);
  }
  return result + "Z";
}

Result<TimePoint> ParseTime(std::string_view text) {
  const std::string_view whole = text;
  std::array<long, 6> part{};
  static constexpr std::array<std::string_view, 6> kAfter = {"-", "-", "T", ":", ":", ""};
  for (std::size_t i = 0; i < part.size(); ++i) {
    part[i] = TakeDigits(text, i == 0 ? 4 : 2);
    if (part[i] < 0 || !Take(text, kAfter[i])) return NotATime(whole);
  }
  microseconds fraction{0};
  if (Take(text, ".")) {
    const std::size_t before = text.size();
    const long value = TakeDigits(text, 9);
    if (value < 0) return NotATime(whole);
    long nanos = value;
    for (std::size_t n = before - text.size(); n < 9; ++n) nanos *= 10;
    fraction = microseconds(nanos / 1000);
  }
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(part[0])),
                                         std::chrono::month(static_cast<unsigned>(part[1])),
                                         std::chrono::day(static_cast<unsigned>(part[2]))};
  if (text != "Z" || !date.ok() || part[3] > 23 || part[4] > 59 || part[5] > 60)
    return NotATime(whole);
  return TimePoint(std::chrono::sys_days(date)) + hours(part[3]) + minutes(part[4]) +
         seconds(part[5]) + fraction;
}

}  // namespace chaos
