// What a link does to packets, counted over many of them; seeds are fixed, so nothing here is left
// to chance.
#include "injectors/link.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace chaos::inject {
namespace {

constexpr int kMany = 100'000;
constexpr nanoseconds kStep = milliseconds(1);

std::vector<Fate> Send(Link& link, int packets = kMany, std::uint32_t bytes = 100) {
  std::vector<Fate> fates;
  for (int i = 0; i < packets; ++i) fates.push_back(link.Next(kStep * i, bytes));
  return fates;
}

protocol::Effects Lossy(int share, int correlation, int burst) {
  protocol::Effects effects;
  effects.loss = protocol::Loss{share, correlation, burst};
  return effects;
}

protocol::Effects Slow(milliseconds latency, milliseconds jitter, int correlation = 0,
                       protocol::Distribution distribution = protocol::Distribution::kUniform) {
  protocol::Effects effects;
  effects.delay = protocol::Delay{latency, jitter, correlation, distribution};
  return effects;
}

// Mean length of the runs of lost packets.
double RunLength(const std::vector<Fate>& fates) {
  double lost = 0, runs = 0;
  for (std::size_t i = 0; i < fates.size(); ++i) {
    lost += fates[i].lost;
    runs += fates[i].lost && (i == 0 || !fates[i - 1].lost);
  }
  return lost / runs;
}

struct Delays {
  double mean = 0, deviation = 0, correlation = 0, least = 1e9, most = 0;  // milliseconds
};
Delays DelaysOf(const std::vector<Fate>& fates) {
  std::vector<double> delays;
  for (std::size_t i = 0; i < fates.size(); ++i)
    delays.push_back(static_cast<double>((fates[i].due - kStep * static_cast<int>(i)).count()) /
                     1e6);
  Delays found;
  for (const double delay : delays) {
    found.mean += delay / static_cast<double>(delays.size());
    found.least = std::min(found.least, delay);
    found.most = std::max(found.most, delay);
  }
  double square = 0, product = 0;
  for (std::size_t i = 0; i < delays.size(); ++i) {
    square += (delays[i] - found.mean) * (delays[i] - found.mean);
    if (i > 0) product += (delays[i] - found.mean) * (delays[i - 1] - found.mean);
  }
  found.deviation = std::sqrt(square / static_cast<double>(delays.size()));
  found.correlation = product / square;
  return found;
}

TEST(Link, LosesTheShareThatWasAskedForHoweverItClumps) {
  struct Row {
    int share, correlation, burst;
    double run;  // mean length of a run of losses
  };
  for (const Row& row : {Row{1, 0, 0, 1.01}, Row{30, 0, 0, 1.43}, Row{90, 0, 0, 10},
                         Row{30, 75, 0, 3}, Row{10, 0, 8, 8}, Row{50, 0, 20, 20}}) {
    SCOPED_TRACE(std::to_string(row.share) + "% " + std::to_string(row.burst));
    Link link(Lossy(row.share, row.correlation, row.burst), 7);
    const std::vector<Fate> fates = Send(link);
    EXPECT_EQ(link.counts().seen, static_cast<std::uint64_t>(kMany));
    EXPECT_NEAR(static_cast<double>(link.counts().lost) / kMany, row.share / 100.0,
                0.003 + row.share / 100.0 * 0.12);
    EXPECT_NEAR(RunLength(fates), row.run, row.run * 0.15);
  }
}

TEST(Link, DelaysByLatencyAndJitterInTheDistributionAskedFor) {
  Link plain(Slow(milliseconds(500), milliseconds(0)), 1);
  const Delays exact = DelaysOf(Send(plain));
  EXPECT_EQ(exact.least, 500);
  EXPECT_EQ(exact.most, 500);
  Link uniform(Slow(milliseconds(500), milliseconds(100)), 1);
  const Delays even = DelaysOf(Send(uniform));
  EXPECT_NEAR(even.mean, 500, 2);
  EXPECT_NEAR(even.deviation, 100 / std::sqrt(3), 2);
  EXPECT_GE(even.least, 400);
  EXPECT_LE(even.most, 600);
  EXPECT_NEAR(even.correlation, 0, 0.03);
  Link normal(Slow(milliseconds(500), milliseconds(100), 0, protocol::Distribution::kNormal), 1);
  const Delays bell = DelaysOf(Send(normal));
  EXPECT_NEAR(bell.mean, 500, 3);
  EXPECT_NEAR(bell.deviation, 100, 3);
  EXPECT_GT(bell.most, 700);
}

TEST(Link, CorrelationLeavesMeanAndSpreadAsTheyAre) {
  Link link(Slow(milliseconds(500), milliseconds(100), 60), 3);
  const Delays found = DelaysOf(Send(link));
  EXPECT_NEAR(found.mean, 500, 6);
  EXPECT_NEAR(found.deviation, 100 / std::sqrt(3), 4);
  EXPECT_NEAR(found.correlation, 0.58, 0.05);
}

TEST(Link, NeverLetsAPacketGoBeforeItCame) {
  Link link(Slow(milliseconds(10), milliseconds(10), 0, protocol::Distribution::kNormal), 1);
  EXPECT_EQ(DelaysOf(Send(link)).least, 0);
}

TEST(Link, PacketsThatAreReorderedSkipTheDelay) {
  protocol::Effects effects = Slow(milliseconds(50), milliseconds(0));
  effects.reorder = 25;
  Link link(effects, 5);
  int ahead = 0, i = 0;
  for (const Fate& fate : Send(link)) ahead += fate.due == kStep * i++;
  EXPECT_NEAR(static_cast<double>(ahead) / kMany, 0.25, 0.01);
  EXPECT_EQ(link.counts().reordered, static_cast<std::uint64_t>(ahead));
}

TEST(Link, CorruptsTheShareThatWasAskedFor) {
  protocol::Effects effects;
  effects.corrupt = 10;
  Link link(effects, 5);
  int corrupted = 0;
  for (const Fate& fate : Send(link)) corrupted += fate.corrupted;
  EXPECT_NEAR(static_cast<double>(corrupted) / kMany, 0.1, 0.01);
  EXPECT_EQ(link.counts().corrupted, static_cast<std::uint64_t>(corrupted));
}

TEST(Link, ARatePacesWhatComesTooFastAndKeepsNoMoreThanARouterWould) {
  protocol::Effects effects;
  effects.rate = 10'000;
  Link link(effects, 5);
  nanoseconds last{0};
  int passed = 0;
  for (int i = 0; i < 100; ++i) {  // 100 kB at once: 10 s
    const Fate fate = link.Next(nanoseconds(0), 1000);
    if (fate.lost) continue;
    EXPECT_EQ(fate.due - last, milliseconds(100));
    last = fate.due;
    ++passed;
  }
  EXPECT_EQ(passed, 33);  // 32 KiB wait, and one more is on its way
  EXPECT_EQ(link.counts().overflowed, 67U);
  EXPECT_EQ(link.counts().bytes, 33'000U);
  const Fate later = link.Next(seconds(60), 1000);
  EXPECT_EQ(later.due, seconds(60) + milliseconds(100));
}

TEST(Link, TheSameSeedGivesTheSameFates) {
  protocol::Effects effects = Slow(milliseconds(500), milliseconds(100));
  effects.loss = protocol::Loss{30, 0, 0};
  Link one(effects, 42), same(effects, 42), other(effects, 43);
  int differ = 0;
  for (int i = 0; i < 100; ++i) {
    const Fate a = one.Next(kStep * i, 100), b = same.Next(kStep * i, 100),
               c = other.Next(kStep * i, 100);
    EXPECT_EQ(a.lost, b.lost);
    EXPECT_EQ(a.due, b.due);
    differ += a.due != c.due;
  }
  EXPECT_GT(differ, 50);
}

}  // namespace
}  // namespace chaos::inject
