#include "injectors/load/recorder.h"

#include <gtest/gtest.h>

namespace chaos::load {
namespace {

using namespace std::chrono_literals;
using protocol::Cell;
using protocol::Ending;
using protocol::Trend;

TEST(Recorder, EntersARequestInTheSecondsOfItsStartAndItsEnd) {
  Recorder recorder({});
  recorder.Exchange(900ms, 1100ms, 910ms, false);
  recorder.Finish({.ending = Ending::kOk,
                   .start = 900ms,
                   .end = 2100ms,
                   .sent = 910ms,
                   .first_token = 1410ms,
                   .last_token = 2010ms,
                   .tokens = 4});
  const protocol::Ledger ledger = recorder.Take();
  EXPECT_EQ(ledger.by_start.size(), 1u);
  EXPECT_EQ(ledger.by_end.at(1).http_reqs, 1);
  const Cell& start = ledger.by_start.at(0);
  const Cell& end = ledger.by_end.at(2);
  for (const Cell* cell : {&start, &end}) {
    EXPECT_EQ(cell->Of(Ending::kOk), 1);
    EXPECT_EQ(cell->tokens, 4);
    EXPECT_EQ(cell->Of(Trend::kTtft).sum_us, 500'000);
    EXPECT_EQ(cell->Of(Trend::kTpot).sum_us, 200'000);
    EXPECT_EQ(cell->Of(Trend::kE2e).sum_us, 1'190'000) << "from the first byte written";
    EXPECT_EQ(cell->Of(Trend::kIterationDuration).sum_us, 1'200'000);
  }
  EXPECT_EQ(start.Of(Trend::kHttpReqDuration).sum_us, 190'000);
  EXPECT_EQ(recorder.Take(), protocol::Ledger{}) << "taken once";
}

TEST(Recorder, GapsAreEnteredWhereTheyEnd) {
  Recorder recorder({{Trend::kItl, 20'000}});
  recorder.Gap(1999ms, 10ms);
  recorder.Gap(2001ms, 30ms);
  const protocol::Ledger ledger = recorder.Take();
  EXPECT_EQ(ledger.by_start, ledger.by_end);
  EXPECT_EQ(ledger.by_end.at(1).Of(Trend::kItl).n, 1);
  EXPECT_EQ(ledger.by_end.at(1).Of(Trend::kItl).below, std::vector<std::int64_t>{1});
  EXPECT_EQ(ledger.by_end.at(2).Of(Trend::kItl).not_above, std::vector<std::int64_t>{0});
}

TEST(Recorder, OnlyWhatWasObservedWholeEntersATrend) {
  struct Row {
    Ending ending;
    int tokens;
    int iteration, e2e, ttft, tpot;
  };
  for (const Row& row :
       {Row{Ending::kOk, 2, 1, 1, 1, 1}, Row{Ending::kOk, 1, 1, 1, 1, 0},
        Row{Ending::kOk, 0, 1, 1, 0, 0}, Row{Ending::kEndedShort, 2, 1, 1, 1, 1},
        Row{Ending::kTruncated, 2, 1, 0, 1, 0}, Row{Ending::kTotalTimeout, 0, 1, 0, 0, 0},
        Row{Ending::kInterrupted, 2, 0, 0, 1, 0}, Row{Ending::kGeneratorFault, 0, 0, 0, 0, 0}}) {
    SCOPED_TRACE(Name(row.ending));
    Recorder recorder({});
    Iteration it;
    it.ending = row.ending;
    it.end = 9s;
    it.sent = 1s;
    it.tokens = row.tokens;
    if (row.tokens > 0) it.first_token = 2s;
    if (row.tokens > 0) it.last_token = 3s;
    recorder.Finish(it);
    const protocol::Ledger ledger = recorder.Take();
    const Cell& cell = ledger.by_start.at(0);
    EXPECT_EQ(cell.Of(row.ending), 1) << "never dropped";
    EXPECT_EQ(cell.Of(Trend::kIterationDuration).n, row.iteration);
    EXPECT_EQ(cell.Of(Trend::kE2e).n, row.e2e);
    EXPECT_EQ(cell.Of(Trend::kTtft).n, row.ttft);
    EXPECT_EQ(cell.Of(Trend::kTpot).n, row.tpot);
  }
}

TEST(Recorder, WhatWasDroppedIsInTheSecondInWhichItWas) {
  Recorder recorder({});
  recorder.Drop(milliseconds(1999), 2);
  recorder.Drop(milliseconds(2000), 1);
  const protocol::Ledger ledger = recorder.Take();
  EXPECT_EQ(ledger.by_start.at(1).dropped, 2);
  EXPECT_EQ(ledger.by_start.at(2).dropped, 1);
  EXPECT_EQ(ledger.by_start, ledger.by_end);
  EXPECT_EQ(ledger.by_end.at(1).Begun(), 0);
}

TEST(Recorder, AnExchangeOfWhichNothingWasSentHasNoDuration) {
  Recorder recorder({});
  recorder.Exchange(0s, 1ms, {}, true);
  const protocol::Ledger ledger = recorder.Take();
  EXPECT_EQ(ledger.by_end.at(0).http_reqs, 1);
  EXPECT_EQ(ledger.by_end.at(0).http_req_failed, 1);
  EXPECT_EQ(ledger.by_end.at(0).Of(Trend::kHttpReqDuration).n, 0);
}

}  // namespace
}  // namespace chaos::load
