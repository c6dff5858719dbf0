// Turns what happened into counts. Pure; times are since T0.
//
// Only what was observed whole enters a trend:
//   http_req_duration   every exchange of which something was sent and that was not interrupted:
//                       sending, waiting, receiving; without lookup and connect, as in k6
//   iteration_duration  every iteration that was neither interrupted nor our own fault; with
//                       connects, without think time
//   e2e, tpot           orderly ends (ok, endedShort): a quick error says nothing of how long an
//                       answer takes
//   ttft, itl           as soon as the token or the gap was there, whatever became of the rest
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "injectors/protocol/ledger.h"
#include "injectors/protocol/thresholds.h"
#include "operator/base/clock.h"

namespace chaos::load {

struct Iteration {
  protocol::Ending ending = protocol::Ending::kOk;
  nanoseconds start{0}, end{0};
  std::optional<nanoseconds> sent, first_token, last_token;  // sent: the first byte written
  int tokens = 0;
};

class Recorder {
 public:
  explicit Recorder(const std::vector<protocol::Pivot>& pivots);

  void Gap(nanoseconds end, nanoseconds gap);
  // `sent` = nullopt: it failed before anything was sent.
  void Exchange(nanoseconds start, nanoseconds end, std::optional<nanoseconds> sent, bool failed);
  void Finish(const Iteration& iteration);
  // Iterations that were due and never begin.
  void Drop(nanoseconds now, std::int64_t iterations);
  // Everything since the last time.
  protocol::Ledger Take();

 private:
  void Observe(protocol::Trend trend, nanoseconds start, nanoseconds end, nanoseconds value);
  void FlushGaps();

  std::array<std::vector<double>, protocol::kTrends> pivots_;
  protocol::Ledger ledger_;
  protocol::TrendCount gaps_;  // of one second, not in the ledger yet
  int gap_second_ = -1;
};

}  // namespace chaos::load
