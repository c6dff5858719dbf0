// What the API server may send, in any form: watch lines, statuses, objects, conditions; and any
// order of inputs to the watch's state machine. Nothing may crash, and a version that was reached
// is never left behind without a list.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "operator/base/check.h"
#include "operator/kube/api_error.h"
#include "operator/kube/conditions.h"
#include "operator/kube/object.h"
#include "operator/kube/watch.h"

namespace chaos::kube {
namespace {

std::string VersionOf(const WatchState& state) {
  if (const Resuming* resuming = state.In<Resuming>()) return resuming->from_rv;
  if (const Streaming* streaming = state.In<Streaming>()) return streaming->last_rv;
  return "";
}

void WalkStates(std::string_view bytes) {
  constexpr Reason kReasons[] = {Reason::kGone, Reason::kUnavailable, Reason::kThrottled,
                                 Reason::kDenied};
  constexpr int kStatuses[] = {0, 410, 500, 429};
  WatchState state;
  nanoseconds now{1};
  for (std::size_t at = 0; at + 1 < bytes.size(); at += 2) {
    const auto op = static_cast<unsigned char>(bytes[at]),
               value = static_cast<unsigned char>(bytes[at + 1]);
    const std::string rv = std::to_string(value);
    WatchInput input{Opened{}, now, value * 3u};
    switch (op % 6) {
      case 0:
        input.what = Listed{rv};
        break;
      case 1:
        input.what = Opened{};
        break;
      case 2:
        input.what = Changed{rv, op > 127};
        break;
      case 3:
        input.what = Bookmark{rv};
        break;
      case 4:
        input.what = Closed{};
        break;
      case 5:
        input.what = Failed{Error{kReasons[value % 4], "", {}, kStatuses[value / 4 % 4]}};
        break;
    }
    const WatchState next = Advance(state, input);
    const bool listing = state.In<Listing>() || next.In<Listing>();
    CHECK(listing || NotOlder(VersionOf(next), VersionOf(state)));
    CHECK(next.pace.not_before <= now + 2 * nanoseconds(kLongestBackoff));
    state = next;
    now += milliseconds(value);
  }
}

void Parse(std::string_view text) {
  if (const Result<WatchEvent> event = ParseWatchLine(text)) {
    static_cast<void>(MetaFromJson(event->object));
    static_cast<void>(ErrorFromStatusText(PrintJson(event->object)));
    if (const Json* list = Find(event->object, {"status", "conditions"})) {
      static_cast<void>(CheckKstatus(ConditionsFromJson(*list), 1, 1));
    }
  }
  static_cast<void>(MeansListAgain(ErrorFromStatusText(text)));
  static_cast<void>(RefusedByPolicy(ErrorFromResponse({422, std::string(text), {}})));
}

}  // namespace
}  // namespace chaos::kube

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  chaos::kube::WalkStates(bytes);
  chaos::kube::Parse(bytes);
  return 0;
}
