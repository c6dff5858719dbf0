#include "injectors/load/recorder.h"

#include <algorithm>
#include <utility>

namespace chaos::load {
namespace {

using protocol::Ending;
using protocol::Trend;

int Second(nanoseconds at) { return static_cast<int>(at / seconds(1)); }

std::uint64_t Micros(nanoseconds value) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, (value.count() + 500) / 1000));
}

}  // namespace

Recorder::Recorder(const std::vector<protocol::Pivot>& pivots) {
  for (const protocol::Pivot& pivot : pivots)
    pivots_[static_cast<std::size_t>(pivot.trend)].push_back(pivot.at_us);
}

void Recorder::Observe(Trend trend, nanoseconds start, nanoseconds end, nanoseconds value) {
  const auto& pivots = pivots_[static_cast<std::size_t>(trend)];
  ledger_.by_start[Second(start)].Of(trend).Record(Micros(value), pivots);
  ledger_.by_end[Second(end)].Of(trend).Record(Micros(value), pivots);
}

void Recorder::Gap(nanoseconds end, nanoseconds gap) {
  if (Second(end) != gap_second_) FlushGaps();
  gap_second_ = Second(end);
  gaps_.Record(Micros(gap), pivots_[static_cast<std::size_t>(Trend::kItl)]);
}

void Recorder::FlushGaps() {
  if (gaps_.n == 0) return;
  ledger_.by_start[gap_second_].Of(Trend::kItl).Add(gaps_);
  ledger_.by_end[gap_second_].Of(Trend::kItl).Add(gaps_);
  gaps_ = {};
}

void Recorder::Exchange(nanoseconds start, nanoseconds end, std::optional<nanoseconds> sent,
                        bool failed) {
  for (protocol::Cell* cell : {&ledger_.by_start[Second(start)], &ledger_.by_end[Second(end)]}) {
    ++cell->http_reqs;
    cell->http_req_failed += failed ? 1 : 0;
  }
  if (sent) Observe(Trend::kHttpReqDuration, start, end, end - *sent);
}

void Recorder::Finish(const Iteration& it) {
  for (protocol::Cell* cell :
       {&ledger_.by_start[Second(it.start)], &ledger_.by_end[Second(it.end)]}) {
    ++cell->Of(it.ending);
    cell->tokens += it.tokens;
  }
  if (it.sent && it.first_token)
    Observe(Trend::kTtft, it.start, it.end, *it.first_token - *it.sent);
  if (it.ending != Ending::kInterrupted && it.ending != Ending::kGeneratorFault)
    Observe(Trend::kIterationDuration, it.start, it.end, it.end - it.start);
  if (it.ending != Ending::kOk && it.ending != Ending::kEndedShort) return;
  if (it.sent) Observe(Trend::kE2e, it.start, it.end, it.end - *it.sent);
  if (it.tokens >= 2 && it.first_token && it.last_token)
    Observe(Trend::kTpot, it.start, it.end, (*it.last_token - *it.first_token) / (it.tokens - 1));
}

void Recorder::Drop(nanoseconds now, std::int64_t iterations) {
  ledger_.by_start[Second(now)].dropped += iterations;
  ledger_.by_end[Second(now)].dropped += iterations;
}

protocol::Ledger Recorder::Take() {
  FlushGaps();
  return std::exchange(ledger_, {});
}

}  // namespace chaos::load
