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

TEST(FailingFor, NeedsAnUnbrokenRow) {
  World w;
  for (double t = 0; t < 10; t += 1) w.Line("sample", T(t), "hive-online", t == 5);
  EXPECT_TRUE(FailingFor(w.samples.Of("hive-online"), T(10), seconds(4)));
  EXPECT_FALSE(FailingFor(w.samples.Of("hive-online"), T(10), seconds(5)));
}

}  // namespace
}  // namespace chaos::experiment
