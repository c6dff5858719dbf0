// What a load has measured, as counts that add up: over seconds, over pods, in any order. Pure.
//
// Every finished request is entered twice, in the second of its (intended) start and in the second
// of its end, both since T0. So for a fault that was on from T1 to T2, known only afterwards, the
// three phases are exact:
//   Before  what ended before T1        sum of by_end   over seconds that are over at T1
//   After   what started at or after T2 sum of by_start over seconds that begin at or after T2
//   During  all the rest: what the fault may have touched, also the requests that were alive at a
//   switch
// A second that the fault touched belongs to During. (Phases by start alone would blame the
// baseline for requests that the fault killed.)
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "injectors/protocol/thresholds.h"
#include "operator/base/json.h"
#include "operator/base/result.h"

namespace chaos::protocol {

// What became of a request. Judged by content: a status of 200 and a last word [DONE] prove
// nothing.
enum class Ending : std::uint8_t {
  kOk,
  kEndedShort,    // an orderly end with fewer tokens than wanted: an error only with expectTokens
  kHttpError,     // status outside of 200 to 299
  kConnectError,  // refused, unreachable, no such name
  kConnectTimeout,
  kFirstTokenTimeout,
  kIdleTimeout,  // the stream fell silent
  kTotalTimeout,
  kErrorEvent,    // an error said inside of a 200
  kFalseDone,     // [DONE] although neither success nor failure was said: the idle cut of the queen
  kTruncated,     // the stream ended or was reset without its end
  kWrongContent,  // HTML or another type where an event stream or JSON was due
  kTokenGap,      // a token index was left out
  kTokenRepeated,   // a token index came twice
  kProtocolError,   // not HTTP, not SSE, or not JSON where it must be
  kGeneratorFault,  // ours: no descriptor, no local port. Never the target's error
  kInterrupted,     // ended by the schedule: censored, neither success nor error
};
inline constexpr std::size_t kEndings = 17;
std::string_view Name(Ending ending);  // "ok", "endedShort" … as in status and reports
// Does it count in the rate `errors`? kEndedShort only if tokens were expected. kInterrupted and
// kGeneratorFault are in neither its numerator nor its denominator.
bool IsError(Ending ending, bool expect_tokens);

// Log-linear buckets over microseconds: exact to 255, then 128 per octave (error of a value read
// back ≤ 1/128).
struct Buckets {
  static std::uint32_t Index(std::uint64_t us);
  static std::uint64_t Lowest(std::uint32_t index);
  static std::uint64_t Highest(std::uint32_t index);
  static constexpr std::uint32_t kCount = 256 + 56 * 128;
};

// Which of n values in rising order is the percentile: max(1, ceil(percent / 100 · n)), from 1.
// Requires: n ≥ 1, percent in 0 to 100.
std::int64_t NearestRank(double percent, std::int64_t n);

struct TrendCount {
  std::int64_t n = 0, sum_us = 0;
  // Per pivot of this trend, in the order of the arguments: how many values are below it, and how
  // many are not above it.
  std::vector<std::int64_t> below, not_above;
  std::map<std::uint32_t, std::int64_t> buckets;
  void Record(std::uint64_t us, const std::vector<double>& pivots);
  void Add(const TrendCount& other, int sign = 1);
  // Milliseconds by nearest rank, read from the buckets, for people: the middle of its bucket.
  // nullopt without samples.
  std::optional<double> Percentile(double percent) const;
  std::optional<double> Average() const;  // milliseconds, exact
  bool operator==(const TrendCount&) const = default;
};

struct Cell {
  std::array<std::int64_t, kEndings> endings{};  // iterations by ending
  std::int64_t http_reqs = 0, http_req_failed = 0, tokens = 0;
  std::int64_t dropped = 0;  // iterations that were due and never began
  std::array<TrendCount, kTrends> trends;
  std::int64_t& Of(Ending ending) { return endings[static_cast<std::size_t>(ending)]; }
  std::int64_t Of(Ending ending) const { return endings[static_cast<std::size_t>(ending)]; }
  TrendCount& Of(Trend trend) { return trends[static_cast<std::size_t>(trend)]; }
  const TrendCount& Of(Trend trend) const { return trends[static_cast<std::size_t>(trend)]; }
  // Iterations that ran to their own end, whatever it was: without interrupted and generatorFault.
  std::int64_t Judged() const;
  std::int64_t Begun() const;  // all that have come to some end
  std::int64_t Errors(bool expect_tokens) const;
  void Add(const Cell& other, int sign = 1);
  bool operator==(const Cell&) const = default;
};

// Seconds since T0 to what began, or ended, in them. `itl` is entered in the second of the gap's
// end, in both. Counts that would not fit into 64 bits stay at the largest; a cell in which
// everything was taken away again is gone, so equal contents are equal ledgers.
struct Ledger {
  std::map<int, Cell> by_start, by_end;
  void Add(const Ledger& other, int sign = 1);
  bool operator==(const Ledger&) const = default;
};

struct Phases {
  Cell before, during, after, all;
};
// `from` and `to` in nanoseconds since T0; an unknown `to` lies in the future (everything since
// `from` is During), without `from` everything is Before.
Phases SplitByFault(const Ledger& ledger, std::optional<std::int64_t> from_ns,
                    std::optional<std::int64_t> to_ns);

// Compact, canonical: equal ledgers are equal texts. The exact form is ledger_json.cc's own matter.
// Reading refuses what contradicts itself, and sizes that no load has.
Json ToJson(const Ledger& ledger);
Result<Ledger> LedgerFromJson(const Json& json);
inline constexpr int kMaxLedgerSecond = 200'000;  // two days and more: a load ends within one

// One threshold looked at with exact counts.
struct Decision {
  std::optional<bool> holds;  // nullopt: no samples, or fewer than asked for
  // For people: milliseconds, a ratio, a count or a rate per second; a percentile is from the
  // buckets.
  std::optional<double> observed;
  // Of a trend its values, of a rate its denominator, of a counter the iterations that were looked
  // at (so that "interrupted: count<1" can hold).
  std::int64_t samples = 0;
};
// `pivot_index` as from PivotOf within the pivots of its trend. `duration_s` is for counters' rate.
Decision Decide(const Metric& metric, const Expression& expression,
                std::optional<std::size_t> pivot_index, const Cell& cell, bool expect_tokens,
                double duration_s, std::int64_t min_samples);

}  // namespace chaos::protocol
