#include "operator/kube/watch.h"

#include <gtest/gtest.h>

namespace chaos::kube {
namespace {

constexpr nanoseconds kNow = std::chrono::hours(5);

WatchInput At(nanoseconds at, const decltype(WatchInput::what)& what, std::uint32_t chance = 0) {
  return {what, at, chance};
}
WatchInput Now(const decltype(WatchInput::what)& what) { return At(kNow, what); }
Failed With(Reason reason, int status = 0, milliseconds retry_after = {}) {
  return Failed{Error{reason, "", retry_after, status}};
}

// "list 0", "watch 41", "stream 41", and " +800ms" where nothing may happen before.
std::string Print(const WatchState& state, nanoseconds now = kNow) {
  std::string text;
  if (const Listing* listing = state.In<Listing>()) text = "list \"" + listing->from_rv + "\"";
  if (const Resuming* resuming = state.In<Resuming>()) text = "watch " + resuming->from_rv;
  if (const Streaming* streaming = state.In<Streaming>()) text = "stream " + streaming->last_rv;
  if (state.pace.not_before > now) {
    text += " +" +
            std::to_string(
                std::chrono::duration_cast<milliseconds>(state.pace.not_before - now).count()) +
            "ms";
  }
  return text;
}

Streaming Long(std::string rv) {
  return {std::move(rv), kNow - seconds(100), kNow - seconds(100), 3, true};
}
Streaming Quiet(std::string rv, nanoseconds lived) {
  return {std::move(rv), kNow - lived, kNow - lived, 0, true};
}

TEST(WatchState, ExpiredVersionForcesAFullListing) {
  EXPECT_TRUE(Advance(Streaming{"41"}, {With(Reason::kGone)}).In<Listing>());
}

TEST(WatchState, FollowsTheRulesOfTheReflector) {
  struct Row {
    const char* rule;
    WatchState from;
    WatchInput input;
    const char* to;
  };
  const Row rows[] = {
      {"the first list may come from the cache", {}, At(kNow, Opened{}), "list \"0\""},
      {"after a list the watch starts from its version", {}, Now(Listed{"40"}), "watch 40"},
      {"a failed list waits", {}, Now(With(Reason::kUnavailable)), "list \"0\" +800ms"},
      {"a throttled list waits as long as it is told",
       {},
       Now(With(Reason::kThrottled, 429, seconds(7))),
       "list \"0\" +7000ms"},
      {"an expired list is repeated at once from the newest", Listing{"40"},
       Now(With(Reason::kGone, 410)), "list \"\""},
      {"but not at once if it was the newest already", Listing{""}, Now(With(Reason::kGone, 410)),
       "list \"\" +800ms"},
      {"a version too large is as good as expired", Listing{"40"},
       Now(Failed{
           Error{Reason::kUnavailable, "Too large resource version: 40, current: 3", {}, 504}}),
       "list \"\""},
      {"an answered watch streams", Resuming{"40"}, Now(Opened{}), "stream 40"},
      {"410 on opening lists the newest at once", Resuming{"40"}, Now(With(Reason::kGone, 410)),
       "list \"\""},
      {"429 on opening waits and watches again", Resuming{"40"},
       Now(With(Reason::kThrottled, 429, seconds(3))), "watch 40 +3000ms"},
      {"a refused connection waits and watches again", Resuming{"40"},
       Now(With(Reason::kUnavailable)), "watch 40 +800ms"},
      {"500 waits and watches again", Resuming{"40"}, Now(With(Reason::kUnknownOutcome, 500)),
       "watch 40 +800ms"},
      {"403 on opening waits and lists from the last version", Resuming{"40"},
       Now(With(Reason::kDenied, 403)), "list \"40\" +800ms"},
      {"404 on opening without a version lists from the cache", Resuming{""},
       Now(With(Reason::kNotFound, 404)), "list \"0\" +800ms"},
      {"a watch that ends before it opens waits", Resuming{"40"}, Now(Closed{}), "watch 40 +800ms"},
      {"a change advances", Long("41"), Now(Changed{"42"}), "stream 42"},
      {"a bookmark advances", Long("41"), Now(Bookmark{"50"}), "stream 50"},
      {"a bookmark never goes back", Long("41"), Now(Bookmark{"40"}), "stream 41"},
      {"a change without a version keeps the last", Long("41"), Now(Changed{""}), "stream 41"},
      {"versions that cannot be compared are taken as they come", Long("x"), Now(Changed{"y"}),
       "stream y"},
      {"an ended watch goes on at once", Long("41"), Now(Closed{}), "watch 41"},
      {"a very short one waits", Quiet("41", milliseconds(999)), Now(Closed{}), "watch 41 +800ms"},
      {"a quiet one that lived long enough does not", Quiet("41", seconds(1)), Now(Closed{}),
       "watch 41"},
      {"a broken one waits", Long("41"), Now(With(Reason::kUnavailable)), "watch 41 +800ms"},
      {"an ERROR event that is not 410 reopens from the last version", Long("41"),
       Now(With(Reason::kDenied, 403)), "watch 41 +800ms"},
      {"an ERROR event 500 too", Long("41"), Now(With(Reason::kUnavailable, 500)),
       "watch 41 +800ms"},
      {"an ERROR event 410 lists the newest at once", Long("41"), Now(With(Reason::kGone, 410)),
       "list \"\""},
      {"what does not fit changes nothing (1)", Resuming{"40"}, Now(Changed{"42"}), "watch 40"},
      {"what does not fit changes nothing (2)", Long("41"), Now(Listed{"90"}), "stream 41"},
      {"what does not fit changes nothing (3)", {}, Now(Closed{}), "list \"0\""},
  };
  for (const Row& row : rows) EXPECT_EQ(Print(Advance(row.from, row.input)), row.to) << row.rule;
}

TEST(WatchState, BackOffDoublesUpToThirtySecondsAndStartsAgainAfterTwoHealthyMinutes) {
  WatchState state = Resuming{"40"};
  nanoseconds now = kNow;
  const auto fail = [&](std::uint32_t chance = 0) {
    state = Advance(state, At(now, With(Reason::kUnavailable), chance));
    const nanoseconds pause = state.pace.not_before - now;
    now = state.pace.not_before;
    return std::chrono::duration_cast<milliseconds>(pause).count();
  };
  for (int pause : {800, 1600, 3200, 6400, 12800, 25600, 30000, 30000}) EXPECT_EQ(fail(), pause);
  EXPECT_EQ(fail(/*chance=*/999), 59970) << "jitter is up to as much again";
  now += kHealthyAfter;
  EXPECT_EQ(fail(), 30000) << "two minutes are not more than two minutes";
  now += kHealthyAfter + milliseconds(1);
  EXPECT_EQ(fail(), 800);
}

TEST(WatchState, AServerThatAlwaysSaysExpiredIsNotHammered) {
  WatchState state = Advance(Streaming{"41"}, Now(With(Reason::kGone, 410)));
  EXPECT_EQ(Print(state), "list \"\"");
  state = Advance(Advance(state, Now(Listed{"60"})), Now(With(Reason::kGone, 410)));
  EXPECT_EQ(Print(state), "list \"\" +800ms");
  state = Advance(Advance(state, Now(Listed{"60"})), Now(Opened{}));
  state =
      Advance(Advance(state, Now(Bookmark{"61"})), At(kNow + seconds(9), With(Reason::kGone, 410)));
  EXPECT_EQ(Print(state, kNow + seconds(9)), "list \"\"") << "it worked in between";
}

TEST(WatchState, InternalErrorsForAMinuteForceAList) {
  WatchState state = Resuming{"40"};
  state = Advance(state, Now(With(Reason::kUnknownOutcome, 500)));
  state = Advance(state, At(kNow + kInternalErrorRetry, With(Reason::kUnknownOutcome, 500)));
  EXPECT_TRUE(state.In<Resuming>());
  state = Advance(state,
                  At(kNow + kInternalErrorRetry + seconds(1), With(Reason::kUnknownOutcome, 500)));
  ASSERT_TRUE(state.In<Listing>());
  EXPECT_EQ(state.In<Listing>()->from_rv, "40");
}

TEST(WatchState, SyntheticAddedEventsDoNotAdvanceUntilSomethingElseHasCome) {
  WatchState state = Advance(Resuming{""}, Now(Opened{}));
  state = Advance(state, Now(Changed{"90", /*added=*/true}));
  EXPECT_EQ(Print(state), "stream ");
  state = Advance(state, Now(Changed{"91", /*added=*/false}));
  state = Advance(state, Now(Changed{"92", /*added=*/true}));
  EXPECT_EQ(Print(state), "stream 92");
}

TEST(WatchState, AListOlderThanWhatIsKnownIsRefusedInFavourOfTheNewest) {
  WatchState state = Advance(WatchState{}, Now(Listed{"50"}));
  state = Advance(Advance(state, Now(Opened{})), Now(Changed{"55"}));
  state = Advance(state, Now(Closed{}));
  state = Advance(state, At(kNow, With(Reason::kDenied, 403)));
  ASSERT_EQ(Print(state), "list \"55\" +800ms");
  state = Advance(state, At(kNow + seconds(1), Listed{"52"}));
  ASSERT_TRUE(state.In<Listing>());
  EXPECT_EQ(state.In<Listing>()->from_rv, "");
  EXPECT_EQ(Print(Advance(state, Now(Listed{"30"}))).substr(0, 8), "watch 30")
      << "the newest is the newest: a restored etcd";
}

TEST(WatchTimeout, IsSpreadOverFiveToTenMinutes) {
  Random random(1);
  seconds shortest{9999}, longest{0};
  for (int i = 0; i < 10'000; ++i) {
    const seconds timeout = WatchTimeout(random);
    shortest = std::min(shortest, timeout);
    longest = std::max(longest, timeout);
  }
  EXPECT_EQ(shortest, seconds(300));
  EXPECT_EQ(longest, seconds(600));
}

TEST(ParseWatchLine, ReadsEveryTypeAndRefusesACutLine) {
  EXPECT_EQ(ParseWatchLine(R"({"type":"ADDED","object":{}})")->type, EventType::kAdded);
  EXPECT_EQ(ParseWatchLine(R"({"type":"MODIFIED","object":{}})")->type, EventType::kModified);
  EXPECT_EQ(ParseWatchLine(R"({"type":"DELETED","object":{}})")->type, EventType::kDeleted);
  EXPECT_EQ(ParseWatchLine(R"({"type":"BOOKMARK","object":{}})")->type, EventType::kBookmark);
  EXPECT_EQ(ParseWatchLine(R"({"type":"ERROR","object":{}})")->type, EventType::kError);
  for (const char* bad :
       {"", "{", R"({"type":"ADDED","object":{"metadata":{"na)", R"({"type":"ADDED"})", "[]",
        R"({"type":"ODD","object":{}})", R"({"type":"ADDED","object":7})"}) {
    const Result<WatchEvent> event = ParseWatchLine(bad);
    ASSERT_FALSE(event) << bad;
    EXPECT_EQ(event.error().reason, Reason::kUnavailable) << bad;
  }
}

}  // namespace
}  // namespace chaos::kube
