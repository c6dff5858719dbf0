// When a trigger fires, from connections that are told and a clock of our own.
#include "injectors/trigger.h"

#include <gtest/gtest.h>

#include "injectors/protocol/events.h"

namespace chaos::inject {
namespace {

class FakeSockets final : public Sockets {
 public:
  Result<std::vector<Connection>> Connections() override { return connections; }
  std::vector<Connection> connections;
};

Connection From(std::uint64_t cookie, std::uint16_t port) {
  return {cookie,
          Connection::State::kOpen,
          {*ParseAddress("10.0.0.1"), port},
          {*ParseAddress("10.0.0.9"), 50000},
          0,
          0};
}

class TriggerTest : public ::testing::Test {
 protected:
  void Wait(protocol::Trigger trigger) {
    trigger_ = std::make_unique<Trigger>(std::move(trigger), sockets_);
    ASSERT_TRUE(trigger_->Preflight());
    look_ = trigger_->Wait(now_);
    (void)After(milliseconds(0));
  }
  std::optional<Reading> After(milliseconds time) {
    now_ += time;
    return look_->Poll(now_);
  }
  FakeSockets sockets_;
  nanoseconds now_ = seconds(100);
  std::unique_ptr<Trigger> trigger_;
  std::unique_ptr<Look> look_;
};

class DuringInference : public TriggerTest {
 protected:
  void SetUp() override {
    protocol::Trigger trigger;
    trigger.when = protocol::When::kDuringInference;
    trigger.within = seconds(60);
    trigger.ports = {8080};
    trigger.after_bytes = 100;
    sockets_.connections = {From(1, 8080)};
    sockets_.connections[0].acknowledged = 5000;
    sockets_.connections[0].received = 300;
    Wait(trigger);
  }
  Connection& connection() { return sockets_.connections[0]; }
};

TEST_F(DuringInference, AnAnswerThatGoesOnFiresOnceItHasEnoughBytes) {
  connection().acknowledged += 60;
  EXPECT_FALSE(After(milliseconds(5)));
  connection().acknowledged += 39;
  EXPECT_FALSE(After(milliseconds(20)));  // 99
  connection().acknowledged += 1;
  const auto reading = After(milliseconds(20));
  ASSERT_TRUE(reading);
  EXPECT_EQ(reading->reason, "");
  EXPECT_EQ(reading->measured.at("bytesOut"), "100");
  EXPECT_EQ(reading->measured.at("waited"), "45ms");
}

TEST_F(DuringInference, ShortAnswersOnOneConnectionAreNoStream) {
  for (int probe = 0; probe < 50; ++probe) {
    connection().received += 80;
    connection().acknowledged += 200;
    EXPECT_FALSE(After(milliseconds(20)));
    EXPECT_FALSE(After(milliseconds(20)));
  }
}

TEST_F(DuringInference, AnswersInTwoPiecesAtOnceAreNoStream) {
  connection().acknowledged += 200;
  EXPECT_FALSE(After(milliseconds(5)));
  connection().acknowledged += 200;
  EXPECT_FALSE(After(milliseconds(5)));
}

TEST_F(DuringInference, OtherPortsAndConnectionsThatEndDoNotCount) {
  sockets_.connections = {From(2, 9090), From(3, 8080)};
  sockets_.connections[1].state = Connection::State::kEnding;
  for (int i = 0; i < 10; ++i) {
    for (Connection& other : sockets_.connections) other.acknowledged += 100;
    EXPECT_FALSE(After(milliseconds(20)));
  }
}

TEST_F(DuringInference, NeverIsSaidAtTheEndOfItsTime) {
  EXPECT_FALSE(After(milliseconds(59'999)));
  EXPECT_EQ(look_->Deadline(), now_ + milliseconds(1));
  const auto reading = After(milliseconds(1));
  ASSERT_TRUE(reading);
  EXPECT_EQ(reading->reason, protocol::kTriggerNeverFired);
  EXPECT_EQ(reading->message, "no open stream of the target sent 100 bytes within 1m");
}

class DuringRegistration : public TriggerTest {
 protected:
  protocol::Trigger Registration() {
    protocol::Trigger trigger;
    trigger.when = protocol::When::kDuringRegistration;
    trigger.within = seconds(60);
    trigger.to = {{"10.0.0.9", 50000}};
    return trigger;
  }
};

TEST_F(DuringRegistration, TheFirstPacketFires) {
  Wait(Registration());
  EXPECT_FALSE(After(milliseconds(10)));
  sockets_.connections = {From(1, 4000)};
  sockets_.connections[0].state = Connection::State::kOpening;
  const auto reading = After(milliseconds(1));
  ASSERT_TRUE(reading);
  EXPECT_EQ(reading->reason, "");
  EXPECT_EQ(reading->measured.at("to"), "10.0.0.9:50000");
}

TEST_F(DuringRegistration, OneThatWasThereBeforeIsTooLate) {
  for (const auto state : {Connection::State::kOpen, Connection::State::kEnding}) {
    sockets_.connections = {From(1, 4000)};
    sockets_.connections[0].state = state;
    trigger_ = std::make_unique<Trigger>(Registration(), sockets_);
    ASSERT_TRUE(trigger_->Preflight());
    look_ = trigger_->Wait(now_);
    const auto reading = After(milliseconds(0));
    ASSERT_TRUE(reading);
    EXPECT_EQ(reading->reason, protocol::kTriggerNeverFired);
  }
}

TEST_F(DuringRegistration, ConnectionsToOthersDoNotFire) {
  Wait(Registration());
  sockets_.connections = {From(1, 4000)};
  sockets_.connections[0].there.port = 50001;
  EXPECT_FALSE(After(milliseconds(1)));
}

TEST_F(TriggerTest, ADelayComesAtItsMoment) {
  protocol::Trigger trigger;
  trigger.within = seconds(60);
  trigger.delay = seconds(7);
  Wait(trigger);
  EXPECT_EQ(look_->Deadline(), now_ + seconds(7));
  EXPECT_FALSE(After(milliseconds(6999)));
  EXPECT_TRUE(After(milliseconds(1)));
}

TEST_F(TriggerTest, AnAddressThatIsNoneIsRefused) {
  protocol::Trigger trigger;
  trigger.when = protocol::When::kDuringRegistration;
  trigger.to = {{"queen", 7833}};
  EXPECT_FALSE(Trigger(trigger, sockets_).Preflight());
}

}  // namespace
}  // namespace chaos::inject
