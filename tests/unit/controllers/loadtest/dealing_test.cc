// Loads that deal out iterations: what a spec comes to, how much of it was there, and that what was
// dropped is never passed over.
#include <gtest/gtest.h>

#include "controllers/loadtest/verdict.h"
#include "tests/unit/controllers/loadtest/fixture.h"

namespace chaos::loadtest {
namespace {

using protocol::Ending;
using protocol::ExecutorType;

LoadTest With(const char* executor, const Json& thresholds = Json::array()) {
  Json spec = SpecJson();
  spec["executor"] = Json::parse(executor);
  spec["thresholds"] = thresholds;
  return MakeTest(spec);
}

constexpr const char* kRate =
    R"({"type": "constant-arrival-rate", "rate": 10, "duration": "60s", "preAllocatedVUs": 4})";
constexpr const char* kShared = R"({"type": "shared-iterations", "vus": 4, "iterations": 600})";

TEST(Dealing, EveryExecutorIsReadWithItsDefaults) {
  const protocol::Executor shared = WorkOut(With(kShared))->executor;
  EXPECT_EQ(shared.type, ExecutorType::kSharedIterations);
  EXPECT_EQ(shared.iterations, 600);
  EXPECT_EQ(protocol::Length(shared), std::chrono::minutes(10));
  EXPECT_EQ(protocol::MaxVus(shared), 4);

  const protocol::Executor own =
      WorkOut(
          With(R"({"type": "per-vu-iterations", "vus": 3, "iterations": 7, "maxDuration": "1m"})"))
          ->executor;
  EXPECT_EQ(own.type, ExecutorType::kPerVuIterations);
  EXPECT_EQ(own.iterations, 7);
  EXPECT_EQ(protocol::Length(own), seconds(60));

  const protocol::Executor rate = WorkOut(With(kRate))->executor;
  EXPECT_EQ(rate.type, ExecutorType::kConstantArrivalRate);
  EXPECT_EQ(rate.start_rate, 10);
  EXPECT_EQ(rate.start_vus, 4);
  EXPECT_EQ(rate.max_vus, 4);
  EXPECT_EQ(rate.time_unit, seconds(1));

  const protocol::Executor ramp =
      WorkOut(
          With(
              R"({"type": "ramping-arrival-rate", "timeUnit": "1m", "preAllocatedVUs": 2, "maxVUs": 9,
                   "stages": [{"duration": "30s", "target": 120}]})"))
          ->executor;
  EXPECT_EQ(ramp.type, ExecutorType::kRampingArrivalRate);
  EXPECT_EQ(ramp.start_rate, 0);
  EXPECT_EQ(ramp.max_vus, 9);
  EXPECT_EQ(ramp.time_unit, seconds(60));
  EXPECT_EQ(ramp.stages, (std::vector<protocol::Stage>{{seconds(30), 120}}));
}

TEST(Dealing, AFieldThatIsItsDefaultIsTheSameRun) {
  EXPECT_EQ(With(kShared).spec_hash,
            With(R"({"type": "shared-iterations", "vus": 4, "iterations": 600,
                     "maxDuration": "10m", "gracefulStop": "30s"})")
                .spec_hash);
  EXPECT_EQ(With(kRate).spec_hash,
            With(R"({"type": "constant-arrival-rate", "rate": 10, "duration": "60s",
                     "preAllocatedVUs": 4, "timeUnit": "1s"})")
                .spec_hash);
  EXPECT_NE(With(kRate).spec_hash, With(kShared).spec_hash);
}

// What one pod has done by the second `elapsed`.
protocol::LoadLine Line(int pod, int elapsed, std::int64_t ok, std::int64_t dropped,
                        std::int64_t alive = 0, bool ended = true) {
  protocol::LoadLine line;
  line.seq = 1;
  line.pod = pod;
  line.at = T(elapsed);
  line.event = ended ? "ended" : "load";
  line.elapsed_ms = elapsed * 1000;
  line.vu_ms = elapsed * 2000;
  line.alive = alive;
  for (auto* side : {&line.ledger.by_start, &line.ledger.by_end}) {
    protocol::Cell& cell = (*side)[elapsed - 1];
    cell.Of(Ending::kOk) = ok;
    cell.dropped = dropped;
  }
  return line;
}

Measured After(const LoadTest& test, const std::vector<protocol::LoadLine>& lines, int until) {
  protocol::LoadLog log;
  for (const auto& line : lines) log.Add(line);
  return Measure(*WorkOut(test), log, {}, T(0), T(until));
}

TEST(Dealing, CoverageIsOfTheIterationsThatWereDue) {
  const LoadTest rate = With(kRate);
  EXPECT_EQ(After(rate, {Line(0, 60, 300, 0), Line(1, 60, 250, 50)}, 60).coverage, 1);
  EXPECT_EQ(After(rate, {Line(0, 60, 300, 0)}, 60).coverage, 0.5) << "one pod was never there";
  EXPECT_EQ(
      After(rate, {Line(0, 30, 140, 0, 10, false), Line(1, 30, 150, 0, 0, false)}, 30).coverage, 1)
      << "what is under way has begun";
  EXPECT_LT(After(rate, {Line(0, 10, 40, 0, 10, false), Line(1, 60, 300, 0)}, 60).coverage, 0.6)
      << "but not for ever";
  const LoadTest shared = With(kShared);
  EXPECT_EQ(After(shared, {Line(0, 5, 300, 0), Line(1, 7, 300, 0)}, 7).coverage, 1);
  EXPECT_EQ(After(shared, {Line(0, 5, 300, 0)}, 7).coverage, 0.5);
}

Judgement Verdict(const LoadTest& test, std::int64_t ok, std::int64_t dropped) {
  const Workload workload = *WorkOut(test);
  protocol::LoadLog log;
  log.Add(Line(0, 60, ok, dropped));
  const Measured measured = Measure(workload, log, {}, T(0), T(60));
  Status status;
  FillFigures(workload, measured, log, false, status);
  EXPECT_EQ(status.phases["all"].dropped, dropped);
  EXPECT_EQ(Status::FromJson(status.ToJson()).phases["all"].dropped, dropped);
  return Judge(test, workload, measured, {.ended = 1, .lost = {}, .never_started = ""}, status);
}

TEST(Dealing, ALoadThatWasNotTheOneAskedForIsNoVerdict) {
  EXPECT_EQ(Verdict(With(kRate), 600, 0).verdict, "Passed");
  EXPECT_EQ(Verdict(With(kRate), 540, 60).verdict, "Passed") << "a tenth";
  const Judgement much = Verdict(With(kRate), 539, 61);
  EXPECT_EQ(much.verdict, "Inconclusive");
  EXPECT_EQ(much.reason, "IterationsDropped");
  EXPECT_EQ(much.message,
            "61 of 600 iterations never began: raise maxVUs, or say in a threshold of "
            "dropped_iterations how many may");
  EXPECT_NE(Verdict(With(kShared), 300, 300).message.find("raise maxDuration"), std::string::npos);
}

TEST(Dealing, WhoSaysHowManyMayBeDroppedIsTakenAtTheirWord) {
  const auto at_most = [](const char* expression) {
    return With(kRate,
                Json::array({{{"metric", "dropped_iterations"}, {"expression", expression}}}));
  };
  EXPECT_EQ(Verdict(at_most("count<=300"), 300, 300).verdict, "Passed");
  const Judgement broken = Verdict(at_most("count<1"), 599, 1);
  EXPECT_EQ(broken.verdict, "Failed");
  EXPECT_EQ(broken.message, "dropped_iterations count<1 (it was 1)");
  EXPECT_EQ(Verdict(at_most("count<1"), 600, 0).verdict, "Passed");
}

TEST(Dealing, TheSummarySaysWhatWasDropped) {
  const LoadTest test = With(kRate);
  Status status;
  protocol::LoadLog log;
  log.Add(Line(0, 60, 590, 10));
  FillFigures(*WorkOut(test), Measure(*WorkOut(test), log, {}, T(0), T(60)), log, false, status);
  EXPECT_EQ(Summarize(status, {"Passed", "", ""}), "590 requests in 1m, errors 0%, dropped 10");
}

}  // namespace
}  // namespace chaos::loadtest
