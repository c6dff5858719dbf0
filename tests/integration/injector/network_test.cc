// What the fault `network` does to packets, measured by connects and datagrams of our own beside
// the injector's word.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <sstream>

#include "tests/integration/injector/program.h"
#include "tests/integration/injector/test_net.h"

namespace chaos::test {
namespace {

using protocol::Direction;
using std::chrono::steady_clock;

constexpr std::uint32_t kTarget = 0x0a090001, kPeer = 0x0a090002;

protocol::InjectArguments Between(const protocol::Effects& effects,
                                  Direction direction = Direction::kBoth,
                                  milliseconds duration = seconds(60)) {
  protocol::InjectArguments arguments = Arguments("0123456789", duration);
  protocol::Network network;
  network.between = arguments.partition();
  network.between.direction = direction;
  network.effects = effects;
  network.seed = 42;
  arguments.fault = network;
  return arguments;
}

protocol::Network& NetworkOf(protocol::InjectArguments& arguments) {
  return std::get<protocol::Network>(arguments.fault);
}

protocol::Effects Slow(milliseconds latency, milliseconds jitter = milliseconds(0)) {
  protocol::Effects effects;
  effects.delay = protocol::Delay{latency, jitter, 0, protocol::Distribution::kUniform};
  return effects;
}

milliseconds Took(const std::function<bool()>& step) {
  const auto from = steady_clock::now();
  EXPECT_TRUE(step());
  return std::chrono::duration_cast<milliseconds>(steady_clock::now() - from);
}
milliseconds ConnectTakes(const TestNet& net, const std::string& address, int port = 7835) {
  return Took([&] { return net.Reaches(address, port, seconds(5)); });
}

sockaddr_in At(std::uint32_t address, int port) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(address);
  name.sin_port = htons(static_cast<std::uint16_t>(port));
  return name;
}

// Numbered datagrams from one namespace to the other; which arrived, in the order of arrival.
class Datagrams {
 public:
  Datagrams(int from, std::uint32_t source, int to, std::uint32_t destination)
      : to_(At(destination, 7000)) {
    TestNet::In(to, [&] {
      in_ = Fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      const int much = 4 << 20;
      setsockopt(in_.get(), SOL_SOCKET, SO_RCVBUF, &much, sizeof much);
      EXPECT_EQ(bind(in_.get(), reinterpret_cast<const sockaddr*>(&to_), sizeof to_), 0);
    });
    TestNet::In(from, [&] {
      out_ = Fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      const sockaddr_in name = At(source, 0);
      EXPECT_EQ(bind(out_.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
    });
  }
  // A pause after every tenth one, so that no queue between them is the one that drops.
  std::vector<int> Send(int count, std::size_t bytes = 32, milliseconds pause = milliseconds(1),
                        milliseconds silence = milliseconds(500)) {
    std::vector<int> arrived;
    std::vector<char> text(bytes);
    for (int i = 0; i < count; ++i) {
      std::memcpy(text.data(), &i, sizeof i);
      EXPECT_EQ(sendto(out_.get(), text.data(), bytes, 0, reinterpret_cast<const sockaddr*>(&to_),
                       sizeof to_),
                static_cast<ssize_t>(bytes));
      if (i % 10 == 9) Receive(pause, arrived, /*until_silent=*/false);
    }
    Receive(silence, arrived, /*until_silent=*/true);
    return arrived;
  }

 private:
  void Receive(milliseconds limit, std::vector<int>& arrived, bool until_silent) {
    const auto end = steady_clock::now() + limit;
    while (true) {
      const auto left = std::chrono::ceil<milliseconds>(end - steady_clock::now());
      pollfd ready{in_.get(), POLLIN, 0};
      const int wait = static_cast<int>(until_silent ? limit.count() : std::max(0L, left.count()));
      if (poll(&ready, 1, wait) != 1) return;
      char text[2048];
      int number = -1;
      if (recv(in_.get(), text, sizeof text, 0) >= static_cast<ssize_t>(sizeof number))
        std::memcpy(&number, text, sizeof number);
      arrived.push_back(number);
      if (!until_silent && left.count() <= 0) return;
    }
  }

  sockaddr_in to_;
  Fd in_, out_;
};

std::vector<int> ToPeer(const TestNet& net, int count) {
  return Datagrams(net.target(), kTarget, net.peer(), kPeer).Send(count);
}
std::vector<int> FromPeer(const TestNet& net, int count) {
  return Datagrams(net.peer(), kPeer, net.target(), kTarget).Send(count);
}

double Number(const std::string& figure) { return std::stod(figure); }

TEST(Network, DelaysPacketsToAndFromThePeerAndNothingElseAndEndsByItself) {
  TestNet net;
  Program injector(net.target(), InjectWords(Between(Slow(milliseconds(100), milliseconds(20)),
                                                     Direction::kBoth, seconds(4))));
  const auto verified = injector.WaitFor("verified");
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->requested.at("delay"), "100ms");
  EXPECT_NEAR(Number(verified->measured.at("delay")), 100, 15) << verified->measured.at("delay");
  EXPECT_EQ(verified->measured.at("peersSlow"), "1/1");
  EXPECT_EQ(verified->measured.at("control"), "ok");
  for (int i = 0; i < 3; ++i) {
    const milliseconds hurt = ConnectTakes(net, "10.9.0.2", 7836);
    EXPECT_GE(hurt, milliseconds(160));
    EXPECT_LE(hurt, milliseconds(400));
  }
  EXPECT_GE(Took([&] { return net.TargetIsReachedBy("10.9.0.2", seconds(2)); }), milliseconds(160));
  EXPECT_LT(ConnectTakes(net, "10.9.0.3"), milliseconds(80));
  EXPECT_EQ(injector.Wait(), 0);
  EXPECT_EQ(injector.events().back().event, "reverted");
  EXPECT_EQ(injector.events().back().measured.at("peersBack"), "1/1");
  EXPECT_LT(ConnectTakes(net, "10.9.0.2"), milliseconds(80));
  EXPECT_EQ(net.Nft("list ruleset"), "");
  EXPECT_EQ(net.Run(net.target(), {"cat", "/proc/net/netfilter/nfnetlink_queue"}), "");
}

TEST(Network, DirectionSaysWhichPacketsAreLost) {
  protocol::Effects effects;
  effects.loss = protocol::Loss{30, 0, 0};
  for (const Direction direction : {Direction::kEgress, Direction::kIngress}) {
    SCOPED_TRACE(static_cast<int>(direction));
    TestNet net;
    Program injector(net.target(), InjectWords(Between(effects, direction)));
    const auto verified = injector.WaitFor("verified", seconds(15));
    ASSERT_TRUE(verified);
    EXPECT_NEAR(Number(verified->measured.at("loss")), 30, 10);
    const bool out = direction == Direction::kEgress;
    const auto lossy = out ? ToPeer(net, 1000) : FromPeer(net, 1000);
    const auto whole = out ? FromPeer(net, 300) : ToPeer(net, 300);
    EXPECT_NEAR(static_cast<double>(lossy.size()), 700, 60);
    EXPECT_EQ(whole.size(), 300U);
    injector.Signal(SIGTERM);
    EXPECT_EQ(injector.Wait(), 0);
    EXPECT_EQ((out ? ToPeer(net, 100) : FromPeer(net, 100)).size(), 100U);
  }
}

TEST(Network, LossInBurstsKeepsItsShareAndComesInRuns) {
  protocol::Effects effects;
  effects.loss = protocol::Loss{20, 0, 10};
  TestNet net;
  Program injector(net.target(), InjectWords(Between(effects, Direction::kEgress)));
  ASSERT_TRUE(injector.WaitFor("verified", seconds(15)));
  const std::vector<int> arrived = ToPeer(net, 4000);
  int runs = 0, last = -1;
  for (const int number : arrived) {
    runs += number != last + 1;
    last = number;
  }
  const auto lost = 4000 - static_cast<double>(arrived.size());
  EXPECT_NEAR(lost, 800, 350);
  EXPECT_NEAR(lost / runs, 10, 4);
}

TEST(Network, CorruptPacketsFailTheReceiversChecksum) {
  protocol::Effects effects;
  effects.corrupt = 20;
  TestNet net;
  Program injector(net.target(), InjectWords(Between(effects, Direction::kEgress)));
  const auto verified = injector.WaitFor("verified", seconds(15));
  ASSERT_TRUE(verified);
  EXPECT_NEAR(Number(verified->measured.at("corrupt")), 20, 10);
  EXPECT_NEAR(static_cast<double>(ToPeer(net, 1000).size()), 800, 60);
  std::istringstream snmp(net.Run(net.peer(), {"cat", "/proc/net/snmp"}));
  std::vector<std::string> names, values;
  for (std::string line; std::getline(snmp, line);) {
    if (!line.starts_with("Udp:")) continue;
    std::istringstream words(line);
    std::vector<std::string>& row = names.empty() ? names : values;
    for (std::string word; words >> word;) row.push_back(word);
  }
  const auto found = std::find(names.begin(), names.end(), "InCsumErrors");
  ASSERT_NE(found, names.end());
  EXPECT_NEAR(Number(values[static_cast<std::size_t>(found - names.begin())]), 200, 60);
}

TEST(Network, PacketsThatAreReorderedOvertakeTheOthers) {
  protocol::Effects effects = Slow(milliseconds(50));
  effects.reorder = 25;
  TestNet net;
  Program injector(net.target(), InjectWords(Between(effects, Direction::kEgress)));
  const auto verified = injector.WaitFor("verified", seconds(15));
  ASSERT_TRUE(verified);
  EXPECT_NEAR(Number(verified->measured.at("reorder")), 25, 15);
  const std::vector<int> arrived = ToPeer(net, 1000);
  EXPECT_EQ(arrived.size(), 1000U);
  int overtakes = 0, highest = -1;
  for (const int number : arrived) {
    overtakes += number > highest + 1;
    highest = std::max(highest, number);
  }
  EXPECT_GT(overtakes, 50);
}

TEST(Network, ARateLetsThatManyBytesThrough) {
  protocol::Effects effects;
  effects.rate = 20'000;
  TestNet net;
  Program injector(net.target(), InjectWords(Between(effects, Direction::kEgress)));
  const auto verified = injector.WaitFor("verified", seconds(15));
  ASSERT_TRUE(verified);
  EXPECT_NEAR(Number(verified->measured.at("rate")), 20'000, 6'000);
  // What the proof has sent is through.
  ASSERT_TRUE(
      WaitUntil([&] { return net.Reaches("10.9.0.2", 7835, milliseconds(60)); }, seconds(10)));
  const auto began = steady_clock::now();
  const auto arrived = Datagrams(net.target(), kTarget, net.peer(), kPeer)
                           .Send(60, 972, milliseconds(1), milliseconds(400));
  EXPECT_NEAR(static_cast<double>(arrived.size()), 41, 1);  // 1000 bytes each: 2 s and one more
  const auto took = steady_clock::now() - began - milliseconds(400);
  EXPECT_GE(took, milliseconds(1950));
  EXPECT_LE(took, milliseconds(2500));
}

TEST(Network, AllEffectsTogetherAreTheSumOfThem) {
  protocol::Effects effects = Slow(milliseconds(60), milliseconds(10));
  effects.loss = protocol::Loss{20, 25, 0};
  effects.corrupt = 5;
  effects.reorder = 10;
  effects.rate = 100'000;
  TestNet net;
  Program injector(net.target(), InjectWords(Between(effects)));
  const auto verified = injector.WaitFor("verified", seconds(30));
  ASSERT_TRUE(verified);
  for (const char* figure : {"delay", "loss", "corrupt", "reorder", "rate"})
    EXPECT_EQ(verified->measured.count(figure), 1U) << figure;
}

TEST(Network, PortsLimitItAndIpv6IsHitAsWell) {
  TestNet net;
  protocol::InjectArguments arguments = Between(Slow(milliseconds(150)), Direction::kEgress);
  NetworkOf(arguments).between.peers[0].addresses = {"10.9.0.2", "fd09::2"};
  NetworkOf(arguments).between.ports = {7835};
  Program injector(net.target(), InjectWords(arguments));
  ASSERT_TRUE(injector.WaitFor("verified", seconds(10)));
  EXPECT_GE(ConnectTakes(net, "10.9.0.2"), milliseconds(150));
  EXPECT_GE(ConnectTakes(net, "fd09::2"), milliseconds(150));
  EXPECT_LT(ConnectTakes(net, "10.9.0.2", 7836), milliseconds(80));
  EXPECT_LT(ConnectTakes(net, "fd09::2", 7836), milliseconds(80));
}

TEST(Network, PacketsPassAtOnceWhenTheInjectorDies) {
  TestNet net;
  Program injector(net.target(), InjectWords(Between(Slow(milliseconds(300)))));
  ASSERT_TRUE(injector.WaitFor("verified", seconds(15)));
  const TestNet::Connection line = net.Open("10.9.0.2", 7836);
  injector.Signal(SIGKILL);
  EXPECT_EQ(injector.Wait(), -SIGKILL);
  EXPECT_LT(ConnectTakes(net, "10.9.0.2"), milliseconds(80));
  EXPECT_TRUE(Passes(line.here, line.there, seconds(3)));
  EXPECT_EQ(net.Nft("list ruleset"), "");
  EXPECT_EQ(net.Run(net.target(), {"cat", "/proc/net/netfilter/nfnetlink_queue"}), "");
}

TEST(Network, TheKernelEndsTheFaultOfAnInjectorThatHangs) {
  TestNet net;
  Program injector(net.target(),
                   InjectWords(Between(Slow(milliseconds(50)), Direction::kBoth, seconds(4))));
  ASSERT_TRUE(injector.WaitFor("verified"));
  injector.Signal(SIGSTOP);
  EXPECT_FALSE(net.Reaches("10.9.0.2", 7835, milliseconds(200)));
  EXPECT_TRUE(
      WaitUntil([&] { return net.Reaches("10.9.0.2", 7835, milliseconds(200)); }, seconds(6)));
  injector.Signal(SIGCONT);
  EXPECT_EQ(injector.Wait(), 0);
  EXPECT_EQ(net.Nft("list ruleset"), "");
}

TEST(Network, WhatIsHeldAtTheEndIsNotLost) {
  TestNet net;
  Program injector(net.target(), InjectWords(Between(Slow(seconds(2)), Direction::kEgress)));
  ASSERT_TRUE(injector.WaitFor("verified", seconds(20)));
  Datagrams datagrams(net.target(), kTarget, net.peer(), kPeer);
  EXPECT_TRUE(datagrams.Send(50, 32, milliseconds(0), milliseconds(50)).empty());
  injector.Signal(SIGTERM);
  EXPECT_EQ(injector.Wait(), 0);
  EXPECT_EQ(datagrams.Send(1).size(), 51U);
}

TEST(Network, AQueueOfSomebodyElseIsLeftAlone) {
  TestNet net;
  Program first(net.target(), InjectWords(Between(Slow(milliseconds(50)))));
  ASSERT_TRUE(first.WaitFor("verified"));
  protocol::InjectArguments arguments = Between(Slow(milliseconds(100)));
  arguments.run = "abcdef0123";
  NetworkOf(arguments).between.peers[0].addresses = {"10.9.0.4"};
  Program second(net.target(), InjectWords(arguments));
  const auto verified = second.WaitFor("verified");
  ASSERT_TRUE(verified);
  EXPECT_NEAR(Number(verified->measured.at("delay")), 100, 15);
  EXPECT_LT(ConnectTakes(net, "10.9.0.2"), milliseconds(180));
  EXPECT_GE(ConnectTakes(net, "10.9.0.4"), milliseconds(200));
}

TEST(Network, WithoutTheCapabilityItSaysWhichOneIsMissing) {
  TestNet net;
  Program injector(net.target(), InjectWords(Between(Slow(milliseconds(50)))),
                   {.net_admin = false});
  EXPECT_EQ(injector.Wait(), 1);
  EXPECT_EQ(injector.events().back().reason, "Refused");
  EXPECT_NE(injector.events().back().message.find("NET_ADMIN"), std::string::npos);
}

}  // namespace
}  // namespace chaos::test
