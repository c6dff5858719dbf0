// Random requests as a load generator would see them, and how it enters them into a ledger.
#pragma once

#include <cstdint>
#include <vector>

#include "injectors/protocol/ledger.h"
#include "operator/base/random.h"

namespace chaos::protocol {

constexpr std::int64_t kSecond = 1'000'000'000;

struct Request {
  std::int64_t start_ns = 0, end_ns = 0;
  Ending ending = Ending::kOk;
  bool failed = false;
  std::int64_t tokens = 0;
  std::array<std::vector<std::uint64_t>, kTrends> us;  // itl is not entered with the request
};

using PivotLists = std::array<std::vector<double>, kTrends>;

inline std::uint64_t SkewedUs(Random& random) {
  return random.Below(std::uint64_t{1} << (1 + random.Below(27)));
}

inline Request RandomRequest(Random& random, int seconds) {
  Request request;
  request.start_ns = static_cast<std::int64_t>(random.Below(std::uint64_t(seconds) * kSecond));
  // Now and then exactly on a second, where off-by-one lives.
  if (random.Chance(1, 4)) request.start_ns -= request.start_ns % kSecond;
  request.end_ns = request.start_ns + static_cast<std::int64_t>(random.Below(3 * kSecond));
  if (random.Chance(1, 4)) request.end_ns = (request.end_ns / kSecond + 1) * kSecond;
  request.ending = static_cast<Ending>(random.Chance(1, 2) ? 0 : random.Below(kEndings));
  request.failed = request.ending == Ending::kHttpError;
  request.tokens = static_cast<std::int64_t>(random.Below(50));
  for (std::size_t i = 0; i < kTrends; ++i) {
    if (static_cast<Trend>(i) != Trend::kItl && random.Chance(3, 4))
      request.us[i].push_back(SkewedUs(random));
  }
  return request;
}

inline void Enter(Cell& cell, const Request& request, const PivotLists& pivots) {
  ++cell.Of(request.ending);
  ++cell.http_reqs;
  cell.http_req_failed += request.failed;
  cell.tokens += request.tokens;
  for (std::size_t i = 0; i < kTrends; ++i) {
    for (const std::uint64_t us : request.us[i]) cell.trends[i].Record(us, pivots[i]);
  }
}

inline void Enter(Ledger& ledger, const Request& request, const PivotLists& pivots) {
  Enter(ledger.by_start[static_cast<int>(request.start_ns / kSecond)], request, pivots);
  Enter(ledger.by_end[static_cast<int>(request.end_ns / kSecond)], request, pivots);
}

inline void EnterGap(Ledger& ledger, int second, std::uint64_t us, const PivotLists& pivots) {
  for (auto* cells : {&ledger.by_start, &ledger.by_end})
    (*cells)[second].Of(Trend::kItl).Record(us, pivots[static_cast<std::size_t>(Trend::kItl)]);
}

}  // namespace chaos::protocol
