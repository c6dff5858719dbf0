#include "operator/kube/watch.h"

#include <algorithm>

#include "operator/base/mutant.h"
#include "operator/kube/object.h"

namespace chaos::kube {
namespace {

void BackOff(Pace& pace, const WatchInput& input, milliseconds at_least = {}) {
  const bool fresh = pace.backoff == milliseconds(0) || input.at - pace.not_before > kHealthyAfter;
  pace.backoff = fresh ? kFirstBackoff : std::min<milliseconds>(pace.backoff * 2, kLongestBackoff);
  const milliseconds pause = pace.backoff + pace.backoff * input.chance / 1000;
  pace.not_before = input.at + std::max(pause, at_least);
}

WatchState Go(decltype(WatchState::phase) phase, Pace pace, std::string why) {
  WatchState next;
  next.phase = std::move(phase);
  pace.why = std::move(why);
  next.pace = std::move(pace);
  return next;
}

// Never backwards where versions can be compared; a version that cannot is taken as the server gave
// it.
std::string Newer(const std::string& known, const std::string& seen) {
  return seen.empty() || NotOlder(known, seen) ? known : seen;
}

// The version we resume from is of no more use: list the newest, at once unless that has just been
// tried.
WatchState Expired(Pace pace, const WatchInput& input, const Error& error, bool tried) {
  if (tried || pace.expired) BackOff(pace, input, error.retry_after);
  pace.expired = true;
  return Go(Listing{""}, std::move(pace), "expired");
}

WatchState AfterFailedWatch(std::string rv, bool opened, Pace pace, const WatchInput& input,
                            const Error& error) {
  if (MeansListAgain(error)) return Expired(std::move(pace), input, error, /*tried=*/false);
  BackOff(pace, input, error.retry_after);
  Listing relist{rv.empty() ? "0" : rv};
  Resuming resume{std::move(rv)};
  if (error.http_status == 500) {
    if (pace.internal_since == nanoseconds(0)) pace.internal_since = input.at;
    if (input.at - pace.internal_since <= kInternalErrorRetry)
      return Go(std::move(resume), std::move(pace), "internal");
    pace.internal_since = {};
    return Go(std::move(relist), std::move(pace), "internal");
  }
  pace.internal_since = {};
  switch (error.reason) {
    case Reason::kThrottled:
      return Go(std::move(resume), std::move(pace), "throttled");
    case Reason::kUnavailable:
    case Reason::kUnknownOutcome:
    case Reason::kCancelled:
      return Go(std::move(resume), std::move(pace), "connection");
    case Reason::kGone:
    case Reason::kNotFound:
    case Reason::kConflict:
    case Reason::kDenied:
    case Reason::kInvalid:
      break;
  }
  // A refusal to open may be about the version; an ERROR event only ends its own stream.
  if (opened) return Go(std::move(resume), std::move(pace), "error");
  return Go(std::move(relist), std::move(pace), "refused");
}

WatchState From(const Listing& listing, Pace pace, const WatchInput& input) {
  if (const Listed* listed = std::get_if<Listed>(&input.what)) {
    // A replica of the server that is behind: what it lists would take readers back in time.
    if (!listing.from_rv.empty() && !pace.known_rv.empty() && listed->rv != pace.known_rv &&
        NotOlder(pace.known_rv, listed->rv)) {
      BackOff(pace, input);
      return Go(Listing{""}, std::move(pace), "stale");
    }
    pace.known_rv = listed->rv;
    return Go(Resuming{listed->rv}, std::move(pace), "");
  }
  if (const Failed* failed = std::get_if<Failed>(&input.what)) {
    if (MeansListAgain(failed->error)) {
      return Expired(std::move(pace), input, failed->error, /*tried=*/listing.from_rv.empty());
    }
    BackOff(pace, input, failed->error.retry_after);
    return Go(listing, std::move(pace), "list");
  }
  return Go(listing, pace, pace.why);
}

WatchState From(const Resuming& resuming, Pace pace, const WatchInput& input) {
  if (std::holds_alternative<Opened>(input.what)) {
    Streaming streaming{resuming.from_rv, input.at, input.at, 0, true};
    streaming.trust_added = !resuming.from_rv.empty() && resuming.from_rv != "0";
    return Go(std::move(streaming), std::move(pace), "");
  }
  if (const Failed* failed = std::get_if<Failed>(&input.what)) {
    return AfterFailedWatch(resuming.from_rv, /*opened=*/false, std::move(pace), input,
                            failed->error);
  }
  if (std::holds_alternative<Closed>(input.what)) {
    BackOff(pace, input);
    return Go(resuming, std::move(pace), "short");
  }
  return Go(resuming, pace, pace.why);
}

WatchState Hear(Streaming streaming, Pace pace, const WatchInput& input, const std::string& rv,
                bool added) {
  ++streaming.events;
  streaming.heard_at = input.at;
  pace.expired = false;
  pace.internal_since = {};
  if (!added) streaming.trust_added = true;
  if (streaming.trust_added) {
    streaming.last_rv = Newer(streaming.last_rv, rv);
    pace.known_rv = Newer(pace.known_rv, rv);
  }
  return Go(std::move(streaming), std::move(pace), "");
}

WatchState From(const Streaming& streaming, Pace pace, const WatchInput& input) {
  if (const Changed* changed = std::get_if<Changed>(&input.what)) {
    return Hear(streaming, std::move(pace), input, changed->rv, changed->added);
  }
  if (const Bookmark* bookmark = std::get_if<Bookmark>(&input.what)) {
    return Hear(streaming, std::move(pace), input, bookmark->rv, /*added=*/false);
  }
  if (std::holds_alternative<Closed>(input.what)) {
    const bool too_short = input.at - streaming.opened_at < kShortWatch && streaming.events == 0;
    if (too_short) BackOff(pace, input);
    return Go(Resuming{streaming.last_rv}, std::move(pace), too_short ? "short" : "ended");
  }
  if (const Failed* failed = std::get_if<Failed>(&input.what)) {
    return AfterFailedWatch(streaming.last_rv, /*opened=*/true, std::move(pace), input,
                            failed->error);
  }
  return Go(streaming, pace, pace.why);
}

}  // namespace

WatchState Advance(const WatchState& state, const WatchInput& input) {
  return std::visit([&](const auto& phase) { return From(phase, state.pace, input); }, state.phase);
}

seconds WatchTimeout(Random& random) {
  return kShortestWatchTimeout + seconds(random.Below(kShortestWatchTimeout.count() + 1));
}

bool MeansListAgain(const Error& error) {
  if (CHAOS_MUTANT("no-relist-after-410")) return false;
  return error.reason == Reason::kGone || error.http_status == 410 ||
         error.detail.find("Too large resource version") != std::string::npos ||
         error.detail.find("ResourceVersionTooLarge") != std::string::npos;
}

Result<WatchEvent> ParseWatchLine(std::string_view line) {
  static constexpr std::pair<std::string_view, EventType> kTypes[] = {
      {"ADDED", EventType::kAdded},     {"MODIFIED", EventType::kModified},
      {"DELETED", EventType::kDeleted}, {"BOOKMARK", EventType::kBookmark},
      {"ERROR", EventType::kError},
  };
  const auto broken = [&](std::string_view what) {
    return Error{Reason::kUnavailable,
                 "a watch line " + std::string(what) + ": " + std::string(line.substr(0, 80)),
                 {},
                 0};
  };
  Result<Json> json = ParseJson(line);
  if (!json) return broken("that is not whole");
  const auto object = json->is_object() ? json->find("object") : json->end();
  if (!json->is_object() || object == json->end() || !object->is_object())
    return broken("without an object");
  const std::string type = Text(*json, {"type"});
  for (const auto& [name, value] : kTypes) {
    if (name == type) return WatchEvent{value, std::move(*object)};
  }
  return broken("of an unknown type");
}

}  // namespace chaos::kube
