// The life of VUs on a virtual clock.
#include "injectors/load/vu_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace chaos::load {
namespace {

using namespace std::chrono_literals;
using protocol::Executor;

// Runs a pool with iterations of a fixed length and writes down what it did, as "time±vu".
struct Life {
  struct Note {
    nanoseconds at;
    int vu;
    char what;  // + start, ! interrupt
    bool operator==(const Note&) const = default;
  };
  std::vector<Note> notes;
  std::map<nanoseconds, int> planned;  // wanted VUs after each look
  nanoseconds given{0}, over{0};

  Life(const Executor& executor, int pods, int pod, nanoseconds iteration, nanoseconds joins = 0ns,
       std::optional<nanoseconds> stop = {}) {
    VuPool pool(executor, pods, pod);
    std::multimap<nanoseconds, int> ends;
    nanoseconds now = joins;
    for (int looks = 0; looks < 1'000'000; ++looks) {
      if (stop && now >= *stop) {
        pool.Stop(now);
        stop.reset();
      }
      while (!ends.empty() && ends.begin()->first <= now) {
        pool.Ended(ends.begin()->second, now, 0ns);
        ends.erase(ends.begin());
      }
      while (const auto action = pool.Next(now)) {
        const bool start = action->what == VuPool::Do::kStart;
        notes.push_back({now, pool.Number(action->index), start ? '+' : '!'});
        if (start) {
          ends.emplace(now + iteration, action->index);
        } else {
          std::erase_if(ends, [&](const auto& end) { return end.second == action->index; });
          pool.Ended(action->index, now, 0ns);
        }
      }
      planned[now] = pool.wanted();
      if (pool.Over()) break;
      nanoseconds next = ends.empty() ? nanoseconds::max() : ends.begin()->first;
      if (const auto wake = pool.Wake()) next = std::min(next, *wake);
      if (stop) next = std::min(next, *stop);
      if (next == nanoseconds::max()) break;
      now = std::max(next, now);
    }
    EXPECT_TRUE(pool.Over());
    given = pool.Given(now);
    over = now;
  }
};

Executor Constant(int vus, milliseconds length, milliseconds grace = 10s) {
  return {.start_vus = vus,
          .stages = {{length, vus}},
          .graceful_ramp_down = grace,
          .graceful_stop = grace};
}

TEST(VuPool, StartsLowestFirstAndOnTime) {
  const Life run({.start_vus = 0, .stages = {{3s, 3}, {1s, 3}}}, 1, 0, 100s);
  using Note = Life::Note;
  ASSERT_GE(run.notes.size(), 3u);
  EXPECT_EQ(run.notes[0], (Note{1s, 1, '+'}));
  EXPECT_EQ(run.notes[1], (Note{2s, 2, '+'}));
  EXPECT_EQ(run.notes[2], (Note{3s, 3, '+'}));
}

TEST(VuPool, IterationsFollowOneAnotherUntilTheEnd) {
  const Life run(Constant(2, 3s), 1, 0, 1s);
  EXPECT_EQ(run.notes.size(), 6u);
  EXPECT_EQ(run.over, 3s);
  EXPECT_EQ(run.given, 6s);
}

TEST(VuPool, WhoIsNotWantedAnyMoreFinishesUntilTheHardStop) {
  const Executor down{.start_vus = 2,
                      .stages = {{0s, 1}, {10s, 1}},
                      .graceful_ramp_down = 3s,
                      .graceful_stop = 30s};
  const Life slow(down, 1, 0, 5s);
  const auto is = [](const Life& run, const Life::Note& note) {
    return std::count(run.notes.begin(), run.notes.end(), note);
  };
  EXPECT_EQ(is(slow, {3s, 2, '!'}), 0) << "VU 2 never began: the jump was at 0";
  const Executor later{.start_vus = 2,
                       .stages = {{1s, 2}, {0s, 1}, {10s, 1}},
                       .graceful_ramp_down = 3s,
                       .graceful_stop = 30s};
  EXPECT_EQ(is(Life(later, 1, 0, 5s), {4s, 2, '!'}), 1) << "1 s + gracefulRampDown";
  EXPECT_EQ(is(Life(later, 1, 0, 2s), {4s, 2, '!'}), 0) << "its iteration ended at 2 s";
}

TEST(VuPool, WantedAgainWhileFinishingGoesOn) {
  const Executor dip{.start_vus = 1,
                     .stages = {{1s, 1}, {0s, 0}, {1s, 0}, {0s, 1}, {10s, 1}},
                     .graceful_ramp_down = 2s,
                     .graceful_stop = 30s};
  const Life run(dip, 1, 0, 5s);
  ASSERT_GE(run.notes.size(), 2u);
  EXPECT_EQ(run.notes[0], (Life::Note{0s, 1, '+'}));
  EXPECT_EQ(run.notes[1], (Life::Note{5s, 1, '+'}))
      << "no interrupt at 3 s, no second start at 2 s";
}

TEST(VuPool, LastInFirstOut) {
  const Executor down{
      .start_vus = 3, .stages = {{1s, 3}, {3s, 0}}, .graceful_ramp_down = 0s, .graceful_stop = 0s};
  const Life run(down, 1, 0, 100s);
  std::vector<Life::Note> stops;
  for (const auto& note : run.notes)
    if (note.what == '!') stops.push_back(note);
  EXPECT_EQ(stops, (std::vector<Life::Note>{{2s, 3, '!'}, {3s, 2, '!'}, {4s, 1, '!'}}));
}

TEST(VuPool, AtTheEndGracefulStopAlone) {
  const Life run(Constant(1, 2s, 3s), 1, 0, 100s);
  EXPECT_EQ(run.notes.back(), (Life::Note{5s, 1, '!'}));
  EXPECT_EQ(run.over, 5s);
}

TEST(VuPool, AStopLetsIterationsFinishWithinGracefulStop) {
  EXPECT_EQ(Life(Constant(1, 100s, 3s), 1, 0, 4s, 0ns, 2s).over, 4s);
  const Life cut(Constant(1, 100s, 3s), 1, 0, 50s, 0ns, 2s);
  EXPECT_EQ(cut.notes.back(), (Life::Note{5s, 1, '!'}));
  EXPECT_EQ(cut.given, 2s);
}

TEST(VuPool, WhoComesLateJoinsAtThePositionOfTheSchedule) {
  const Executor ramp{.start_vus = 0, .stages = {{10s, 10}, {10s, 0}}};
  const Life run(ramp, 1, 0, 100ms, 5s);
  EXPECT_EQ(run.planned.at(5s), 5);
  EXPECT_EQ(run.notes.front(), (Life::Note{5s, 1, '+'}));
  const Life after(ramp, 1, 0, 100ms, 15s);
  EXPECT_EQ(after.planned.at(15s), protocol::Planned(ramp, 15s)) << "those that left never begin";
}

TEST(VuPool, APauseIsKept) {
  VuPool pool(Constant(1, 10s), 1, 0);
  ASSERT_TRUE(pool.Next(0ns));
  pool.Ended(0, 1s, 500ms);
  EXPECT_FALSE(pool.Next(1s + 499ms));
  EXPECT_EQ(pool.Wake(), 1s + 500ms);
  EXPECT_TRUE(pool.Next(1s + 500ms));
}

TEST(VuPool, ThePodsTogetherAreThePlanAtEveryMoment) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    Executor executor{.start_vus = below(20), .stages = {}};
    for (int i = 0, n = 1 + below(5); i < n; ++i)
      executor.stages.push_back({milliseconds(below(3000)), below(20)});
    const int pods = 1 + below(16);
    std::map<nanoseconds, int> steps;
    nanoseconds given{0};
    std::vector<Life> runs;
    for (int pod = 0; pod < pods; ++pod) {
      runs.emplace_back(executor, pods, pod, 70ms);
      given += runs.back().given;
      for (const auto& [at, vus] : runs.back().planned) steps[at] = 0;
    }
    for (auto& [at, vus] : steps) {
      for (const Life& run : runs) {
        const auto after = run.planned.upper_bound(at);
        if (after != run.planned.begin()) vus += std::prev(after)->second;
      }
      EXPECT_EQ(vus, protocol::Planned(executor, at)) << at.count();
    }
    EXPECT_EQ(given, protocol::PlannedVuTime(executor, 100s));
  }
}

}  // namespace
}  // namespace chaos::load
