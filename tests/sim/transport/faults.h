// What can go wrong between the product and the API server, and how often: drawn from a seed,
// counted, and healed.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "operator/base/random.h"
#include "operator/kube/transport.h"

namespace chaos::sim {

enum class CallFault {
  kNone,
  kRefused,      // the connection fails: surely not executed
  kRequestLost,  // not executed, but nobody can know
  kReplyLost,    // executed, and nobody hears of it
  kTwice,        // a proxy or library sent it again: the second answer is seen
  kLate,         // executed seconds after the caller gave up
  kTooSlow,      // executed at once, answered after the caller gave up
  kConflict,     // 409 on a write
  kGone,         // 410 on a list
  kThrottled,    // 429 with Retry-After
  kOverloaded,   // 503
  kInternal,     // 500, not executed
  kTimedOut,     // 504, executed or not
  kForbidden,    // 403 for once
  kStaleList,    // a list from a server that lags behind
  kCount
};

enum class StreamFault {
  kNone,
  kRefused,    // 503 on opening
  kGone,       // 410 as HTTP
  kGoneEvent,  // 410 as an ERROR event
  kThrottled,  // 429
  kCut,        // reset after some lines
  kCutLine,    // reset in the middle of a line
  kShort,      // an orderly end after some lines
  kSilent,     // half-open: nothing more ever comes
  kLate,       // lines come seconds later
  kCount
};

std::string_view Name(CallFault fault);
std::string_view Name(StreamFault fault);

class Faults {
 public:
  static constexpr std::size_t kCalls = static_cast<std::size_t>(CallFault::kCount);
  static constexpr std::size_t kStreams = static_cast<std::size_t>(StreamFault::kCount);

  // None ever.
  Faults() : random_(0) {}
  // Swarm: a random choice of faults, each with a wild rate of its own.
  static Faults Swarm(Random random);

  CallFault ForCall(const kube::Request& request);
  StreamFault ForStream();
  void Heal() { healed_ = true; }
  // One fault by hand, for tests of the simulation itself: per mille of all calls.
  void Set(CallFault fault, int per_mille) { calls_[static_cast<std::size_t>(fault)] = per_mille; }
  void Set(StreamFault fault, int per_mille) {
    streams_[static_cast<std::size_t>(fault)] = per_mille;
  }

  Random& random() { return random_; }
  std::array<std::uint64_t, kCalls> call_counts{};
  std::array<std::uint64_t, kStreams> stream_counts{};

 private:
  explicit Faults(Random random) : random_(random) {}
  Random random_;
  bool healed_ = false;
  std::array<int, kCalls> calls_{};  // per mille
  std::array<int, kStreams> streams_{};
};

}  // namespace chaos::sim
