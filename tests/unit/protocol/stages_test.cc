// The schedules are k6's: compared with its algorithm of events, written here a second time and in
// its own way, on random stage lists, whole and dealt to pods.
#include "injectors/protocol/stages.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "operator/base/random.h"

namespace chaos::protocol {
namespace {

using Steps = std::map<std::int64_t, int>;  // ns since T0 to the VUs from then on

// lib/executor/ramping_vus.go: getRawExecutionSteps. Times are counted back from a stage's end.
Steps K6Steps(const Executor& executor) {
  Steps steps{{0, executor.start_vus}};
  std::int64_t till_end = 0;
  int from = executor.start_vus;
  for (const Stage& stage : executor.stages) {
    const std::int64_t duration = nanoseconds(stage.duration).count();
    till_end += duration;
    const int to = stage.target, diff = to - from;
    if (diff == 0) continue;
    if (duration == 0) {
      steps[till_end] = to;
    } else if (diff > 0) {
      for (int n = from; n <= to; ++n) steps[till_end - duration * (to - n) / diff] = n;
    } else {
      for (int n = from; n > to; --n) steps[till_end - duration * (to - n + 1) / diff] = n - 1;
    }
    from = to;
  }
  steps[till_end] = 0;  // zeroEnd: no new iterations
  return steps;
}

int At(const Steps& steps, std::int64_t time) {
  const auto after = steps.upper_bound(time);
  return after == steps.begin() ? 0 : std::prev(after)->second;
}

Executor RandomExecutor(Random& random) {
  Executor executor;
  executor.start_vus = static_cast<int>(random.Below(30));
  const std::uint64_t stages = 1 + random.Below(7);
  for (std::uint64_t i = 0; i < stages; ++i) {
    Stage stage;
    stage.duration = milliseconds(random.Chance(1, 5) ? 0 : 1 + random.Below(20'000));
    stage.target = static_cast<int>(random.Chance(1, 4) ? 0 : random.Below(120));
    executor.stages.push_back(stage);
  }
  executor.graceful_ramp_down = milliseconds(random.Below(10'000));
  executor.graceful_stop = milliseconds(random.Below(10'000));
  return executor;
}

constexpr int kLists = 80;

TEST(Stages, EqualK6OnRandomListsAtEveryStepAndAround) {
  const std::uint64_t seed = ::testing::UnitTest::GetInstance()->random_seed() + 20261124;
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  for (int list = 0; list < kLists; ++list) {
    const Executor executor = RandomExecutor(random);
    const Steps steps = K6Steps(executor);
    for (const auto& [time, planned] : steps) {
      for (const std::int64_t at : {time - 1, time, time + 1}) {
        ASSERT_EQ(Planned(executor, nanoseconds(at)), At(steps, at))
            << "list " << list << " " << at;
      }
    }
  }
}

// LIFO: the VUs that run are 1 to planned(t), and so every pod's share is its own rows of one plan.
TEST(Stages, VusDealtToPodsAddUpToOneProcess) {
  const std::uint64_t seed = ::testing::UnitTest::GetInstance()->random_seed() + 4711;
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  for (int list = 0; list < kLists; ++list) {
    const Executor executor = RandomExecutor(random);
    const int pods = 1 + list % 16;
    const Steps steps = K6Steps(executor);
    Steps delta;
    for (int pod = 0; pod < pods; ++pod) {
      for (int vu = pod + 1; vu <= MaxVus(executor); vu += pods) {
        std::int64_t last = -1;
        for (const Interval& wanted : Wanted(executor, vu)) {
          ASSERT_LT(last, wanted.from.count()) << "sorted, and not two where one would do";
          ASSERT_LT(wanted.from, wanted.to);
          last = wanted.to.count();
          ASSERT_GE(At(steps, wanted.from.count()), vu);
          ASSERT_LT(At(steps, wanted.to.count()), vu);
          ++delta[wanted.from.count()];
          --delta[wanted.to.count()];
        }
      }
    }
    ASSERT_TRUE(Wanted(executor, MaxVus(executor) + 1).empty());
    int running = 0;
    std::set<std::int64_t> times;
    for (const auto& [time, planned] : steps) times.insert(time);
    for (const auto& [time, change] : delta) times.insert(time);
    for (const std::int64_t time : times) {
      if (const auto change = delta.find(time); change != delta.end()) running += change->second;
      ASSERT_EQ(running, At(steps, time)) << "list " << list << " at " << time;
    }
  }
}

TEST(Stages, PlannedVuTimeIsTheAreaUnderTheCurve) {
  Random random(99);
  for (int list = 0; list < kLists; ++list) {
    const Executor executor = RandomExecutor(random);
    const Steps steps = K6Steps(executor);
    const std::int64_t length = Length(executor).count();
    for (const std::int64_t until : {std::int64_t{0}, length / 3, length, length + 5}) {
      std::int64_t area = 0, from = 0;
      int vus = 0;
      for (const auto& [time, planned] : steps) {
        area += vus * std::max<std::int64_t>(0, std::min(time, until) - from);
        from = std::min(time, until);
        vus = planned;
      }
      ASSERT_EQ(PlannedVuTime(executor, nanoseconds(until)).count(), area) << "list " << list;
    }
  }
}

// k6: whoever a step takes away may finish until gracefulRampDown, at most until the end +
// gracefulStop; whoever the end takes away has gracefulStop.
TEST(Stages, AnIterationIsInterruptedAsK6DoesIt) {
  Random random(7);
  for (int list = 0; list < kLists; ++list) {
    const Executor executor = RandomExecutor(random);
    Steps steps = K6Steps(executor);
    const nanoseconds length = Length(executor), end = length + executor.graceful_stop;
    const int last = executor.stages.back().target;
    for (int vu = 1; vu <= MaxVus(executor); ++vu) {
      for (const Interval& wanted : Wanted(executor, vu)) {
        const bool by_step = wanted.to < length || vu > last;
        const nanoseconds expected =
            by_step ? std::min<nanoseconds>(wanted.to + executor.graceful_ramp_down, end) : end;
        ASSERT_EQ(HardStop(executor, wanted), expected) << "list " << list << " vu " << vu;
      }
    }
  }
}

TEST(Stages, KnownTimes) {
  const Executor ramp{0, {{seconds(300), 1000}, {seconds(600), 1000}, {seconds(300), 0}}};
  EXPECT_EQ(Planned(ramp, seconds(0)), 0);
  EXPECT_EQ(Wanted(ramp, 1).front(),
            (Interval{milliseconds(300), seconds(1200), /*ramped_down=*/true}));
  EXPECT_EQ(Wanted(ramp, 1000).front(),
            (Interval{seconds(300), seconds(900) + milliseconds(300), /*ramped_down=*/true}));
  EXPECT_EQ(Length(ramp), seconds(1200));
  EXPECT_EQ(MaxVus(ramp), 1000);

  const Executor constant{20, {{seconds(60), 20}}};
  EXPECT_EQ(Wanted(constant, 20), (std::vector<Interval>{{seconds(0), seconds(60)}}));
  EXPECT_TRUE(Wanted(constant, 21).empty());
  EXPECT_EQ(Planned(constant, seconds(60)), 0);
  EXPECT_EQ(Planned(constant, nanoseconds(-1)), 0);
  EXPECT_EQ(HardStop(constant, Wanted(constant, 1)[0]), seconds(90));

  const Executor spike{
      5,
      {{seconds(10), 5}, {seconds(0), 50}, {seconds(10), 50}, {seconds(0), 2}, {seconds(10), 2}}};
  EXPECT_EQ(Wanted(spike, 50), (std::vector<Interval>{{seconds(10), seconds(20), true}}));
  EXPECT_EQ(Wanted(spike, 2), (std::vector<Interval>{{seconds(0), seconds(30), false}}));
  EXPECT_EQ(HardStop(spike, Wanted(spike, 50)[0]), seconds(50));
}

TEST(Stages, HundredThousandVusForADayDoNotOverflow) {
  const Executor executor{0, {{std::chrono::hours(24), 100'000}}};
  EXPECT_EQ(Planned(executor, std::chrono::hours(12)), 50'000);
  EXPECT_GT(PlannedVuTime(executor, std::chrono::hours(24)), std::chrono::hours(24 * 49'999));
}

TEST(Stages, ScalingKeepsTheShape) {
  const Executor spike{
      1, {{seconds(60), 100}, {seconds(0), 2000}, {seconds(90), 2000}, {seconds(30), 0}}};
  const Executor small = Scaled(spike, 0.01, 60);
  EXPECT_EQ(small.start_vus, 1);
  EXPECT_EQ(
      small.stages,
      (std::vector<Stage>{
          {seconds(1), 1}, {seconds(0), 20}, {milliseconds(1500), 20}, {milliseconds(500), 0}}));
  EXPECT_EQ(small.graceful_stop, spike.graceful_stop);
  EXPECT_EQ(Scaled(spike, 1, 1), spike);
  EXPECT_EQ(Scaled({3, {{milliseconds(2), 3}}}, 0.5, 1000), (Executor{2, {{milliseconds(1), 2}}}));
}

}  // namespace
}  // namespace chaos::protocol
