// Counts add up whatever the order, phases are exact for a fault known only afterwards, and the
// wire form is one text per ledger.
#include "injectors/protocol/ledger.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/protocol/requests.h"

namespace chaos::protocol {
namespace {

const PivotLists kPivots = {{{500'000, 1000.5}, {}, {20}, {300}, {7, 8, 9}, {}}};

Ledger RandomLedger(Random& random, int requests, int seconds) {
  Ledger ledger;
  for (int i = 0; i < requests; ++i) Enter(ledger, RandomRequest(random, seconds), kPivots);
  for (int i = 0; i < requests; ++i)
    EnterGap(ledger, static_cast<int>(random.Below(std::uint64_t(seconds))), SkewedUs(random),
             kPivots);
  for (std::uint64_t n = random.Below(4); n > 0; --n) {
    const int second = static_cast<int>(random.Below(std::uint64_t(seconds)));
    ledger.by_start[second].dropped += 3;
    ledger.by_end[second].dropped += 3;
  }
  return ledger;
}

TEST(Buckets, CoverEverythingWithoutOverlapAndWithinTheirError) {
  for (std::uint32_t index = 0; index < Buckets::kCount; ++index) {
    const std::uint64_t low = Buckets::Lowest(index), high = Buckets::Highest(index);
    ASSERT_LE(low, high);
    ASSERT_EQ(Buckets::Index(low), index);
    ASSERT_EQ(Buckets::Index(high), index);
    ASSERT_EQ(index == 0 ? 0 : Buckets::Highest(index - 1) + 1, low);
    ASSERT_LE((high - low) * 128, low) << "exact to 255, then within 1/128";
  }
  EXPECT_EQ(Buckets::Highest(Buckets::kCount - 1), UINT64_MAX);
}

TEST(Buckets, APercentileReadBackIsWithinItsError) {
  Random random(5);
  for (int round = 0; round < 50; ++round) {
    std::multiset<std::uint64_t> values;
    TrendCount trend;
    for (std::uint64_t n = 1 + random.Below(300); n > 0; --n) {
      const std::uint64_t us = SkewedUs(random);
      values.insert(us);
      trend.Record(us, {});
    }
    for (const double percent : {0.0, 1.0, 50.0, 95.0, 99.9, 100.0}) {
      const std::int64_t rank = NearestRank(percent, trend.n);
      const double truth = static_cast<double>(*std::next(values.begin(), rank - 1)) / 1000;
      ASSERT_NEAR(*trend.Percentile(percent), truth, truth / 128);
    }
  }
  EXPECT_FALSE(TrendCount{}.Percentile(50));
  EXPECT_FALSE(TrendCount{}.Average());
}

TEST(NearestRank, IsTheCeilingOfTheDecimalProduct) {
  EXPECT_EQ(NearestRank(99.9, 1000), 999);
  EXPECT_EQ(NearestRank(99.9, 1001), 1000);
  EXPECT_EQ(NearestRank(0, 7), 1);
  EXPECT_EQ(NearestRank(100, 7), 7);
  EXPECT_EQ(NearestRank(50, 7), 4);
  EXPECT_EQ(NearestRank(50, 8), 4);
  for (std::int64_t tenths = 1; tenths <= 1000; ++tenths) {
    for (const std::int64_t n : {1, 10, 999, 1000, 123'456, 10'000'000}) {
      ASSERT_EQ(NearestRank(static_cast<double>(tenths) / 10, n), (tenths * n + 999) / 1000)
          << tenths << " of " << n;
    }
  }
}

TEST(Endings, OnlyTheTargetsOwnFaultsAreErrors) {
  std::string errors;
  for (std::size_t i = 0; i < kEndings; ++i) {
    if (IsError(static_cast<Ending>(i), /*expect_tokens=*/false))
      errors += std::string(Name(static_cast<Ending>(i))) + " ";
  }
  EXPECT_EQ(errors,
            "httpError connectError connectTimeout firstTokenTimeout idleTimeout totalTimeout "
            "errorEvent falseDone truncated wrongContent tokenGap tokenRepeated protocolError ");
  EXPECT_TRUE(IsError(Ending::kEndedShort, /*expect_tokens=*/true));
}

TEST(Ledger, WhatIsAddedAndTakenAwayLeavesNoTrace) {
  Random random(3);
  const Ledger a = RandomLedger(random, 200, 20), b = RandomLedger(random, 200, 20);
  Ledger sum = a;
  sum.Add(b);
  Ledger other = b;
  other.Add(a);
  EXPECT_EQ(sum, other);
  sum.Add(b, -1);
  EXPECT_EQ(sum, a);
  sum.Add(a, -1);
  EXPECT_EQ(sum, Ledger{});
}

TEST(Ledger, CountsStayAtTheLargestInsteadOfTurningAround) {
  TrendCount trend;
  for (int i = 0; i < 3; ++i) trend.Record(UINT64_MAX, {});
  EXPECT_EQ(trend.n, 3);
  EXPECT_EQ(trend.sum_us, INT64_MAX);
}

TEST(Ledger, PhasesEqualABruteForceOverTheRequests) {
  const std::uint64_t seed = ::testing::UnitTest::GetInstance()->random_seed() + 17;
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  for (int round = 0; round < 60; ++round) {
    std::vector<Request> requests;
    Ledger ledger;
    for (int i = 0; i < 150; ++i) {
      requests.push_back(RandomRequest(random, 12));
      Enter(ledger, requests.back(), kPivots);
    }
    std::int64_t from = static_cast<std::int64_t>(random.Below(14 * kSecond));
    std::int64_t to = from + static_cast<std::int64_t>(random.Below(6 * kSecond));
    if (random.Chance(1, 3)) from -= from % kSecond;
    if (random.Chance(1, 3)) to = (to / kSecond + 1) * kSecond;
    const bool is_open = random.Chance(1, 5);
    Cell before, during, after, all;
    for (const Request& r : requests) {
      Enter(all, r, kPivots);
      // The second in which it ended was over at `from`; the one in which it began, began after
      // `to`.
      if ((r.end_ns / kSecond + 1) * kSecond <= from)
        Enter(before, r, kPivots);
      else if (!is_open && r.start_ns / kSecond * kSecond >= to)
        Enter(after, r, kPivots);
      else
        Enter(during, r, kPivots);
    }
    const Phases phases =
        SplitByFault(ledger, from, is_open ? std::nullopt : std::optional<std::int64_t>(to));
    ASSERT_EQ(phases.before, before);
    ASSERT_EQ(phases.during, during);
    ASSERT_EQ(phases.after, after);
    ASSERT_EQ(phases.all, all);
    const Phases calm = SplitByFault(ledger, std::nullopt, to);
    ASSERT_EQ(calm.before, all);
    ASSERT_EQ(calm.during, Cell{});
    ASSERT_EQ(calm.after, Cell{});
  }
}

TEST(LedgerJson, IsOneTextPerLedgerAndReadsBack) {
  Random random(11);
  for (int round = 0; round < 30; ++round) {
    const Ledger ledger = RandomLedger(random, 100, 15);
    const std::string text = PrintJson(ToJson(ledger));
    const Result<Ledger> back = LedgerFromJson(*ParseJson(text));
    ASSERT_TRUE(back) << back.error().detail;
    ASSERT_EQ(*back, ledger);
    ASSERT_EQ(PrintJson(ToJson(*back)), text);
    // The same content, entered by way of something that was taken away again.
    Ledger detour = ledger;
    const Ledger more = RandomLedger(random, 50, 20);
    detour.Add(more);
    detour.Add(more, -1);
    ASSERT_EQ(PrintJson(ToJson(detour)), text);
  }
  EXPECT_EQ(PrintJson(ToJson(Ledger{})), "{}");
}

TEST(LedgerJson, GapsBetweenTokensCostOnce) {
  Ledger ledger;
  EnterGap(ledger, 12, 300, kPivots);
  EXPECT_EQ(PrintJson(ToJson(ledger)),
            R"({"e":[[12,0,4,1,300,3,0,0,0,0,0,0,1,278,1]],"s":[[12,0,-5]]})");
}

TEST(LedgerJson, WhatDoesNotAddUpIsRefused) {
  for (const char* text : {
           "[]",
           "3",
           R"({"e":3})",
           R"({"e":[3]})",
           R"({"e":[[]]})",
           R"({"e":[["a"]]})",
           R"({"e":[[0]]})",                  // cut
           R"({"e":[[0,0]]})",                // an empty cell
           R"({"e":[[-1,1,0,1]]})",           // before T0
           R"({"e":[[999999999,1,0,1]]})",    // in years
           R"({"e":[[5,1,0,1],[5,1,0,1]]})",  // a second twice
           R"({"e":[[5,1,0,1],[4,1,0,1]]})",  // backwards
           R"({"e":[[0,1,0,0]]})",
           R"({"e":[[0,1,0,-1]]})",     // a count of nothing
           R"({"e":[[0,2,1,1,0,1]]})",  // places backwards
           R"({"e":[[0,1,21,1]]})",     // no such place
           R"({"e":[[0,1,0,1.5]]})",
           R"({"e":[[0,1,0,18446744073709551615]]})",
           R"({"e":[[0,1,0,99999999999999999999]]})",
           R"({"e":[[0,0,6,1,1,0,1,1,1]]})",          // no such trend
           R"({"e":[[0,0,3,2,600,0,1,300,1]]})",      // n is 2, the buckets hold 1
           R"({"e":[[0,0,3,1,300,0,2,300,1,0,1]]})",  // a bucket twice
           R"({"e":[[0,0,3,1,300,0,1,7424,1]]})",     // no such bucket
           R"({"e":[[0,0,3,1,300,1,2,0,1,300,1]]})",  // more below than there are
           R"({"e":[[0,0,3,1,300,99,0,0]]})",         // too many pivots
           R"({"e":[[0,0,-4]]})",                     // nothing to be the same as
           R"({"s":[[0,0,-4]]})",
       }) {
    const Result<Json> json = ParseJson(text);
    ASSERT_TRUE(json) << text;
    EXPECT_FALSE(LedgerFromJson(*json)) << text;
  }
}

}  // namespace
}  // namespace chaos::protocol
