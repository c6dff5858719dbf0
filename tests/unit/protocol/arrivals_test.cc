// What deals out iterations, dealt to pods and counted; that the times are k6's is in k6_test.cc.
#include "injectors/protocol/arrivals.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "operator/base/random.h"

namespace chaos::protocol {
namespace {

using std::chrono::hours;

Executor Ramp(int start_rate, std::vector<Stage> stages, int max_vus) {
  Executor executor;
  executor.type = ExecutorType::kRampingArrivalRate;
  executor.start_rate = start_rate;
  executor.stages = std::move(stages);
  executor.max_vus = max_vus;
  return executor;
}

Executor Constant(int rate, milliseconds length, int max_vus) {
  Executor executor = Ramp(rate, {{length, rate}}, max_vus);
  executor.type = ExecutorType::kConstantArrivalRate;
  return executor;
}

std::vector<nanoseconds> All(const Executor& executor, int pods, int pod) {
  std::vector<nanoseconds> times;
  Arrivals arrivals(executor, pods, pod);
  while (const auto at = arrivals.Next()) times.push_back(*at);
  return times;
}

TEST(Arrivals, OfAConstantRateBeginAtOnceAndKeepTheirDistance) {
  EXPECT_EQ(All(Constant(4, seconds(1), 1), 1, 0),
            (std::vector<nanoseconds>{milliseconds(0), milliseconds(250), milliseconds(500),
                                      milliseconds(750)}));
}

TEST(Arrivals, OfARampComeWhenTheAreaUnderItIsTheNextWholeNumber) {
  // From 0 to 2 a second in 2 s: an area of t²/2.
  const auto times = All(Ramp(0, {{seconds(2), 2}, {seconds(1), 2}}, 1), 1, 0);
  ASSERT_EQ(times.size(), 4u);
  const double expected[] = {1.414213562373e9, 2e9, 2.5e9, 3e9};
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_NEAR(static_cast<double>(times[i].count()), expected[i], 1);
}

TEST(Arrivals, DealtToPodsAddUpToOneProcess) {
  const std::uint64_t seed = ::testing::UnitTest::GetInstance()->random_seed() + 20261124;
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  for (int pods = 1; pods <= 64; ++pods) {
    const int vus = pods + static_cast<int>(random.Below(50));
    Executor executor = Ramp(static_cast<int>(random.Below(20)), {}, vus);
    for (int stage = 0; stage < 4; ++stage)
      executor.stages.push_back({milliseconds(random.Below(3000)), int(random.Below(60))});
    std::vector<nanoseconds> sum;
    for (int pod = 0; pod < pods; ++pod) {
      const auto mine = All(executor, pods, pod);
      sum.insert(sum.end(), mine.begin(), mine.end());
    }
    std::sort(sum.begin(), sum.end());
    ASSERT_EQ(sum, All(executor, 1, 0)) << pods << " pods";
    for (const auto until : {nanoseconds(0), Length(executor) / 3, Length(executor) * 2}) {
      const auto before =
          std::count_if(sum.begin(), sum.end(), [&](auto at) { return at < until; });
      ASSERT_NEAR(static_cast<double>(PlannedIterations(executor, until)),
                  static_cast<double>(before), 1);
    }
  }
}

TEST(Arrivals, APodGetsThemInProportionToItsVus) {
  EXPECT_EQ(Dealing(6, 3), (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(Dealing(5, 2), (std::vector<int>{0, 1, 0, 1, 0}));
  EXPECT_EQ(Dealing(1, 1), (std::vector<int>{0}));
}

TEST(Iterations, AreDealtToPodsToTheLastOne) {
  Random random(7);
  for (int pods = 1; pods <= 64; ++pods) {
    Executor executor;
    executor.start_vus = pods + static_cast<int>(random.Below(50));
    executor.iterations = static_cast<std::int64_t>(random.Below(100'000)) + 1;
    for (const auto type : {ExecutorType::kSharedIterations, ExecutorType::kPerVuIterations}) {
      executor.type = type;
      std::int64_t sum = 0;
      for (int pod = 0; pod < pods; ++pod) sum += IterationsOf(executor, pods, pod);
      EXPECT_EQ(sum, PlannedIterations(executor, nanoseconds(0)));
    }
  }
}

TEST(Arrivals, OfADayAreCountedWithoutWalkingThroughThem) {
  EXPECT_EQ(PlannedIterations(Constant(100'000, hours(24), 10), hours(12)), 4'320'000'000);
  EXPECT_EQ(PlannedIterations(Ramp(0, {{hours(24), 100'000}}, 10), hours(48)), 4'320'000'000);
}

TEST(Arrivals, ScalingKeepsTheShape) {
  Executor executor = Ramp(100, {{seconds(60), 2000}, {seconds(0), 0}}, 500);
  executor.start_vus = 50;
  const Executor small = Scaled(executor, 0.1, 60);
  EXPECT_EQ(small.start_rate, 10);
  EXPECT_EQ(small.start_vus, 5);
  EXPECT_EQ(small.max_vus, 50);
  EXPECT_EQ(small.stages, (std::vector<Stage>{{seconds(1), 200}, {seconds(0), 0}}));
  EXPECT_EQ(small.time_unit, executor.time_unit);
  executor.iterations = 30;
  executor.type = ExecutorType::kSharedIterations;
  EXPECT_EQ(Scaled(executor, 0.1, 1).iterations, 3);
  executor.type = ExecutorType::kPerVuIterations;
  EXPECT_EQ(Scaled(executor, 0.1, 1).iterations, 30) << "else it would shrink twice";
}

}  // namespace
}  // namespace chaos::protocol
