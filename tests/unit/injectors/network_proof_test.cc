// When a bad link counts as proved, and as what it counts when it is not; the packets are in
// tests/integration.
#include "injectors/network_proof.h"

#include <gtest/gtest.h>

#include "injectors/protocol/events.h"

namespace chaos::inject {
namespace {

protocol::Effects Slow() {
  protocol::Effects effects;
  effects.delay = protocol::Delay{milliseconds(100), milliseconds(0), 0, {}};
  return effects;
}
protocol::Effects Lossy() {
  protocol::Effects effects;
  effects.loss = protocol::Loss{30, 0, 0};
  return effects;
}
protocol::Effects Narrow() {
  protocol::Effects effects;
  effects.rate = 10'000;
  return effects;
}

Timing Answers(milliseconds mean, std::size_t prompt = 20, std::size_t tried = 20) {
  return {tried, prompt, mean, mean};
}

NetworkProof::Seen Quiet(std::size_t peers = 1) {
  NetworkProof::Seen seen;
  seen.before.assign(peers, Answers(milliseconds(1), 5, 5));
  seen.during.assign(peers, Answers(milliseconds(1)));
  seen.control_before = Answers(milliseconds(1), 5, 5);
  seen.control_during = Answers(milliseconds(1));
  seen.counts.seen = 1000;
  return seen;
}

std::string_view Verdict(const protocol::Effects& effects, const NetworkProof::Seen& seen,
                         int directions = 1) {
  return NetworkProof(effects, directions).Judge(seen).reason;
}

TEST(NetworkProof, ADelayHasToBeSeenAtEveryPeerAndAsLongAsAskedFor) {
  NetworkProof::Seen seen = Quiet(2);
  EXPECT_EQ(Verdict(Slow(), seen), protocol::kNoEffect);
  seen.during[0] = Answers(milliseconds(101));
  EXPECT_EQ(Verdict(Slow(), seen), protocol::kPartialEffect);
  seen.during[1] = Answers(milliseconds(103));
  EXPECT_EQ(Verdict(Slow(), seen), "");
  seen.during.assign(2, Answers(milliseconds(140)));
  EXPECT_EQ(Verdict(Slow(), seen), protocol::kWrongDose);
  seen.during.assign(2, Answers(milliseconds(70)));
  EXPECT_EQ(Verdict(Slow(), seen), protocol::kWrongDose);
  seen.during.assign(2, Answers(milliseconds(0), 0));
  EXPECT_EQ(Verdict(Slow(), seen), protocol::kPartialEffect) << "nothing was answered at all";
}

TEST(NetworkProof, FiguresAreOfOnePacketHoweverManyDirections) {
  NetworkProof::Seen seen = Quiet();
  seen.during[0] = Answers(milliseconds(203));
  const Reading reading = NetworkProof(Slow(), 2).Judge(seen);
  EXPECT_EQ(reading.reason, "");
  EXPECT_EQ(reading.measured.at("delay"), "101ms");
  EXPECT_EQ(reading.measured.at("rttBefore"), "1ms");
  EXPECT_EQ(reading.measured.at("rttDuring"), "203ms");
}

TEST(NetworkProof, ALossHasToBeCountedAndSeenByConnects) {
  NetworkProof::Seen seen = Quiet();
  EXPECT_EQ(Verdict(Lossy(), seen), protocol::kNoEffect);
  seen.counts.lost = 300;
  seen.during[0] = Answers(milliseconds(1), 60, 60);
  EXPECT_EQ(Verdict(Lossy(), seen), protocol::kNoEffect) << "counted, but every connect succeeds";
  seen.during[0] = Answers(milliseconds(1), 42, 60);
  EXPECT_EQ(Verdict(Lossy(), seen), "");
  seen.counts.lost = 0;
  EXPECT_EQ(Verdict(Lossy(), seen), protocol::kNoEffect) << "others lose them, not this fault";
  seen.counts.lost = 600;
  EXPECT_EQ(Verdict(Lossy(), seen), protocol::kWrongDose);
  seen.counts.lost = 300;
  seen.during[0] = Answers(milliseconds(1), 5, 60);
  EXPECT_EQ(Verdict(Lossy(), seen), protocol::kWrongDose);
}

TEST(NetworkProof, ARateHasToHoldUpWhatComesAtOnce) {
  NetworkProof::Seen seen = Quiet();
  EXPECT_EQ(Verdict(Narrow(), seen), protocol::kPartialEffect) << "no connect waited";
  seen.waited = 20;
  seen.passed = 1500;
  seen.waited_for = milliseconds(2);
  EXPECT_EQ(Verdict(Narrow(), seen), protocol::kNoEffect);
  seen.waited_for = milliseconds(70);
  EXPECT_EQ(Verdict(Narrow(), seen), protocol::kWrongDose);
  seen.waited_for = milliseconds(150);
  EXPECT_EQ(Verdict(Narrow(), seen), "");
  EXPECT_EQ(NetworkProof(Narrow(), 1).Judge(seen).measured.at("rate"), "10000B/s");
  seen.waited_for = milliseconds(500);
  EXPECT_EQ(Verdict(Narrow(), seen), protocol::kWrongDose);
}

TEST(NetworkProof, WithoutAControlThatGoesOnNothingIsProved) {
  NetworkProof::Seen seen = Quiet();
  seen.during[0] = Answers(milliseconds(101));
  seen.control_during = Answers(milliseconds(100));
  EXPECT_EQ(Verdict(Slow(), seen), protocol::kSteadyStateNotMet) << "slow as the peer";
  seen.control_during = Answers(milliseconds(1), 15, 20);
  EXPECT_EQ(Verdict(Slow(), seen), protocol::kSteadyStateNotMet) << "a quarter lost";
  seen.control_during = Answers(milliseconds(1), 19, 20);
  EXPECT_EQ(Verdict(Slow(), seen), "");
}

TEST(NetworkProof, SmallSharesAreTriedMoreOftenAndNarrowLinksMoreSlowly) {
  const auto pace = [](const protocol::Effects& effects) {
    return NetworkProof(effects, 1).Pace(1, milliseconds(1));
  };
  protocol::Effects rare = Lossy();
  rare.loss->share = 1;
  EXPECT_EQ(pace(rare).rounds, 300);
  EXPECT_EQ(pace(Lossy()).rounds, 60);
  EXPECT_EQ(pace(Slow()).rounds, 20);
  EXPECT_GT(pace(Narrow()).gap, milliseconds(50));
  EXPECT_LT(pace(Lossy()).timeout, seconds(1)) << "a lost SYN is sent again after that";
}

}  // namespace
}  // namespace chaos::inject
