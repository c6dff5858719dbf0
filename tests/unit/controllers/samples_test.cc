#include <gtest/gtest.h>

#include "tests/unit/controllers/fixture.h"

namespace chaos::experiment {
namespace {

Spec TheSpec() { return MakeExperiment().spec; }

TEST(Recovery, StartsAtTheFirstGoodSampleOfAStableWindow) {
  World w;
  w.Line("sample", T(101), "hive-online", false);
  w.Line("sample", T(101), "queen-answers", true);
  w.Good(102, 110);
  const Recovery recovery = FindRecovery(TheSpec(), w.samples, T(100), T(160), T(110));
  EXPECT_EQ(Recovery::State::kRecovered, recovery.state);
  EXPECT_EQ(T(102), recovery.at);
}

TEST(Recovery, AFlapStartsTheWindowAnew) {
  World w;
  w.Good(100, 103);
  w.Line("sample", T(103), "hive-online", false);
  w.Line("sample", T(103), "queen-answers", true);
  w.Good(104, 112);
  EXPECT_EQ(T(104), FindRecovery(TheSpec(), w.samples, T(100), T(160), T(112)).at);
}

TEST(Recovery, WaitsForSamplesThatAreStillOnTheirWay) {
  World w;
  for (double t = 100; t < 110; t += 1)
    w.Line("sample", T(t), "hive-online");  // the other probe hangs
  EXPECT_EQ(Recovery::State::kNotYet,
            FindRecovery(TheSpec(), w.samples, T(100), T(160), T(110)).state);
}

TEST(Recovery, IsTooLateOnceNoWindowCanStartInTime) {
  World w;
  for (double t = 100; t < 170; t += 1) {
    w.Line("sample", T(t), "hive-online", false);
    w.Line("sample", T(t), "queen-answers");
  }
  const Recovery recovery = FindRecovery(TheSpec(), w.samples, T(100), T(160), T(170));
  EXPECT_EQ(Recovery::State::kTooLate, recovery.state);
  EXPECT_EQ("hive-online", recovery.waiting_for);
}

TEST(Recovery, SilenceIsNoDataAndNotAFailure) {
  World w;
  EXPECT_EQ(Recovery::State::kNoData,
            FindRecovery(TheSpec(), w.samples, T(100), T(160), T(300)).state);
}

TEST(SampleLog, ALineThatComesTwiceCountsOnce) {
  World w;
  w.Good(0, 5);
  SampleLog& log = w.samples;
  protocol::Event again;
  again.seq = 3;
  again.event = "sample";
  again.probe = "hive-online";
  again.at = T(1);
  log.Add(again);
  EXPECT_EQ(5u, log.Of("hive-online").size());
}

TEST(FirstFailure, OfASampleThatWasUnderWayIsItsEnd) {
  const std::vector<Sample> samples = {{T(1), false, milliseconds(100)},
                                       {T(9), false, milliseconds(1500)},
                                       {T(11), true, milliseconds(10)},
                                       {T(12), false, milliseconds(10)}};
  EXPECT_EQ(T(10.5), FirstFailure(samples, {T(10), T(20)}));
  EXPECT_EQ(T(12), FirstFailure(samples, {T(10.6), T(20)}));
  EXPECT_EQ(T(11), FirstSuccessAgain(samples, {T(10), T(12)}));
  EXPECT_TRUE(BrokenBy(samples[1], {T(10), T(20)}));
  EXPECT_FALSE(BrokenBy(samples[0], {T(10), T(20)})) << "it had ended before";
}

TEST(HasGap, IsALongerTimeWithoutASample) {
  std::vector<Sample> samples;
  for (int t = 0; t < 10; ++t) samples.push_back({T(t), true, {}});
  EXPECT_FALSE(HasGap(samples, seconds(1), {T(0), T(10)}));
  EXPECT_TRUE(HasGap(samples, seconds(1), {T(0), T(14)}));
  samples.erase(samples.begin() + 3, samples.begin() + 7);
  EXPECT_TRUE(HasGap(samples, seconds(1), {T(0), T(10)}));
}

TEST(FailingFor, NeedsAnUnbrokenRow) {
  World w;
  for (double t = 0; t < 10; t += 1) w.Line("sample", T(t), "hive-online", t == 5);
  EXPECT_TRUE(FailingFor(w.samples.Of("hive-online"), T(10), seconds(4)));
  EXPECT_FALSE(FailingFor(w.samples.Of("hive-online"), T(10), seconds(5)));
}

}  // namespace
}  // namespace chaos::experiment
