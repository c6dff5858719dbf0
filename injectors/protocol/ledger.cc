#include "injectors/protocol/ledger.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace chaos::protocol {
namespace {

constexpr std::array<std::string_view, kEndings> kEndingNames = {"ok",
                                                                 "endedShort",
                                                                 "httpError",
                                                                 "connectError",
                                                                 "connectTimeout",
                                                                 "firstTokenTimeout",
                                                                 "idleTimeout",
                                                                 "totalTimeout",
                                                                 "errorEvent",
                                                                 "falseDone",
                                                                 "truncated",
                                                                 "wrongContent",
                                                                 "tokenGap",
                                                                 "tokenRepeated",
                                                                 "protocolError",
                                                                 "generatorFault",
                                                                 "interrupted"};

// Adds, or takes away; never past the ends of 64 bits.
void Count(std::int64_t& total, std::int64_t by, int sign) {
  std::int64_t sum = 0;
  const bool over =
      sign < 0 ? __builtin_sub_overflow(total, by, &sum) : __builtin_add_overflow(total, by, &sum);
  using Limits = std::numeric_limits<std::int64_t>;
  if (over) sum = (by > 0) == (sign > 0) ? Limits::max() : Limits::min();
  total = sum;
}

void Count(std::vector<std::int64_t>& totals, const std::vector<std::int64_t>& by, int sign) {
  if (totals.size() < by.size()) totals.resize(by.size());
  for (std::size_t i = 0; i < by.size(); ++i) Count(totals[i], by[i], sign);
}

bool AllZero(const std::vector<std::int64_t>& counts) {
  return std::all_of(counts.begin(), counts.end(), [](std::int64_t count) { return count == 0; });
}

void Add(std::map<int, Cell>& cells, const std::map<int, Cell>& others, int sign) {
  for (const auto& [second, other] : others) {
    const auto at = cells.try_emplace(second).first;
    at->second.Add(other, sign);
    if (at->second == Cell{}) cells.erase(at);
  }
}

}  // namespace

std::string_view Name(Ending ending) { return kEndingNames[static_cast<std::size_t>(ending)]; }

bool IsError(Ending ending, bool expect_tokens) {
  switch (ending) {
    case Ending::kOk:
    case Ending::kGeneratorFault:
    case Ending::kInterrupted:
      return false;
    case Ending::kEndedShort:
      return expect_tokens;
    default:
      return true;
  }
}

std::uint32_t Buckets::Index(std::uint64_t us) {
  if (us < 256) return static_cast<std::uint32_t>(us);
  const auto octave = static_cast<std::uint32_t>(std::bit_width(us)) - 1;  // 8 to 63
  return 256 + (octave - 8) * 128 + static_cast<std::uint32_t>((us >> (octave - 7)) & 127);
}

std::uint64_t Buckets::Lowest(std::uint32_t index) {
  if (index < 256) return index;
  const std::uint32_t octave = 8 + (index - 256) / 128;
  return std::uint64_t{128 + (index - 256) % 128} << (octave - 7);
}

std::uint64_t Buckets::Highest(std::uint32_t index) {
  return index + 1 < kCount ? Lowest(index + 1) - 1 : std::numeric_limits<std::uint64_t>::max();
}

std::int64_t NearestRank(double percent, std::int64_t n) {
  // 99.9 % of 1000 must be 999, not the double just above it.
  const long double rank = static_cast<long double>(percent) * static_cast<long double>(n) / 100;
  const long double whole = std::round(rank);
  const bool is_whole = std::abs(rank - whole) <= whole * 2.3e-16L;
  const auto up = static_cast<std::int64_t>(is_whole ? whole : std::ceil(rank));
  return std::clamp<std::int64_t>(up, 1, n);
}

void TrendCount::Record(std::uint64_t us, const std::vector<double>& pivots) {
  ++n;
  Count(sum_us, static_cast<std::int64_t>(std::min<std::uint64_t>(us, INT64_MAX)), 1);
  if (below.size() < pivots.size()) {
    below.resize(pivots.size());
    not_above.resize(pivots.size());
  }
  const auto value = static_cast<double>(us);
  for (std::size_t i = 0; i < pivots.size(); ++i) {
    below[i] += value < pivots[i];
    not_above[i] += value <= pivots[i];
  }
  ++buckets[Buckets::Index(us)];
}

void TrendCount::Add(const TrendCount& other, int sign) {
  Count(n, other.n, sign);
  Count(sum_us, other.sum_us, sign);
  Count(below, other.below, sign);
  Count(not_above, other.not_above, sign);
  for (const auto& [index, count] : other.buckets) {
    const auto at = buckets.try_emplace(index).first;
    Count(at->second, count, sign);
    if (at->second == 0) buckets.erase(at);
  }
  const bool empty =
      n == 0 && sum_us == 0 && buckets.empty() && AllZero(below) && AllZero(not_above);
  if (empty) *this = TrendCount{};
}

std::optional<double> TrendCount::Percentile(double percent) const {
  if (n <= 0) return std::nullopt;
  std::int64_t left = NearestRank(percent, n);
  for (const auto& [index, count] : buckets) {
    left -= count;
    if (left > 0) continue;
    const auto low = static_cast<double>(Buckets::Lowest(index));
    return (low + static_cast<double>(Buckets::Highest(index))) / 2 / 1000;
  }
  return std::nullopt;
}

std::optional<double> TrendCount::Average() const {
  if (n <= 0) return std::nullopt;
  return static_cast<double>(sum_us) / (static_cast<double>(n) * 1000);
}

std::int64_t Cell::Begun() const {
  std::int64_t begun = 0;
  for (const std::int64_t count : endings) Count(begun, count, 1);
  return begun;
}

std::int64_t Cell::Judged() const {
  std::int64_t judged = Begun();
  Count(judged, Of(Ending::kInterrupted), -1);
  Count(judged, Of(Ending::kGeneratorFault), -1);
  return judged;
}

std::int64_t Cell::Errors(bool expect_tokens) const {
  std::int64_t errors = 0;
  for (std::size_t i = 0; i < kEndings; ++i) {
    if (IsError(static_cast<Ending>(i), expect_tokens)) Count(errors, endings[i], 1);
  }
  return errors;
}

void Cell::Add(const Cell& other, int sign) {
  for (std::size_t i = 0; i < kEndings; ++i) Count(endings[i], other.endings[i], sign);
  Count(http_reqs, other.http_reqs, sign);
  Count(http_req_failed, other.http_req_failed, sign);
  Count(tokens, other.tokens, sign);
  Count(dropped, other.dropped, sign);
  for (std::size_t i = 0; i < kTrends; ++i) trends[i].Add(other.trends[i], sign);
}

void Ledger::Add(const Ledger& other, int sign) {
  protocol::Add(by_start, other.by_start, sign);
  protocol::Add(by_end, other.by_end, sign);
}

Phases SplitByFault(const Ledger& ledger, std::optional<std::int64_t> from_ns,
                    std::optional<std::int64_t> to_ns) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  Phases phases;
  for (const auto& [second, cell] : ledger.by_end) {
    phases.all.Add(cell);
    if (from_ns && (second + 1) * kSecond <= *from_ns) phases.before.Add(cell);
  }
  if (!from_ns) {
    phases.before = phases.all;
    return phases;
  }
  for (const auto& [second, cell] : ledger.by_start) {
    if (to_ns && second * kSecond >= *to_ns) phases.after.Add(cell);
  }
  phases.during = phases.all;
  phases.during.Add(phases.before, -1);
  phases.during.Add(phases.after, -1);
  return phases;
}

}  // namespace chaos::protocol
