#include "operator/kube/events.h"

#include <gtest/gtest.h>

#include "tests/unit/kube/manual_clock.h"
#include "tests/unit/kube/tiny_api.h"

namespace chaos::kube {
namespace {

Note Sample(std::string note = "queen cut off") {
  ObjectMeta meta;
  meta.key = {"shop", "nf-001"};
  meta.uid = "u1";
  return {&kExperiments, meta, EventKind::kNormal, "Injected", "Inject", std::move(note), "run1"};
}

class EventsTest : public testing::Test {
 protected:
  void StepAll() {
    for (int i = 0; i < 1000 && recorder_.Step() < std::chrono::hours(1); ++i) {
    }
  }
  ManualClock clock_;
  TinyApi api_;
  Client client_{api_};
  EventRecorder recorder_{client_, clock_, "chaos.rbee.dev/operator", "operator-0"};
};

TEST_F(EventsTest, AnEventSaysWhatTheApiWants) {
  recorder_.Record(Sample());
  StepAll();
  ASSERT_EQ(api_.objects.size(), 1u);
  const Json& event = api_.objects.begin()->second;
  EXPECT_EQ(Text(event, {"regarding", "apiVersion"}), "chaos.rbee.dev/v1alpha1");
  EXPECT_EQ(Text(event, {"regarding", "kind"}), "ChaosExperiment");
  EXPECT_EQ(Text(event, {"metadata", "namespace"}), "shop");
  EXPECT_EQ(Text(event, {"type"}), "Normal");
  EXPECT_EQ(Text(event, {"eventTime"}), "2026-11-24T01:00:00.000000Z");
  EXPECT_EQ(Text(event, {"reportingController"}), "chaos.rbee.dev/operator");
  EXPECT_FALSE(event["metadata"].contains("generateName"));
}

TEST_F(EventsTest, ARepeatWithinSixMinutesIsNotWrittenAndALaterOneIsASeries) {
  recorder_.Record(Sample());
  StepAll();
  recorder_.Record(Sample());
  clock_.Advance(std::chrono::minutes(6) - seconds(1));
  recorder_.Record(Sample());
  StepAll();
  EXPECT_EQ(api_.sent().size(), 1u);
  EXPECT_EQ(recorder_.Figures().repeated, 2);
  clock_.Advance(seconds(1));
  recorder_.Record(Sample());
  StepAll();
  ASSERT_EQ(api_.objects.size(), 1u);
  EXPECT_EQ(Integer(api_.objects.begin()->second, {"series", "count"}), 4);
  EXPECT_EQ(recorder_.Figures().written, 2);
}

TEST_F(EventsTest, AnotherNoteOrRunIsAnotherEvent) {
  Note other_run = Sample();
  other_run.run = "run2";
  EXPECT_NE(EventName(Sample()), EventName(other_run));
  EXPECT_NE(EventName(Sample()), EventName(Sample("another")));
  EXPECT_EQ(EventName(Sample()), EventName(Sample()));
  EXPECT_EQ(EventName(Sample()).substr(0, 7), "nf-001.");
}

TEST_F(EventsTest, ASuccessorGoesOnWithTheSeriesOfItsPredecessor) {
  recorder_.Record(Sample());
  StepAll();
  EventRecorder successor(client_, clock_, "chaos.rbee.dev/operator", "operator-1");
  successor.Record(Sample());
  successor.Step();
  ASSERT_EQ(api_.objects.size(), 1u);
  EXPECT_EQ(Integer(api_.objects.begin()->second, {"series", "count"}), 2);
  EXPECT_EQ(successor.Figures().failed, 0);
}

TEST_F(EventsTest, AnEventThatExpiredIsMadeAnew) {
  recorder_.Record(Sample());
  StepAll();
  api_.objects.clear();
  clock_.Advance(std::chrono::hours(2));
  recorder_.Record(Sample());
  StepAll();
  EXPECT_EQ(api_.objects.size(), 1u);
}

TEST_F(EventsTest, AFailureIsCountedAndARepeatMayTryAgain) {
  api_.down = true;
  recorder_.Record(Sample());
  StepAll();
  EXPECT_EQ(recorder_.Figures().failed, 1);
  api_.down = false;
  recorder_.Record(Sample());
  StepAll();
  EXPECT_EQ(recorder_.Figures().written, 1);
}

TEST_F(EventsTest, TheQueueIsBounded) {
  int wakes = 0;
  recorder_.OnWork([&] { ++wakes; });
  for (int i = 0; i < 300; ++i) recorder_.Record(Sample("note " + std::to_string(i)));
  EXPECT_EQ(recorder_.Figures().dropped, 300 - 256);
  EXPECT_EQ(wakes, 256);
  StepAll();
  EXPECT_EQ(api_.objects.size(), 256u);
}

TEST_F(EventsTest, LongNotesAreCutBetweenCharacters) {
  std::string note(1023, 'x');
  note += "é and more";
  const Json body = EventBody(Sample(note), clock_.Now(), "c", "i");
  EXPECT_EQ(Text(body, {"note"}), std::string(1023, 'x'));
}

TEST_F(EventsTest, EventsOfClusterWideObjectsLiveInDefault) {
  Note note = Sample();
  note.type = &kStops;
  note.regarding.key.ns.clear();
  const Json body = EventBody(note, clock_.Now(), "c", "i");
  EXPECT_EQ(Text(body, {"metadata", "namespace"}), "default");
  EXPECT_FALSE(body["regarding"].contains("namespace"));
}

}  // namespace
}  // namespace chaos::kube
