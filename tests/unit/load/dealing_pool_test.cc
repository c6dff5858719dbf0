// The executors that deal out iterations, on a virtual clock.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "injectors/load/arrival_pool.h"
#include "injectors/load/iteration_pool.h"
#include "operator/base/random.h"

namespace chaos::load {
namespace {

using namespace std::chrono_literals;
using protocol::Executor;
using protocol::ExecutorType;

// A pool whose iterations last as long as `lasts` says, to its end.
struct Life {
  std::vector<std::pair<nanoseconds, int>> starts, interrupts;  // and the VU's number
  std::int64_t dropped = 0;
  nanoseconds over{0}, given{0};
  int most_busy = 0;

  Life(const Executor& executor, int pods, int pod, std::function<nanoseconds()> lasts,
       nanoseconds joins = 0ns, std::optional<nanoseconds> stop = {}) {
    const auto pool = MakePool(executor, pods, pod);
    std::multimap<nanoseconds, int> ends;
    nanoseconds now = joins;
    for (int looks = 0; looks < 1'000'000 && !pool->Over(); ++looks) {
      while (!ends.empty() && ends.begin()->first <= now) {
        pool->Ended(ends.begin()->second, now, 0ns);
        ends.erase(ends.begin());
      }
      if (stop && now >= *stop) {
        pool->Stop(now);
        stop.reset();
      }
      while (const auto action = pool->Next(now)) {
        if (action->what == Pool::Do::kDrop) dropped += action->dropped;
        if (action->what == Pool::Do::kStart) {
          starts.emplace_back(now, pool->Number(action->index));
          ends.emplace(now + lasts(), action->index);
        }
        if (action->what == Pool::Do::kInterrupt) {
          interrupts.emplace_back(now, pool->Number(action->index));
          std::erase_if(ends, [&](const auto& end) { return end.second == action->index; });
          pool->Ended(action->index, now, 0ns);
        }
        most_busy = std::max(most_busy, pool->busy());
      }
      nanoseconds next = ends.empty() ? nanoseconds::max() : ends.begin()->first;
      if (const auto wake = pool->Wake()) next = std::min(next, *wake);
      if (stop) next = std::min(next, *stop);
      if (next == nanoseconds::max()) break;
      now = std::max(next, now);
    }
    EXPECT_TRUE(pool->Over());
    over = now;
    given = pool->Given(now);
  }
};

std::function<nanoseconds()> Always(nanoseconds length) {
  return [length] { return length; };
}

Executor Iterations(ExecutorType type, int vus, std::int64_t iterations, milliseconds at_most) {
  Executor executor{vus, {{at_most, vus}}};
  executor.type = type;
  executor.iterations = iterations;
  executor.graceful_stop = 2s;
  return executor;
}

Executor Rate(int rate, milliseconds length, int vus, int max_vus) {
  Executor executor{vus, {{length, rate}}};
  executor.type = ExecutorType::kConstantArrivalRate;
  executor.start_rate = rate;
  executor.max_vus = max_vus;
  executor.graceful_stop = 2s;
  return executor;
}

TEST(IterationPool, EveryVuDoesItsOwnAndThenIsDone) {
  const Life run(Iterations(ExecutorType::kPerVuIterations, 3, 4, 60s), 1, 0, Always(1s));
  std::map<int, int> of_vu;
  for (const auto& [at, vu] : run.starts) ++of_vu[vu];
  EXPECT_EQ(of_vu, (std::map<int, int>{{1, 4}, {2, 4}, {3, 4}}));
  EXPECT_EQ(run.over, 4s) << "and not after maxDuration";
  EXPECT_EQ(run.given, 12s);
  EXPECT_EQ(run.dropped, 0);
}

// VU 1 answers at once, the other one slowly.
TEST(IterationPool, SharedOnesAreDoneByWhoeverIsFree) {
  int turn = 0;
  const Life run(Iterations(ExecutorType::kSharedIterations, 2, 11, 60s), 1, 0,
                 [&turn] { return turn++ == 1 ? 100s : 1s; });
  EXPECT_EQ(run.starts.size(), 11u);
  EXPECT_EQ(std::count_if(run.starts.begin(), run.starts.end(),
                          [](const auto& start) { return start.second == 1; }),
            10);
  EXPECT_EQ(run.interrupts, (std::vector<std::pair<nanoseconds, int>>{{62s, 2}}))
      << "maxDuration + gracefulStop";
}

TEST(IterationPool, WhatHasNotBegunWithinMaxDurationIsDropped) {
  const Executor own = Iterations(ExecutorType::kPerVuIterations, 2, 5, 3500ms);
  const Life each(own, 1, 0, Always(1s));
  EXPECT_EQ(each.starts.size(), 8u);
  EXPECT_EQ(each.dropped, 2);
  EXPECT_EQ(each.over, 4s) << "what runs may finish";
  const Life shared(Iterations(ExecutorType::kSharedIterations, 2, 10, 3500ms), 1, 0, Always(1s));
  EXPECT_EQ(shared.starts.size(), 8u);
  EXPECT_EQ(shared.dropped, 2);
  const Life stuck(own, 1, 0, Always(100s));
  EXPECT_EQ(stuck.dropped, 8);
  EXPECT_EQ(stuck.interrupts.size(), 2u);
  EXPECT_EQ(stuck.over, 5500ms);
}

TEST(IterationPool, AStopDropsNothing) {
  const Life run(Iterations(ExecutorType::kSharedIterations, 2, 1000, 600s), 1, 0, Always(1s), 0ns,
                 2500ms);
  EXPECT_EQ(run.starts.size(), 6u);
  EXPECT_EQ(run.dropped, 0);
  EXPECT_EQ(run.over, 3s);
}

TEST(IterationPool, PodsTogetherDoAsManyAsOne) {
  for (const ExecutorType type :
       {ExecutorType::kPerVuIterations, ExecutorType::kSharedIterations}) {
    for (int pods = 1; pods <= 16; ++pods) {
      const Executor executor = Iterations(type, pods + 3, pods + 50, 600s);
      std::size_t sum = 0;
      for (int pod = 0; pod < pods; ++pod)
        sum += Life(executor, pods, pod, Always(70ms)).starts.size();
      EXPECT_EQ(sum, Life(executor, 1, 0, Always(70ms)).starts.size()) << pods << " pods";
    }
  }
}

TEST(IterationPool, APauseIsKept) {
  IterationPool pool(Iterations(ExecutorType::kPerVuIterations, 1, 2, 10s), 1, 0);
  EXPECT_FALSE(pool.Next(-1s)) << "not before T0";
  ASSERT_TRUE(pool.Next(0ns));
  pool.Ended(0, 1s, 500ms);
  EXPECT_FALSE(pool.Next(1s + 499ms));
  EXPECT_EQ(pool.Wake(), 1s + 500ms);
  EXPECT_TRUE(pool.Next(1s + 500ms));
}

TEST(ArrivalPool, IterationsBeginWhenTheyAreDue) {
  const Life run(Rate(2, 3s, 2, 2), 1, 0, Always(900ms));
  std::vector<nanoseconds> times;
  for (const auto& [at, vu] : run.starts) times.push_back(at);
  EXPECT_EQ(times, (std::vector<nanoseconds>{0s, 500ms, 1s, 1500ms, 2s, 2500ms}));
  EXPECT_EQ(run.dropped, 0);
  EXPECT_EQ(run.over, 3400ms);
}

TEST(ArrivalPool, ItLastsAsLongAsItsStagesAlsoWithNothingToDo) {
  Executor executor = Rate(1, 1s, 1, 1);
  executor.type = ExecutorType::kRampingArrivalRate;
  executor.stages = {{2s, 1}, {0s, 0}, {5s, 0}};
  const Life run(executor, 1, 0, Always(1ms));
  EXPECT_EQ(run.starts.size(), 2u);
  EXPECT_EQ(run.over, 7s);
}

// k6: the iteration that finds nobody is lost, and one more VU is made for those to come.
TEST(ArrivalPool, WhoFindsNobodyIsDroppedAndBringsOneMoreVu) {
  const Life run(Rate(10, 1s, 1, 3), 1, 0, Always(100s));
  EXPECT_EQ(run.starts.size(), 3u);
  EXPECT_EQ(run.starts[1].first, 200ms) << "dropped at 100 ms";
  EXPECT_EQ(run.dropped, 7);
  EXPECT_EQ(run.most_busy, 3);
  using Interrupts = std::vector<std::pair<nanoseconds, int>>;
  EXPECT_EQ(run.interrupts, (Interrupts{{3s, 3}, {3s, 2}, {3s, 1}}));
}

TEST(ArrivalPool, ABusyVuIsNotFreeBeforeItsPauseIsOver) {
  ArrivalPool pool(Rate(10, 10s, 1, 1), 1, 0);
  ASSERT_EQ(pool.Next(0s)->what, Pool::Do::kStart);
  pool.Ended(0, 10ms, 150ms);
  EXPECT_EQ(pool.Next(100ms)->what, Pool::Do::kDrop);
  EXPECT_EQ(pool.Next(200ms)->what, Pool::Do::kStart);
}

TEST(ArrivalPool, WhoComesLateMakesUpForNothing) {
  const Life run(Rate(10, 2s, 5, 5), 1, 0, Always(10ms), 1s);
  EXPECT_EQ(run.starts.size(), 10u);
  EXPECT_EQ(run.dropped, 0);
}

TEST(ArrivalPool, ALoopThatWasHeldUpMakesUpForEverything) {
  ArrivalPool pool(Rate(10, 2s, 20, 20), 1, 0);
  ASSERT_FALSE(pool.Next(-1s));
  int starts = 0;
  while (pool.Next(950ms)) ++starts;
  EXPECT_EQ(starts, 10);
}

TEST(ArrivalPool, AStopEndsItWithinGracefulStop) {
  EXPECT_EQ(Life(Rate(1, 100s, 1, 1), 1, 0, Always(500ms), 0ns, 2200ms).over, 2500ms);
  const Life cut(Rate(1, 100s, 1, 1), 1, 0, Always(50s), 0ns, 500ms);
  EXPECT_EQ(cut.over, 2500ms);
  EXPECT_EQ(cut.dropped, 0);
}

TEST(ArrivalPool, WithoutGraceNobodyIsForgotten) {
  Executor executor = Rate(10, 1s, 20, 20);
  executor.graceful_stop = 0s;
  const Life run(executor, 1, 0, Always(100s));
  EXPECT_EQ(run.starts.size(), 10u);
  EXPECT_EQ(run.interrupts.size(), 10u);
  EXPECT_EQ(run.over, 1s);
}

TEST(ArrivalPool, PodsTogetherAreOneProcess) {
  Random random(20261124);
  for (int pods = 1; pods <= 16; ++pods) {
    Executor executor = Rate(static_cast<int>(1 + random.Below(40)), 3s, pods * 9, pods * 9 + 5);
    const Life one(executor, 1, 0, Always(30ms));
    std::vector<nanoseconds> sum;
    for (int pod = 0; pod < pods; ++pod) {
      const Life mine(executor, pods, pod, Always(30ms));
      EXPECT_EQ(mine.dropped, 0);
      for (const auto& [at, vu] : mine.starts) {
        sum.push_back(at);
        EXPECT_EQ((vu - 1) % pods, pod);
      }
    }
    std::sort(sum.begin(), sum.end());
    std::vector<nanoseconds> whole;
    for (const auto& [at, vu] : one.starts) whole.push_back(at);
    EXPECT_EQ(sum, whole) << pods << " pods";
  }
}

}  // namespace
}  // namespace chaos::load
