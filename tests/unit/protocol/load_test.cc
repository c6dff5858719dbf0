// What a load pod is told and what it says: golden texts, strict arguments, and lines that add up
// to one ledger whatever became of them on the way.
#include "injectors/protocol/load.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "operator/base/time_text.h"
#include "tests/unit/protocol/requests.h"

namespace chaos::protocol {
namespace {

constexpr const char* kLoad =
    R"({"executor":{"gracefulRampDown":"30s","gracefulStop":"10s","stages":[{"duration":"1m","target":100}],)"
    R"("startVUs":1},"linger":"30s","pivots":[{"trend":"ttft","us":500000.0}],"pods":3,"request":{)"
    R"("connectTimeout":"5s","expectTokens":false,"firstTokenTimeout":"0s","idleTimeout":"0s","maxTokens":50,)"
    R"("method":"GET","model":"tiny","prompts":["2+2="],"protocol":"rbee","timeout":"30s",)"
    R"("url":"http://10.0.0.1:7833"},"run":"0123456789","seed":18446744073709551615,)"
    R"("start":"2026-11-24T12:00:00.250Z","thinkMax":"2s","thinkMin":"0s","untilStopped":true,"v":1})";

std::string With(const std::string& part, const std::string& by) {
  std::string text = kLoad;
  const std::size_t at = text.find(part);
  EXPECT_NE(at, std::string::npos) << part;
  return text.replace(at, part.size(), by);
}

TEST(LoadArguments, RoundTripByteForByte) {
  const Result<LoadArguments> a = LoadFromJson(kLoad);
  ASSERT_TRUE(a) << a.error().detail;
  EXPECT_EQ(PrintJson(ToJson(*a)), kLoad);
  EXPECT_EQ(a->executor, (Executor{1, {{seconds(60), 100}}, seconds(30), seconds(10)}));
  EXPECT_EQ(a->pivots, (std::vector<Pivot>{{Trend::kTtft, 500'000}}));
  EXPECT_EQ(a->seed, UINT64_MAX);
  EXPECT_TRUE(a->until_stopped);
  EXPECT_EQ(a->think_max, seconds(2));

  LoadArguments http = *a;
  http.request = LoadRequest{};
  http.request.protocol = "http";
  http.request.url = "http://10.0.0.1:7833/health";
  http.request.method = "POST";
  http.request.body = "{}";
  http.request.content_type = "application/json";
  http.request.status_in = {200, 404};
  http.request.body_contains = "ok";
  const std::string text = PrintJson(ToJson(http));
  const Result<LoadArguments> back = LoadFromJson(text);
  ASSERT_TRUE(back) << back.error().detail;
  EXPECT_EQ(PrintJson(ToJson(*back)), text);
  EXPECT_EQ(back->request.status_in, (std::vector<int>{200, 404}));
}

TEST(LoadArguments, EveryExecutorComesBack) {
  LoadArguments a = *LoadFromJson(kLoad);
  for (const ExecutorType type :
       {ExecutorType::kPerVuIterations, ExecutorType::kSharedIterations,
        ExecutorType::kConstantArrivalRate, ExecutorType::kRampingArrivalRate}) {
    a.executor = {5, {{seconds(60), 7}}, seconds(1), seconds(2), type};
    if (a.executor.HasRate()) {
      a.executor.start_rate = 7;
      a.executor.max_vus = 9;
      a.executor.time_unit = milliseconds(1500);
    } else {
      a.executor.iterations = 12;
    }
    const Result<LoadArguments> back = LoadFromJson(PrintJson(ToJson(a)));
    ASSERT_TRUE(back) << Name(type) << ": " << back.error().detail;
    EXPECT_EQ(back->executor, a.executor);
  }
}

TEST(LoadArguments, BadOnesAreRefusedWithTheFieldThatIsWrong) {
  struct Row {
    std::string text, says;
  };
  const Row rows[] = {
      {"[]", "arguments must be an object"},
      {With(R"("v":1)", R"("v":2)"),
       "arguments.v must be 1: the load image is of another version than the operator"},
      {With("0123456789", "xyz"), "arguments.run must be 10 hex digits"},
      {With(R"("pods":3)", R"("pods":65)"), "arguments.pods must be 1 to 64"},
      {With(R"("pods":3)", R"("pods":0)"), "arguments.pods must be 1 to 64"},
      {With(R"("thinkMax":"2s")", R"("thinkMax":"-2s")"),
       "arguments.thinkMax must be a duration such as 30s"},
      {With(R"("thinkMin":"0s")", R"("thinkMin":"3s")"),
       "arguments.thinkMax must be no less than thinkMin"},
      {With(R"("untilStopped":true)", R"("untilStopped":1)"),
       "arguments.untilStopped must be true or false"},
      {With(R"("target":100)", R"("target":-1)"), "stages[0].target must be 0 to 1000000"},
      {With(R"("duration":"1m")", R"("duration":"49h")"),
       "executor.stages must be no longer than 48h together"},
      {With(R"([{"duration":"1m","target":100}])", "[]"),
       "executor.stages must be a list of 1 to 100 stages"},
      {With(R"("startVUs":1)", R"("startVUs":1,"type":"breakpoint")"),
       "executor.type must be the name of one of k6's executors"},
      {With(R"("startVUs":1)", R"("startVUs":1,"iterations":0,"type":"shared-iterations")"),
       "executor.iterations must be 1 to 1000000000"},
      {With(R"("startVUs":1)", R"("startVUs":1,"type":"shared-iterations")"),
       "arguments.pods must be no more than there are VUs"},
      {With(R"("startVUs":1)", R"("startVUs":0,"type":"shared-iterations")"),
       "executor.startVUs must be above 0"},
      {With(R"("startVUs":1)", R"("startVUs":1,"maxVUs":1,"type":"constant-arrival-rate")"),
       "executor.startRate must be 0 to 1000000, and above 0 where it is constant"},
      {With(R"("startVUs":1)", R"("startVUs":3,"maxVUs":2,"type":"ramping-arrival-rate")"),
       "executor.maxVUs must be no less than startVUs, and 1 to 1000000"},
      {With(R"("startVUs":1)",
            R"("startVUs":1,"maxVUs":2,"timeUnit":"0s","type":"ramping-arrival-rate")"),
       "executor.timeUnit must be 1ms to 48h"},
      {With(R"("startVUs":1)", R"("startVUs":-1)"), "executor.startVUs must be 0 to 1000000 VUs"},
      {With(R"("protocol":"rbee")", R"("protocol":"ftp")"),
       "request.protocol must be rbee or http"},
      {With(R"(["2+2="])", "[]"), "request.prompts must be a list with at least one prompt"},
      {With("http://10.0.0.1:7833", ""),
       "request.url must be an address such as http://10.0.0.1:7833"},
      {With(R"("timeout":"30s")", R"("timeout":"0s")"), "request.timeout must be above 0"},
      {With(R"("maxTokens":50)", R"("maxTokens":0)"), "request.maxTokens must be above 0"},
      {With(R"("expectTokens":false)", R"("expectTokens":"no")"),
       "request.expectTokens must be true or false"},
      {With(R"("trend":"ttft")", R"("trend":"errors")"),
       "pivots[0].trend must be the name of a trend such as ttft"},
      {With(R"("seed")", R"("speed":1,"seed")"), "arguments has an unknown field \"speed\""},
  };
  for (const Row& row : rows) {
    const Result<LoadArguments> arguments = LoadFromJson(row.text);
    ASSERT_FALSE(arguments) << row.text;
    EXPECT_EQ(arguments.error().detail, row.says);
  }
}

TEST(LoadLine, GoldenLineRoundTrips) {
  const std::string text =
      R"({"alive":7,"at":"2026-11-24T12:00:01.000Z","elapsedMs":1000,"errors":["connect refused"],"event":"load",)"
      R"("lagUs":90,"ledger":{"e":[[0,2,0,3,17,3]],"s":[[0,2,0,3,17,3]]},"pod":2,"seq":2,"throttledMs":1,"v":1,)"
      R"("vuMs":4000,"vus":4})";
  const Result<LoadLine> line = ParseLoadLine(text);
  ASSERT_TRUE(line) << line.error().detail;
  EXPECT_EQ(PrintLoadLine(*line), text);
  EXPECT_EQ(line->ledger.by_end.at(0).Of(Ending::kOk), 3);
  EXPECT_EQ(line->ledger.by_start.at(0).http_reqs, 3);
  const std::string ended =
      R"({"at":"2026-11-24T12:00:01.000Z","event":"ended","reason":"finished","seq":9,"v":1})";
  ASSERT_TRUE(ParseLoadLine(ended));
  EXPECT_EQ(PrintLoadLine(*ParseLoadLine(ended)), ended);
}

TEST(LoadLine, WhatIsNoLoadLineIsRefusedAndNothingIsUnbounded) {
  const std::string at = R"("at":"2026-11-24T12:00:01Z","event":"load")";
  for (const std::string& text :
       {std::string("hello"), std::string("{}"), "{" + at + "}", "{" + at + R"(,"seq":0})",
        std::string(R"({"seq":1,"event":"load","at":"soon"})"),
        std::string(R"({"seq":1,"at":"2026-11-24T12:00:01Z"})"), "{" + at + R"(,"seq":1,"pod":64})",
        "{" + at + R"(,"seq":1,"pod":-1})", "{" + at + R"(,"seq":1,"vus":5000000})",
        "{" + at + R"(,"seq":1,"lagUs":-1})", "{" + at + R"(,"seq":1,"ledger":{"e":[[0]]}})",
        "{" + at + R"(,"seq":1})" + std::string(kMaxLoadLine, ' ')}) {
    EXPECT_FALSE(ParseLoadLine(text)) << text.substr(0, 100);
  }
  std::string many = "{" + at + R"(,"seq":1,"errors":[)";
  for (int i = 0; i < 9; ++i)
    many += (i ? ",\"" : "\"") + std::string(255, 'x') + "\xc3\xbc" + std::string(9, 'y') + "\"";
  const Result<LoadLine> line = ParseLoadLine(many + "]}");
  ASSERT_TRUE(line);
  ASSERT_EQ(line->error_samples.size(), 5U);
  EXPECT_EQ(line->error_samples[0], std::string(255, 'x')) << "never half a character";
}

const PivotLists kPivots = {{{500'000}, {}, {}, {300, 70'000}, {9}, {}}};

struct Told {
  std::vector<LoadLine> lines;  // of all pods
  Ledger truth;                 // all requests, as one pod would have entered them
  std::int64_t worst_lag_us = 0, throttled_ms = 0;  // of pod 0
};

// Requests dealt to pods at random; each pod says a delta a second, and now and then everything.
Told Tell(Random& random, int pods, bool last_checkpoint) {
  Told told;
  const TimePoint t0 = *ParseTime("2026-11-24T12:00:00Z");
  struct Pod {
    Ledger delta, all;
    std::int64_t seq = 0, lag = 0, throttled = 0;
  };
  std::vector<Pod> state(static_cast<std::size_t>(pods));
  const auto say = [&](int pod, int second, std::string_view event, const Ledger& ledger,
                       std::int64_t lag, std::int64_t throttled) {
    LoadLine line;
    line.seq = ++state[static_cast<std::size_t>(pod)].seq;
    line.pod = pod;
    line.event = event;
    line.at = t0 + seconds(second);
    line.elapsed_ms = second * 1000;
    line.vu_ms = second * 4000;
    line.ledger = ledger;
    line.loop_lag_us = lag;
    line.throttled_ms = throttled;
    if (random.Chance(1, 3)) line.error_samples = {"sample " + std::to_string(random.Below(40))};
    told.lines.push_back(line);
  };
  for (int pod = 0; pod < pods; ++pod) say(pod, 0, kLoadStarted, {}, 0, 0);
  constexpr int kSeconds = 12;
  for (int second = 1; second <= kSeconds; ++second) {
    for (std::uint64_t n = random.Below(40); n > 0; --n) {
      Pod& pod = state[random.Below(state.size())];
      const Request request = RandomRequest(random, second);
      Enter(pod.delta, request, kPivots);
      Enter(told.truth, request, kPivots);
      const std::uint64_t gap = SkewedUs(random);
      EnterGap(pod.delta, second - 1, gap, kPivots);
      EnterGap(told.truth, second - 1, gap, kPivots);
    }
    for (int pod = 0; pod < pods; ++pod) {
      Pod& mine = state[static_cast<std::size_t>(pod)];
      const auto lag = static_cast<std::int64_t>(random.Below(1000));
      mine.lag = std::max(mine.lag, lag);
      ++mine.throttled;
      mine.all.Add(mine.delta);
      say(pod, second, kLoadDelta, mine.delta, lag, 1);
      mine.delta = {};
      if (random.Chance(1, 6) || (second == kSeconds && last_checkpoint))
        say(pod, second, kLoadCheckpoint, mine.all, mine.lag, mine.throttled);
    }
  }
  for (int pod = 0; pod < pods; ++pod) say(pod, kSeconds, kLoadEnded, {}, 0, 0);
  told.worst_lag_us = state[0].lag;
  told.throttled_ms = state[0].throttled;
  return told;
}

template <class Item>
void Shuffle(std::vector<Item>& items, Random& random) {
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random.Below(i)]);
}

// Through the wire, as the operator hears it.
void Hear(LoadLog& log, const LoadLine& line) {
  const Result<LoadLine> heard = ParseLoadLine(PrintLoadLine(line));
  ASSERT_TRUE(heard) << heard.error().detail;
  log.Add(*heard);
}

TEST(LoadLog, PodsEqualOnePodBitForBitInAnyOrderAndDoubled) {
  const std::uint64_t seed = ::testing::UnitTest::GetInstance()->random_seed() + 41;
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  for (int pods = 1; pods <= 16; ++pods) {
    Told told = Tell(random, pods, /*last_checkpoint=*/random.Chance(1, 2));
    for (std::size_t i = told.lines.size(); i-- > 0;) {
      if (random.Chance(1, 3)) told.lines.push_back(told.lines[i]);
    }
    Shuffle(told.lines, random);
    LoadLog log;
    for (const LoadLine& line : told.lines) Hear(log, line);
    ASSERT_EQ(log.Total(), told.truth) << pods << " pods";
    ASSERT_EQ(PrintJson(ToJson(log.Total())), PrintJson(ToJson(told.truth)));
    ASSERT_EQ(log.pods().size(), static_cast<std::size_t>(pods));
    for (const auto& [pod, state] : log.pods()) {
      EXPECT_FALSE(state.gap);
      EXPECT_TRUE(state.ended);
      EXPECT_EQ(state.whole_up_to, state.last_seq);
      EXPECT_EQ(state.elapsed_ms, 12'000);
    }
    EXPECT_EQ(log.pods().at(0).worst_lag_us, told.worst_lag_us);
    EXPECT_EQ(log.pods().at(0).throttled_ms, told.throttled_ms);
  }
}

TEST(LoadLog, LostLinesAreAGapUntilACheckpointMendsIt) {
  const std::uint64_t seed = ::testing::UnitTest::GetInstance()->random_seed() + 43;
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  for (int round = 0; round < 30; ++round) {
    const int pods = 1 + round % 5;
    const Told told = Tell(random, pods, /*last_checkpoint=*/true);
    std::vector<LoadLine> heard, late;
    for (const LoadLine& line : told.lines) {
      const bool is_last =
          line.event == kLoadEnded || (line.event == kLoadCheckpoint && line.elapsed_ms == 12'000);
      if (is_last) {
        late.push_back(line);
      } else if (!random.Chance(1, 3)) {
        heard.push_back(line);
      }
    }
    Shuffle(heard, random);
    Shuffle(late, random);
    LoadLog log;
    for (const LoadLine& line : heard) Hear(log, line);
    for (const LoadLine& line : late) Hear(log, line);
    ASSERT_EQ(log.Total(), told.truth) << "round " << round;
    for (const auto& [pod, state] : log.pods()) EXPECT_FALSE(state.gap);
    EXPECT_EQ(log.pods().at(0).worst_lag_us, told.worst_lag_us);
  }
}

TEST(LoadLog, EqualSetsOfLinesAreEqualLedgersAlsoWithHoles) {
  Random random(47);
  for (int round = 0; round < 30; ++round) {
    const Told told = Tell(random, 3, /*last_checkpoint=*/false);
    std::vector<LoadLine> heard;
    for (const LoadLine& line : told.lines) {
      if (!random.Chance(1, 3)) heard.push_back(line);
    }
    LoadLog log, other;
    for (const LoadLine& line : heard) Hear(log, line);
    Shuffle(heard, random);
    for (const LoadLine& line : heard) Hear(other, line);
    ASSERT_EQ(log.Total(), other.Total()) << "round " << round;
    ASSERT_EQ(log.error_samples(), other.error_samples());
    ASSERT_LE(log.error_samples().size(), 20U);
    for (const auto& [pod, state] : log.pods()) {
      ASSERT_EQ(state.gap, other.pods().at(pod).gap);
      ASSERT_EQ(state.whole_up_to, other.pods().at(pod).whole_up_to);
    }
  }
}

TEST(LoadLog, AHoleIsSeenAndWhatWasHeardStillCounts) {
  LoadLog log;
  LoadLine line;
  line.event = kLoadDelta;
  ++line.ledger.by_end[0].Of(Ending::kOk);
  for (const std::int64_t seq : {1, 2, 4}) {
    line.seq = seq;
    log.Add(line);
  }
  EXPECT_TRUE(log.pods().at(0).gap);
  EXPECT_EQ(log.pods().at(0).whole_up_to, 2);
  EXPECT_EQ(log.Total().by_end.at(0).Of(Ending::kOk), 3);
  line.seq = 3;
  log.Add(line);
  EXPECT_FALSE(log.pods().at(0).gap);
  EXPECT_EQ(log.Total().by_end.at(0).Of(Ending::kOk), 4);
}

}  // namespace
}  // namespace chaos::protocol
