// A ledger as JSON: {"e":[[second, …],…],"s":[[second, …],…]}, both rising by second; without what
// is empty. A cell is a row of whole numbers:
//   k, k × (place, count)   endings 0 to 16, http_reqs, http_req_failed, tokens, dropped; only
//   above 0 per trend with values, rising: trend, n, sum, p, p × (below, not_above - below), b, b ×
//   (index - index before, count) -1 - trend              in "s": the same as in "e" of that second
//   (always so for itl)
#include <algorithm>

#include "injectors/protocol/ledger.h"

namespace chaos::protocol {
namespace {

constexpr std::size_t kPlaces = kEndings + 4;
constexpr std::int64_t kMaxPivots = 64;
constexpr std::int64_t kMaxCount = std::int64_t{1} << 53;

std::int64_t& Place(Cell& cell, std::size_t place) {
  if (place < kEndings) return cell.endings[place];
  if (place == kEndings) return cell.http_reqs;
  if (place == kEndings + 1) return cell.http_req_failed;
  return place == kEndings + 2 ? cell.tokens : cell.dropped;
}

std::array<std::int64_t, kPlaces> Places(Cell cell) {
  std::array<std::int64_t, kPlaces> counts{};
  for (std::size_t i = 0; i < kPlaces; ++i) counts[i] = Place(cell, i);
  return counts;
}

void PutTrend(Json& row, std::size_t index, const TrendCount& trend) {
  row.push_back(index);
  row.push_back(trend.n);
  row.push_back(trend.sum_us);
  row.push_back(trend.below.size());
  for (std::size_t i = 0; i < trend.below.size(); ++i) {
    row.push_back(trend.below[i]);
    row.push_back(trend.not_above[i] - trend.below[i]);
  }
  row.push_back(trend.buckets.size());
  std::uint32_t before = 0;
  for (const auto& [bucket, count] : trend.buckets) {
    row.push_back(bucket - before);
    row.push_back(count);
    before = bucket;
  }
}

Json Row(int second, const Cell& cell, const Cell* twin) {
  Json row = Json::array({second});
  const auto counts = Places(cell);
  row.push_back(kPlaces - static_cast<std::size_t>(std::count(counts.begin(), counts.end(), 0)));
  for (std::size_t i = 0; i < kPlaces; ++i) {
    if (counts[i] == 0) continue;
    row.push_back(i);
    row.push_back(counts[i]);
  }
  for (std::size_t i = 0; i < kTrends; ++i) {
    const TrendCount& trend = cell.trends[i];
    if (trend.n == 0) continue;
    if (twin != nullptr && twin->trends[i] == trend)
      row.push_back(-1 - static_cast<int>(i));
    else
      PutTrend(row, i, trend);
  }
  return row;
}

// Takes numbers off a row; whatever is wrong is remembered and reads as 0.
class RowReader {
 public:
  explicit RowReader(const Json& row) : row_(row), good_(row.is_array()) {}

  std::int64_t Take(std::int64_t least, std::int64_t most) {
    if (!More() || !row_[at_].is_number_integer()) return Bad();
    // An unsigned number above the signed ones would read as negative.
    if (row_[at_].is_number_unsigned() && row_[at_].get<std::uint64_t>() > std::uint64_t(kMaxCount))
      return Bad();
    const auto value = row_[at_++].get<std::int64_t>();
    return value < least || value > most ? Bad() : value;
  }
  bool More() const { return good_ && at_ < row_.size(); }
  std::int64_t Bad() {
    good_ = false;
    return 0;
  }
  bool good() const { return good_; }

 private:
  const Json& row_;
  std::size_t at_ = 0;
  bool good_;
};

void TakeTrend(RowReader& row, TrendCount& trend) {
  trend.n = row.Take(1, kMaxCount);
  trend.sum_us = row.Take(0, kMaxCount);
  const std::int64_t pivots = row.Take(0, kMaxPivots);
  for (std::int64_t i = 0; i < pivots && row.good(); ++i) {
    trend.below.push_back(row.Take(0, trend.n));
    trend.not_above.push_back(trend.below.back() + row.Take(0, trend.n - trend.below.back()));
  }
  const std::int64_t buckets = row.Take(1, Buckets::kCount);
  std::int64_t bucket = 0, n = 0;
  for (std::int64_t i = 0; i < buckets && row.good(); ++i) {
    bucket += row.Take(i == 0 ? 0 : 1, Buckets::kCount - 1 - bucket);
    const std::int64_t count = row.Take(1, trend.n - n);
    trend.buckets[static_cast<std::uint32_t>(bucket)] = count;
    n += count;
  }
  if (n != trend.n) row.Bad();
}

void TakeCell(RowReader& row, Cell& cell, const Cell* twin) {
  std::int64_t next = 0;
  for (std::int64_t left = row.Take(0, kPlaces); left > 0 && row.good(); --left) {
    const std::int64_t place = row.Take(next, kPlaces - 1);
    Place(cell, static_cast<std::size_t>(place)) = row.Take(1, kMaxCount);
    next = place + 1;
  }
  next = 0;
  while (row.More()) {
    const std::int64_t word = row.Take(-std::int64_t{kTrends}, kTrends - 1);
    const std::int64_t index = word < 0 ? -1 - word : word;
    if (index < next || !row.good()) {
      row.Bad();
      return;
    }
    TrendCount& trend = cell.trends[static_cast<std::size_t>(index)];
    if (word >= 0)
      TakeTrend(row, trend);
    else if (twin != nullptr && twin->trends[static_cast<std::size_t>(index)].n > 0)
      trend = twin->trends[static_cast<std::size_t>(index)];
    else
      row.Bad();
    next = index + 1;
  }
}

const Cell* TwinOf(const std::map<int, Cell>* cells, int second) {
  if (cells == nullptr) return nullptr;
  const auto found = cells->find(second);
  return found == cells->end() ? nullptr : &found->second;
}

Json Rows(const std::map<int, Cell>& cells, const std::map<int, Cell>* twins) {
  Json rows = Json::array();
  for (const auto& [second, cell] : cells) rows.push_back(Row(second, cell, TwinOf(twins, second)));
  return rows;
}

Result<std::map<int, Cell>> ReadRows(const Json& json, const char* key,
                                     const std::map<int, Cell>* twins) {
  std::map<int, Cell> cells;
  const auto rows = json.find(key);
  if (rows == json.end()) return cells;
  const auto refuse = [&](std::string_view why) {
    return Invalid("ledger \"" + std::string(key) + "\" row " + std::to_string(cells.size()) + " " +
                   std::string(why));
  };
  if (!rows->is_array()) return refuse("is missing: it must be a list of rows");
  int next = 0;
  for (const Json& numbers : *rows) {
    RowReader row(numbers);
    const auto second = static_cast<int>(row.Take(next, kMaxLedgerSecond));
    Cell cell;
    TakeCell(row, cell, TwinOf(twins, second));
    if (!row.good() || cell == Cell{})
      return refuse("does not add up, or is of another version than this reader");
    cells.emplace_hint(cells.end(), second, std::move(cell));
    next = second + 1;
  }
  return cells;
}

}  // namespace

Json ToJson(const Ledger& ledger) {
  Json json = Json::object();
  if (!ledger.by_end.empty()) json["e"] = Rows(ledger.by_end, nullptr);
  if (!ledger.by_start.empty()) json["s"] = Rows(ledger.by_start, &ledger.by_end);
  return json;
}

Result<Ledger> LedgerFromJson(const Json& json) {
  if (!json.is_object()) return Invalid("a ledger must be an object");
  Ledger ledger;
  Result<std::map<int, Cell>> by_end = ReadRows(json, "e", nullptr);
  if (!by_end) return by_end.error();
  ledger.by_end = *std::move(by_end);
  Result<std::map<int, Cell>> by_start = ReadRows(json, "s", &ledger.by_end);
  if (!by_start) return by_start.error();
  ledger.by_start = *std::move(by_start);
  return ledger;
}

}  // namespace chaos::protocol
