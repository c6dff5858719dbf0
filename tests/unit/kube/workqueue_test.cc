#include "operator/kube/workqueue.h"

#include <gtest/gtest.h>

#include "tests/unit/kube/manual_clock.h"

namespace chaos::kube {
namespace {

const Key kA{"shop", "a"};
const Key kB{"shop", "b"};

struct Counting final : QueueObserver {
  void Added() override { ++added; }
  void Retried() override { ++retried; }
  void Waited(nanoseconds time) override { waited = time; }
  void Worked(nanoseconds time) override { worked = time; }
  int added = 0, retried = 0;
  nanoseconds waited{0}, worked{0};
};

class WorkQueueTest : public testing::Test {
 protected:
  ManualClock clock_;
  Counting counting_;
  WorkQueue queue_{clock_, &counting_};
};

TEST_F(WorkQueueTest, AKeyAddedOftenIsTakenOnce) {
  queue_.Add(kA);
  queue_.Add(kA);
  EXPECT_EQ(queue_.Take(), kA);
  EXPECT_EQ(queue_.Take(), std::nullopt);
  queue_.Done(kA);
  EXPECT_EQ(queue_.Take(), std::nullopt);
}

TEST_F(WorkQueueTest, TwoWorkersNeverHoldOneKey) {
  queue_.Add(kA);
  EXPECT_EQ(queue_.Take(), kA);
  queue_.Add(kA);
  EXPECT_EQ(queue_.Take(), std::nullopt) << "it is being worked on";
  EXPECT_EQ(queue_.UntilNext(), std::chrono::hours(1));
  queue_.Done(kA);
  EXPECT_EQ(queue_.Take(), kA) << "what came meanwhile is looked at afterwards";
}

TEST_F(WorkQueueTest, TheLongestDueComesFirst) {
  queue_.Add(kB);
  clock_.Advance(milliseconds(1));
  queue_.Add(kA);
  EXPECT_EQ(queue_.Take(), kB);
  EXPECT_EQ(queue_.Take(), kA);
}

TEST_F(WorkQueueTest, TheEarliestOfAllTimesWins) {
  queue_.AddAfter(kA, seconds(10));
  queue_.AddAfter(kA, seconds(5));
  queue_.AddAfter(kA, seconds(20));
  EXPECT_EQ(queue_.UntilNext(), seconds(5));
  EXPECT_EQ(queue_.Take(), std::nullopt);
  clock_.Advance(seconds(5));
  EXPECT_EQ(queue_.UntilNext(), milliseconds(0));
  EXPECT_EQ(queue_.Take(), kA);
  queue_.Done(kA);
  clock_.Advance(seconds(60));
  EXPECT_EQ(queue_.Take(), std::nullopt) << "the later times went with it";
}

TEST_F(WorkQueueTest, ATimeAskedForDuringTheWorkIsKept) {
  queue_.Add(kA);
  ASSERT_EQ(queue_.Take(), kA);
  queue_.AddAfter(kA, seconds(3));
  queue_.Done(kA);
  EXPECT_EQ(queue_.UntilNext(), seconds(3));
}

TEST_F(WorkQueueTest, RetriesBackOffFromFiveMillisecondsToThousandSeconds) {
  milliseconds expected{5};
  for (int i = 0; i < 25; ++i) {
    queue_.AddRateLimited(kA);
    EXPECT_EQ(queue_.UntilNext(), std::min<milliseconds>(expected, seconds(1000)));
    clock_.Advance(queue_.UntilNext());
    ASSERT_EQ(queue_.Take(), kA);
    queue_.Done(kA);
    expected *= 2;
  }
  queue_.Forget(kA);
  queue_.AddRateLimited(kA);
  EXPECT_EQ(queue_.UntilNext(), milliseconds(5));
  EXPECT_EQ(counting_.retried, 26);
}

TEST_F(WorkQueueTest, AnEventDuringBackOffRunsAtOnce) {
  for (int i = 0; i < 12; ++i) queue_.AddRateLimited(kA);
  clock_.Advance(milliseconds(5));
  ASSERT_EQ(queue_.Take(), kA);
  queue_.Done(kA);
  queue_.AddRateLimited(kA);
  ASSERT_GT(queue_.UntilNext(), seconds(1));
  queue_.Add(kA);
  EXPECT_EQ(queue_.Take(), kA);
}

TEST_F(WorkQueueTest, WakesWhenSomethingMayBeTakeableSooner) {
  int wakes = 0;
  queue_.OnReady([&] { ++wakes; });
  queue_.Add(kA);
  EXPECT_EQ(wakes, 1);
  ASSERT_EQ(queue_.Take(), kA);
  queue_.Add(kA);
  const int before = wakes;
  queue_.Done(kA);
  EXPECT_GT(wakes, before) << "the key that came meanwhile";
}

TEST_F(WorkQueueTest, FiguresSayHowMuchWaitsAndHowLongWorkTakes) {
  queue_.Add(kA);
  queue_.AddAfter(kB, seconds(9));
  EXPECT_EQ(queue_.Figures().depth, 1u);
  EXPECT_EQ(queue_.Figures().waiting, 1u);
  clock_.Advance(milliseconds(20));
  ASSERT_EQ(queue_.Take(), kA);
  EXPECT_EQ(counting_.waited, milliseconds(20));
  clock_.Advance(milliseconds(30));
  EXPECT_EQ(queue_.Figures().processing, 1u);
  EXPECT_EQ(queue_.Figures().unfinished, milliseconds(30));
  EXPECT_EQ(queue_.Figures().longest_running, milliseconds(30));
  queue_.Done(kA);
  EXPECT_EQ(counting_.worked, milliseconds(30));
  EXPECT_EQ(counting_.added, 2);
}

}  // namespace
}  // namespace chaos::kube
