#include "operator/kube/lease.h"

#include <gtest/gtest.h>

#include "tests/unit/kube/manual_clock.h"
#include "tests/unit/kube/tiny_api.h"

namespace chaos::kube {
namespace {

constexpr const char* kPath = "/apis/coordination.k8s.io/v1/namespaces/chaos/leases/operator";

class LeaseTest : public testing::Test {
 protected:
  struct Replica {
    Replica(LeaseTest& test, const std::string& identity, std::uint64_t seed)
        : lease(
              test.client_, test.clock_, Random(seed), {"chaos", "operator", identity},
              [this](LeaseEvent event) { events += event == LeaseEvent::kAcquired ? "+" : "-"; }) {}
    std::string events;
    Lease lease;
  };
  // Ticks both as a runner would, for so long.
  void Run(Replica& one, Replica& other, nanoseconds duration) {
    const nanoseconds end = clock_.SinceBoot() + duration;
    nanoseconds next_one = clock_.SinceBoot(), next_other = next_one;
    while (std::min(next_one, next_other) < end) {
      const bool first = next_one <= next_other;
      clock_.Advance((first ? next_one : next_other) - clock_.SinceBoot());
      (first ? next_one : next_other) = clock_.SinceBoot() + (first ? one : other).lease.Tick();
    }
    clock_.Advance(end - clock_.SinceBoot());
  }
  bool Holds(const Replica& replica, milliseconds timeout) const {
    return replica.lease.HoldsFor(clock_.SinceBoot(), timeout);
  }
  ManualClock clock_;
  TinyApi api_;
  Client client_{api_, seconds(5)};
};

TEST_F(LeaseTest, TheFirstLeadsAndTheSecondStandsBy) {
  Replica a(*this, "a", 1), b(*this, "b", 2);
  Run(a, b, std::chrono::minutes(5));
  EXPECT_EQ(a.events, "+");
  EXPECT_EQ(b.events, "");
  EXPECT_TRUE(a.lease.Leading());
  EXPECT_EQ(a.lease.epoch(), 1);
  EXPECT_EQ(b.lease.epoch(), 0);
}

TEST_F(LeaseTest, ARenewalIsOneCallWithoutReading) {
  Replica a(*this, "a", 1);
  a.lease.Tick();
  const std::size_t before = api_.sent().size();
  EXPECT_EQ(a.lease.Tick(), seconds(2));
  ASSERT_EQ(api_.sent().size(), before + 1);
  EXPECT_EQ(api_.sent().back().method, Method::kPut);
}

TEST_F(LeaseTest, AStandbyWakesExactlyWhenTheLeaseExpires) {
  Replica a(*this, "a", 1), b(*this, "b", 2);
  a.lease.Tick();
  b.lease.Tick();  // the last that anybody hears of a
  const nanoseconds seen = clock_.SinceBoot();
  for (milliseconds pause = b.lease.Tick(); !b.lease.Leading(); pause = b.lease.Tick())
    clock_.Advance(pause);
  EXPECT_EQ(clock_.SinceBoot() - seen, seconds(15));
  EXPECT_EQ(b.lease.epoch(), 2);
}

TEST_F(LeaseTest, AfterADeathSomebodyLeadsWithinTheLeaseAndASecond) {
  for (std::uint64_t seed = 2; seed < 200; ++seed) {
    api_.objects.clear();
    Replica a(*this, "a", 1), b(*this, "b", seed);
    // Dies at any moment between two renewals; the standby goes on at its own pace.
    const nanoseconds died = clock_.SinceBoot() + seconds(20) + milliseconds(seed * 17);
    nanoseconds next_a = clock_.SinceBoot(), next_b = next_a;
    while (!b.lease.Leading()) {
      const bool first = next_a <= next_b && next_a < died;
      clock_.Advance((first ? next_a : next_b) - clock_.SinceBoot());
      (first ? next_a : next_b) = clock_.SinceBoot() + (first ? a : b).lease.Tick();
    }
    EXPECT_GT(clock_.SinceBoot(), died);
    EXPECT_LE(clock_.SinceBoot() - died, seconds(16)) << "seed " << seed;
  }
}

TEST_F(LeaseTest, ALeaderThatCannotRenewStopsBeforeAnybodyElseCanLead) {
  Replica a(*this, "a", 1), b(*this, "b", 2);
  a.lease.Tick();
  const nanoseconds sent = clock_.SinceBoot();
  b.lease.Tick();
  api_.down = true;
  for (milliseconds pause = a.lease.Tick(); a.lease.Leading(); pause = a.lease.Tick())
    clock_.Advance(pause);
  EXPECT_EQ(a.events, "+-");
  EXPECT_LE(clock_.SinceBoot() - sent, seconds(10));
  EXPECT_FALSE(Holds(a, milliseconds(0)));
}

TEST_F(LeaseTest, HoldsOnlyForCallsThatEndInTime) {
  Replica a(*this, "a", 1);
  EXPECT_FALSE(Holds(a, milliseconds(0)));
  a.lease.Tick();
  EXPECT_TRUE(Holds(a, seconds(10)));
  EXPECT_FALSE(Holds(a, seconds(10) + milliseconds(1)));
  clock_.Advance(seconds(6));
  EXPECT_TRUE(Holds(a, seconds(4)));
  EXPECT_FALSE(Holds(a, seconds(5)));
}

TEST_F(LeaseTest, ATimeThatTheCallItselfTookIsNotCountedAsHeld) {
  Replica a(*this, "a", 1);
  api_.before = [this](const Request& request) {
    if (Writes(request.method)) clock_.Advance(seconds(4));
  };
  a.lease.Tick();
  EXPECT_TRUE(Holds(a, seconds(6)));
  EXPECT_FALSE(Holds(a, seconds(7))) << "counted from when the renewal was sent";
}

TEST_F(LeaseTest, AThawedLeaderKnowsAtOnceThatItMayNotWrite) {
  Replica a(*this, "a", 1), b(*this, "b", 2);
  a.lease.Tick();
  b.lease.Tick();
  clock_.Advance(seconds(15));
  b.lease.Tick();
  ASSERT_TRUE(b.lease.Leading());
  EXPECT_TRUE(a.lease.Leading()) << "it has not run since";
  EXPECT_FALSE(Holds(a, milliseconds(0)));
  a.lease.Tick();
  EXPECT_EQ(a.events, "+-");
  EXPECT_FALSE(a.lease.Leading());
}

TEST_F(LeaseTest, ALeaderThatWasFrozenBeyondItsDeadlineHasLostEvenIfNobodyTookOver) {
  Replica a(*this, "a", 1);
  a.lease.Tick();
  clock_.Advance(seconds(10));
  a.lease.Tick();
  EXPECT_EQ(a.events, "+-");
}

TEST_F(LeaseTest, TheTimesWrittenInARecordAreNotBelieved) {
  api_.objects[kPath] = *ParseJson(
      R"({"metadata":{"name":"operator","namespace":"chaos","uid":"u","resourceVersion":"1"},
    "spec":{"holderIdentity":"x","leaseDurationSeconds":15,"leaseTransitions":7,"renewTime":"1999-01-01T00:00:00.000000Z"}})");
  Replica a(*this, "a", 1);
  a.lease.Tick();
  EXPECT_FALSE(a.lease.Leading()) << "its clock may be wrong; it has not been silent here for 15 s";
  clock_.Advance(seconds(15));
  a.lease.Tick();
  EXPECT_TRUE(a.lease.Leading());
  EXPECT_EQ(a.lease.epoch(), 8);
}

TEST_F(LeaseTest, AReleasedLeaseIsTakenWithoutWaiting) {
  Replica a(*this, "a", 1), b(*this, "b", 2);
  a.lease.Tick();
  b.lease.Tick();
  a.lease.Release();
  EXPECT_FALSE(a.lease.Leading());
  EXPECT_EQ(a.events, "+") << "nothing was lost";
  b.lease.Tick();
  EXPECT_TRUE(b.lease.Leading());
  EXPECT_EQ(b.lease.epoch(), 2);
}

TEST_F(LeaseTest, ALostReplyCostsNeitherTheLeaseNorTruth) {
  Replica a(*this, "a", 1), b(*this, "b", 2);
  a.lease.Tick();
  api_.lose_replies = true;
  a.lease.Tick();
  api_.lose_replies = false;
  clock_.Advance(seconds(2));
  Run(a, b, seconds(30));
  EXPECT_EQ(a.events, "+");
  EXPECT_EQ(b.events, "");
}

TEST_F(LeaseTest, AnAcquisitionWhoseReplyIsLostIsNotLeadership) {
  Replica a(*this, "a", 1);
  api_.before = [this](const Request& request) { api_.lose_replies = Writes(request.method); };
  a.lease.Tick();
  EXPECT_FALSE(a.lease.Leading());
  api_.before = [](const Request&) {};
  api_.lose_replies = false;
  a.lease.Tick();
  EXPECT_TRUE(a.lease.Leading());
}

TEST_F(LeaseTest, OnlyOneOfTwoThatTryAtOnceLeads) {
  Replica a(*this, "a", 1), b(*this, "b", 2);
  bool inside = false;
  api_.before = [&](const Request& request) {
    if (request.method == Method::kPost && !std::exchange(inside, true)) b.lease.Tick();
  };
  a.lease.Tick();
  EXPECT_FALSE(a.lease.Leading());
  EXPECT_TRUE(b.lease.Leading());
}

TEST_F(LeaseTest, ADeletedLeaseIsMadeAgainByItsLeader) {
  Replica a(*this, "a", 1);
  a.lease.Tick();
  api_.objects.clear();
  a.lease.Tick();
  EXPECT_EQ(a.events, "+");
  EXPECT_EQ(Text(api_.objects.at(kPath), {"spec", "holderIdentity"}), "a");
}

TEST_F(LeaseTest, ANewTermAlwaysHasAHigherEpoch) {
  Replica a(*this, "a", 1);
  a.lease.Tick();
  api_.down = true;
  while (a.lease.Leading()) clock_.Advance(a.lease.Tick());
  api_.down = false;
  api_.objects.clear();
  a.lease.Tick();
  EXPECT_EQ(a.events, "+-+");
  EXPECT_EQ(a.lease.epoch(), 2);
}

TEST_F(LeaseTest, LabelsOfOthersStayOnTheLease) {
  Replica a(*this, "a", 1);
  a.lease.Tick();
  api_.objects.at(kPath)["metadata"]["labels"] = {{"team", "x"}};
  api_.objects.at(kPath)["metadata"]["resourceVersion"] = "999";
  a.lease.Tick();
  clock_.Advance(milliseconds(200));
  a.lease.Tick();
  EXPECT_EQ(a.events, "+");
  EXPECT_EQ(Text(api_.objects.at(kPath), {"metadata", "labels", "team"}), "x");
}

TEST(LeaseOptions, MustLeaveRoomForARetry) {
  LeaseOptions options{"chaos", "operator", "a"};
  EXPECT_EQ(CheckLeaseOptions(options), "");
  EXPECT_EQ(LeaseCallTimeout(options), seconds(5));
  options.renew_deadline = seconds(2);
  EXPECT_NE(CheckLeaseOptions(options), "");
  options.renew_deadline = seconds(15);
  EXPECT_NE(CheckLeaseOptions(options), "");
  EXPECT_NE(CheckLeaseOptions({"chaos", "operator", ""}), "");
}

}  // namespace
}  // namespace chaos::kube
