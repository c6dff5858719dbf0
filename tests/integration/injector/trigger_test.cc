// Triggers on real connections: a stream of the target's own, and its first word to whom it
// registers at.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "tests/integration/injector/pid_space.h"
#include "tests/integration/injector/process_cases.h"

namespace chaos::test {
namespace {

constexpr int kPort = 8080;
const Privileges kSameUser = {.net_admin = false, .uid = 1000, .gid = 1000};

protocol::InjectArguments KillWhen(protocol::Trigger trigger) {
  protocol::InjectArguments arguments =
      ProcessArguments({.action = protocol::ProcessAction::kKill});
  arguments.trigger = std::move(trigger);
  return arguments;
}

// Asks the target for something, from within its own network, and leaves the connection open.
Fd Ask(const TestNet& net, const std::string& what) {
  int fd = -1;
  TestNet::In(net.target(), [&] {
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(kPort);
    inet_pton(AF_INET, "10.9.0.1", &to.sin_addr);
    EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0)
        << std::strerror(errno);
    const std::string request = "GET " + what;
    EXPECT_EQ(write(fd, request.data(), request.size()), static_cast<ssize_t>(request.size()));
  });
  return Fd(fd);
}

void ReadSome(const Fd& fd) {
  char buffer[64];
  EXPECT_GT(read(fd.get(), buffer, sizeof buffer), 0);
}

protocol::Trigger Inference(std::int64_t bytes, milliseconds within) {
  protocol::Trigger trigger;
  trigger.when = protocol::When::kDuringInference;
  trigger.ports = {kPort};
  trigger.after_bytes = bytes;
  trigger.within = within;
  return trigger;
}

protocol::Trigger Registration(const std::string& address, milliseconds within) {
  protocol::Trigger trigger;
  trigger.when = protocol::When::kDuringRegistration;
  trigger.to = {{"10.9.0.77", 7836}, {address, 7836}};
  trigger.within = within;
  return trigger;
}

TEST(TriggerInference, FiresInTheMiddleOfAStreamAndNotForAProbe) {
  TestNet net;
  Victim victim(net.target(), {"--listen", std::to_string(kPort)}, 1000, 1000);
  Program injector(net.target(), InjectWords(KillWhen(Inference(100, std::chrono::minutes(1)))),
                   victim.Beside(kSameUser));
  ASSERT_TRUE(injector.WaitFor("armed"));
  for (int probe = 0; probe < 20; ++probe) ReadSome(Ask(net, "/health"));
  ASSERT_TRUE(injector.WaitFor("alive", seconds(10)));  // it waits, and says so
  ReadSome(Ask(net, "/health"));
  EXPECT_TRUE(victim.Beats());
  const Fd stream = Ask(net, "/v1/jobs");
  const auto triggered = injector.WaitFor("triggered");
  ASSERT_TRUE(triggered);
  EXPECT_GE(std::stoi(triggered->measured.at("bytesOut")), 100);
  EXPECT_TRUE(triggered->measured.at("stream").starts_with("10.9.0.1:"));
  EXPECT_EQ(victim.Wait(), 137);
  EXPECT_EQ(injector.Wait(), 137);
  EXPECT_TRUE(injector.record()->applied);
}

TEST(TriggerInference, AStreamThatWasThereBeforeCountsFromNowOn) {
  TestNet net;
  Victim victim(net.target(), {"--listen", std::to_string(kPort)}, 1000, 1000);
  const Fd stream = Ask(net, "/v1/jobs");
  for (int i = 0; i < 8; ++i) ReadSome(stream);
  Program injector(net.target(), InjectWords(KillWhen(Inference(1, std::chrono::minutes(1)))),
                   victim.Beside(kSameUser));
  EXPECT_EQ(victim.Wait(), 137);
  EXPECT_EQ(injector.Wait(), 137);
}

TEST(TriggerInference, WithoutAStreamItNeverFiresAndNobodyIsHurt) {
  TestNet net;
  Victim victim(net.target(), {"--listen", std::to_string(kPort)}, 1000, 1000);
  Program injector(net.target(), InjectWords(KillWhen(Inference(1, milliseconds(500)))),
                   victim.Beside(kSameUser));
  ASSERT_TRUE(injector.WaitFor("armed"));
  const Fd probe = Ask(net, "/health");
  EXPECT_EQ(injector.Wait(), 1);
  EXPECT_EQ(injector.events().back().reason, "TriggerNeverFired");
  EXPECT_EQ(injector.events().back().message,
            "no open stream of the target sent 1 bytes within 500ms");
  EXPECT_FALSE(injector.record()->applied);
  EXPECT_TRUE(victim.Beats());
}

TEST(TriggerRegistration, FiresAtTheFirstConnection) {
  TestNet net;
  // Nobody answers at .9: the very first packet has to do.
  for (const std::string where : {"10.9.0.2", "10.9.0.9"}) {
    Victim victim(net.target(), {"--connect", where + ":7836"}, 1000, 1000);
    Program injector(net.target(),
                     InjectWords(KillWhen(Registration(where, std::chrono::minutes(1)))),
                     victim.Beside(kSameUser));
    ASSERT_TRUE(injector.WaitFor("armed"));
    EXPECT_TRUE(victim.Beats());
    victim.Tell();
    EXPECT_EQ(victim.Wait(), 137) << where;
    EXPECT_EQ(injector.Wait(), 137);
    EXPECT_EQ(injector.events()[3].event, "triggered");
    EXPECT_EQ(injector.events()[3].measured.at("to"), where + ":7836");
  }
}

TEST(TriggerRegistration, ATargetThatIsConnectedAlreadyIsTooLate) {
  TestNet net;
  const TestNet::Connection before = net.Open("10.9.0.2", 7836);
  Victim victim(net.target(), {}, 1000, 1000);
  Program injector(net.target(),
                   InjectWords(KillWhen(Registration("10.9.0.2", std::chrono::minutes(1)))),
                   victim.Beside(kSameUser));
  EXPECT_EQ(injector.Wait(), 1);
  EXPECT_EQ(injector.events().back().reason, "TriggerNeverFired");
  EXPECT_NE(injector.events().back().message.find("connected to 10.9.0.2:7836 before"),
            std::string::npos);
  EXPECT_TRUE(victim.Beats());
}

TEST(TriggerRandom, ComesAfterItsDelayAndCanBeStoppedBefore) {
  TestNet net;
  protocol::Trigger trigger;
  trigger.within = std::chrono::minutes(5);
  trigger.delay = milliseconds(300);
  Victim victim(net.target(), {}, 1000, 1000);
  Program injector(net.target(), InjectWords(KillWhen(trigger)), victim.Beside(kSameUser));
  EXPECT_EQ(victim.Wait(), 137);
  EXPECT_EQ(injector.Wait(), 137);
  EXPECT_EQ(injector.events()[3].measured.at("delay"), "300ms");

  trigger.delay = std::chrono::minutes(4);
  Victim spared(net.target(), {}, 1000, 1000);
  Program waiting(net.target(), InjectWords(KillWhen(trigger)), spared.Beside(kSameUser));
  ASSERT_TRUE(waiting.WaitFor("armed"));
  waiting.Signal(SIGTERM);
  EXPECT_EQ(waiting.Wait(), 0);
  EXPECT_EQ(waiting.events().back().event, "stopped");
  EXPECT_TRUE(spared.Beats());
}

}  // namespace
}  // namespace chaos::test
