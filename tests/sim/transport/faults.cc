#include "tests/sim/transport/faults.h"

namespace chaos::sim {
namespace {

constexpr std::array<std::string_view, Faults::kCalls> kCallNames{
    "none",          "refused",  "request lost", "reply lost", "executed twice",
    "executed late", "too slow", "409 conflict", "410 gone",   "429 retry",
    "503",           "500",      "504",          "403 once",   "stale list"};
constexpr std::array<std::string_view, Faults::kStreams> kStreamNames{
    "none", "refused",  "410 as http", "410 as event", "429",
    "cut",  "cut line", "very short",  "silent",       "late lines"};

// Whether this fault can happen to this request.
bool Fits(CallFault fault, const kube::Request& request) {
  const bool write = kube::Writes(request.method);
  const bool list = !write && request.target.find("limit=") != std::string::npos;
  switch (fault) {
    case CallFault::kTwice:
    case CallFault::kLate:
      return write;
    case CallFault::kConflict:
      return request.method == kube::Method::kPut || request.method == kube::Method::kPatch;
    case CallFault::kGone:
    case CallFault::kStaleList:
      return list;
    default:
      return true;
  }
}

}  // namespace

std::string_view Name(CallFault fault) { return kCallNames[static_cast<std::size_t>(fault)]; }
std::string_view Name(StreamFault fault) { return kStreamNames[static_cast<std::size_t>(fault)]; }

Faults Faults::Swarm(Random random) {
  Faults faults(random);
  constexpr std::array kRates{2, 10, 30};
  const auto draw = [&](int factor) {
    const bool chosen = faults.random_.Chance(1, 3);
    return chosen ? kRates[faults.random_.Below(kRates.size())] * factor : 0;
  };
  for (std::size_t i = 1; i < kCalls; ++i) faults.calls_[i] = draw(1);
  for (std::size_t i = 1; i < kStreams; ++i) faults.streams_[i] = draw(10);  // streams are few
  return faults;
}

CallFault Faults::ForCall(const kube::Request& request) {
  if (healed_) return CallFault::kNone;
  std::uint64_t dice = random_.Below(1000);
  for (std::size_t i = 1; i < kCalls; ++i) {
    const auto rate = static_cast<std::uint64_t>(calls_[i]);
    if (dice >= rate) {
      dice -= rate;
      continue;
    }
    if (!Fits(static_cast<CallFault>(i), request)) return CallFault::kNone;
    ++call_counts[i];
    return static_cast<CallFault>(i);
  }
  return CallFault::kNone;
}

StreamFault Faults::ForStream() {
  if (healed_) return StreamFault::kNone;
  std::uint64_t dice = random_.Below(1000);
  for (std::size_t i = 1; i < kStreams; ++i) {
    const auto rate = static_cast<std::uint64_t>(streams_[i]);
    if (dice < rate) {
      ++stream_counts[i];
      return static_cast<StreamFault>(i);
    }
    dice -= rate;
  }
  return StreamFault::kNone;
}

}  // namespace chaos::sim
