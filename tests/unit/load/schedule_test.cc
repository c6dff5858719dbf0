// When samples are due, whatever happens to timers and clocks.
#include "injectors/load/schedule.h"

#include <gtest/gtest.h>

namespace chaos::load {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kWall{std::chrono::sys_days{std::chrono::year{2026} / 1 / 31}};
Moment At(nanoseconds since_start, milliseconds wall_step = 0ms) {
  return {kWall + std::chrono::duration_cast<microseconds>(since_start) + wall_step,
          100s + since_start};
}

TEST(Schedule, StaysOnItsGridHoweverLateItIsAsked) {
  Schedule schedule(At(0s), 1s);
  for (int n = 0; n < 1000; ++n) {
    const auto due = schedule.TakeDue(At(n * 1s + (n % 7) * 99ms), 10);
    ASSERT_EQ(due.size(), 1u);
    EXPECT_EQ(due[0].n, n);
    EXPECT_EQ(due[0].at, kWall + n * 1s);
    EXPECT_FALSE(due[0].missed);
    EXPECT_EQ(schedule.NextDue(), 100s + (n + 1) * 1s);
  }
}

TEST(Schedule, NothingIsDueBeforeItsTime) {
  Schedule schedule(At(0s), 1s);
  EXPECT_EQ(schedule.TakeDue(At(0s), 10).size(), 1u);
  EXPECT_TRUE(schedule.TakeDue(At(999ms), 10).empty());
}

TEST(Schedule, SlotsThatPassedWhileWeDidNotRunAreSaidToBeMissed) {
  Schedule schedule(At(0s), 1s);
  const auto due = schedule.TakeDue(At(3500ms), 10);
  ASSERT_EQ(due.size(), 4u);
  for (int n = 0; n < 4; ++n) {
    EXPECT_EQ(due[n].n, n);
    EXPECT_EQ(due[n].missed, n < 3);
  }
  Schedule limited(At(0s), 1s);
  EXPECT_EQ(limited.TakeDue(At(3500ms), 3).size(), 3u);
  EXPECT_EQ(limited.TakeDue(At(3500ms), 3).size(), 1u);
}

TEST(Schedule, FollowsAStepOfTheWallClockButNotItsJitter) {
  Schedule schedule(At(0s), 1s);
  EXPECT_EQ(schedule.TakeDue(At(0s), 1)[0].at, kWall);
  EXPECT_EQ(schedule.TakeDue(At(1s, 100ms), 1)[0].at, kWall + 1s);
  EXPECT_EQ(schedule.TakeDue(At(2s, 1h), 1)[0].at, kWall + 2s + 1h);
  EXPECT_EQ(schedule.TakeDue(At(3s, -1h), 1)[0].at, kWall + 3s - 1h);
  EXPECT_EQ(schedule.NextDue(), 104s) << "the rhythm is not the wall clock's business";
}

}  // namespace
}  // namespace chaos::load
