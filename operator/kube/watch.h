// All of resume, relist, expiry and back-off of a watch in one total, pure function (rules:
// client-go's reflector). Invariant: no change can be missed: whoever leaves a version behind
// either resumes from it or lists again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "operator/base/clock.h"
#include "operator/base/json.h"
#include "operator/base/random.h"
#include "operator/base/result.h"

namespace chaos::kube {

// List everything, from "0" (any version, the server's cache), a known one (not older than it) or
// "" (newest, quorum).
struct Listing {
  std::string from_rv = "0";
};
// A version is known: open a watch from it.
struct Resuming {
  std::string from_rv;
};
// The server answered; changes arrive.
struct Streaming {
  std::string last_rv;
  nanoseconds opened_at{0};
  nanoseconds heard_at{0};
  int events = 0;  // bookmarks included
  bool trust_added =
      true;  // false while the ADDED events of a watch from ""/"0" are synthetic and unordered
};

// What outlives the phases: how fast we may go, and what we have already seen.
struct Pace {
  nanoseconds not_before{0};  // since boot; nothing is listed or opened earlier
  milliseconds backoff{0};    // the last pause without jitter; 0 = none yet
  bool expired = false;       // the present list was forced by a 410 and nothing was heard since
  nanoseconds internal_since{0};  // first of an unbroken row of 500s; 0 = none
  std::string known_rv;           // the newest version handed on so far
  std::string why;                // why the last phase ended: a short, bounded word for metrics
};

struct WatchState {
  std::variant<Listing, Resuming, Streaming> phase;
  Pace pace;

  WatchState() = default;
  WatchState(Listing listing) : phase(std::move(listing)) {}        // NOLINT: implicit
  WatchState(Resuming resuming) : phase(std::move(resuming)) {}     // NOLINT: implicit
  WatchState(Streaming streaming) : phase(std::move(streaming)) {}  // NOLINT: implicit
  template <class Phase>
  const Phase* In() const {
    return std::get_if<Phase>(&phase);
  }
};

struct Listed {
  std::string rv;
};
struct Opened {};
struct Changed {
  std::string rv;
  bool added = false;
};
struct Bookmark {
  std::string rv;
};
struct Closed {};  // the server ended the watch in an orderly way
struct Failed {
  Error error;
};  // of a list, of opening, of the stream, or an ERROR event
struct WatchInput {
  std::variant<Listed, Opened, Changed, Bookmark, Closed, Failed> what;
  nanoseconds at{0};         // since boot
  std::uint32_t chance = 0;  // 0…999, drawn anew for every input: the jitter of a back-off
};

// An input that does not fit the phase (a line after the end) leaves the state as it is.
WatchState Advance(const WatchState& state, const WatchInput& input);

inline constexpr milliseconds kFirstBackoff{
    800};  // doubled up to kLongestBackoff, plus up to as much again
inline constexpr seconds kLongestBackoff{30};
inline constexpr seconds kHealthyAfter{
    120};  // without a back-off for so long: start at the first again
inline constexpr seconds kShortWatch{1};
inline constexpr seconds kInternalErrorRetry{60};  // 500s in a row for longer than this: list again
inline constexpr seconds kShortestWatchTimeout{300};
inline constexpr seconds kIdleMargin{5};  // silence is allowed for the watch's timeout and this
inline constexpr seconds kOpenLimit{30};  // for the first sign of an answer

// Uniform in [5, 10] minutes, so that the watches of all replicas do not end together.
seconds WatchTimeout(Random& random);
// 410 in any of its forms, and "too large resource version": only a full list from the newest
// version helps.
bool MeansListAgain(const Error& error);

enum class EventType { kAdded, kModified, kDeleted, kBookmark, kError };
struct WatchEvent {
  EventType type;
  Json object;
};
// One line of a watch. kUnavailable for a line that was cut: the stream is of no more use.
Result<WatchEvent> ParseWatchLine(std::string_view line);

// What happens to a watch, for logs and metrics. Called from the informer's step only.
class WatchObserver {
 public:
  virtual ~WatchObserver() = default;
  virtual void Heard(std::string_view /*kind*/, TimePoint /*at*/) {}
  virtual void Restarted(std::string_view /*kind*/, std::string_view /*why*/,
                         std::string_view /*detail*/) {}
  virtual void Unreadable(std::string_view /*kind*/, std::string_view /*object*/,
                          std::string_view /*detail*/) {}
};

}  // namespace chaos::kube
