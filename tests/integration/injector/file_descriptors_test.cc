// A process that may open no more files: seen from outside, in its answers and in the kernel's own
// figures, and gone with the deadline, a stop, or by the hand of a second injector.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>

#include "tests/integration/injector/pid_space.h"
#include "tests/integration/injector/process_cases.h"

namespace chaos::test {
namespace {

constexpr int kPort = 8080;
constexpr rlim_t kBefore = 500;

protocol::InjectArguments Fewer(const protocol::FileDescriptors& fault,
                                milliseconds duration = std::chrono::minutes(5)) {
  protocol::InjectArguments arguments = Arguments("0123456789", duration);
  arguments.fault = fault;
  arguments.controls.clear();
  return arguments;
}

class FewerFiles : public ::testing::TestWithParam<unsigned> {
 protected:
  // No capability: the user and group of the victim, be it root or not.
  Privileges Same(int kill_after = 0) const {
    Privileges same = victim_.Beside({.net_admin = false, .uid = GetParam(), .gid = GetParam()});
    same.kill_after = kill_after;
    return same;
  }
  Program Inject(const protocol::InjectArguments& arguments) {
    return Program(net_.target(), InjectWords(arguments), Same());
  }
  // By the kernel's own table, which is there for everybody.
  rlim_t Soft() const {
    std::ifstream limits("/proc/" + std::to_string(victim_.pid()) + "/limits");
    rlim_t soft = 0;
    for (std::string line; std::getline(limits, line);) {
      if (line.starts_with("Max open files")) soft = std::stoull(line.substr(14));
    }
    return soft;
  }
  // A client of the victim: whether a request gets an answer.
  bool Answers(milliseconds limit) const {
    bool answered = false;
    TestNet::In(net_.target(), [&] { answered = AnswersHealth(kPort, limit); });
    return answered;
  }

  TestNet net_;
  Victim victim_{
      net_.target(),
      {"--listen", std::to_string(kPort), "--open", "20", "--files", std::to_string(kBefore)},
      GetParam(),
      GetParam()};
};

INSTANTIATE_TEST_SUITE_P(, FewerFiles, ::testing::Values(0U, 1000U),
                         [](const auto& uid) { return uid.param == 0 ? "Root" : "User"; });

TEST_P(FewerFiles, NoHeadroomMeansNoNewConnectionUntilTheDeadline) {
  ASSERT_TRUE(Answers(seconds(5)));
  Program injector = Inject(Fewer({.headroom = 0}, seconds(3)));
  const auto verified = injector.WaitFor("verified");
  ASSERT_TRUE(verified);
  EXPECT_EQ(std::to_string(Soft()), verified->measured.at("limit"));
  EXPECT_EQ(verified->measured.at("headroom"), "0");
  EXPECT_EQ(verified->measured.at("accept"), "stalled");
  EXPECT_EQ(verified->measured.at("limitBefore"), std::to_string(kBefore));
  EXPECT_FALSE(Answers(milliseconds(400)));
  EXPECT_EQ(injector.Wait(), 0);
  EXPECT_EQ(Soft(), kBefore);
  EXPECT_TRUE(Answers(seconds(5)));
  EXPECT_EQ(injector.events().back().event, "reverted");
  EXPECT_EQ(injector.events().back().measured.at("limitAfter"), std::to_string(kBefore));
  EXPECT_EQ(injector.events().back().measured.at("acceptsAgain"), "yes");
  EXPECT_EQ(injector.record()->undo, "");
}

TEST_P(FewerFiles, HeadroomIsUsedUpBeforeTheNextOneStalls) {
  Program injector = Inject(Fewer({.headroom = 5}));
  const auto verified = injector.WaitFor("verified");
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->measured.at("accept"), "stalled");
  EXPECT_EQ(verified->measured.at("taken"), "5");
  injector.Signal(SIGTERM);
  EXPECT_EQ(injector.Wait(), 0);
  EXPECT_EQ(Soft(), kBefore);
}

TEST_P(FewerFiles, ALimitBelowWhatIsOpenIsNotNegativeHeadroom) {
  const auto arguments = Fewer({.limit = 3});
  Program injector = Inject(arguments);
  ASSERT_TRUE(injector.WaitFor("verified"));
  EXPECT_EQ(Soft(), 3U);
  Program stopper(net_.target(), StopWords(arguments), {.net_admin = false, .uid = 65532});
  EXPECT_EQ(stopper.Wait(), 0);
  EXPECT_EQ(Soft(), kBefore);
  EXPECT_EQ(injector.Wait(), 0);
}

TEST_P(FewerFiles, ALimitThatTakesNothingAwayIsRefused) {
  for (const protocol::FileDescriptors& fault :
       {protocol::FileDescriptors{.headroom = 1000}, protocol::FileDescriptors{.limit = 500}}) {
    Program injector = Inject(Fewer(fault));
    EXPECT_EQ(injector.Wait(), 1);
    EXPECT_EQ(injector.events().back().reason, "Refused");
    EXPECT_NE(injector.events().back().message.find("would take nothing away: ask for less"),
              std::string::npos);
    EXPECT_EQ(Soft(), kBefore);
  }
}

TEST_P(FewerFiles, WhatAKilledInjectorLeavesASecondOneUndoes) {
  Program injector = Inject(Fewer({.headroom = 0}));
  ASSERT_TRUE(injector.WaitFor("verified"));
  injector.Signal(SIGKILL);
  EXPECT_EQ(injector.Wait(), 137);
  EXPECT_LT(Soft(), kBefore);  // nobody is left to take it back
  const std::string undo = injector.record()->undo;
  ASSERT_NE(undo, "");
  for (const bool again : {false, true}) {
    Program reverter(net_.target(), RevertWords("0123456789", undo), Same());
    EXPECT_EQ(reverter.Wait(), 0);
    ASSERT_EQ(reverter.names(), std::vector<std::string>{"reverted"});
    EXPECT_EQ(reverter.events()[0].measured.at("limitAfter"),
              again ? "changedByItself" : std::to_string(kBefore));
    EXPECT_EQ(Soft(), kBefore);
  }
  EXPECT_TRUE(Answers(seconds(5)));
}

TEST_P(FewerFiles, KilledWithAnyCallThatChangesSomethingNothingIsLeftThatItsRecordCannotUndo) {
  int killed = 0, left = 0;
  for (int call = 1;; ++call) {
    SCOPED_TRACE("killed with call " + std::to_string(call));
    Program injector(net_.target(), InjectWords(Fewer({.headroom = 0}, seconds(1))), Same(call));
    const int code = injector.Wait();
    if (code == 1) break;
    ASSERT_EQ(code, 0);
    ++killed;
    const auto record = injector.record();
    if (Soft() != kBefore) {
      ++left;
      ASSERT_TRUE(record && !record->undo.empty()) << injector.record_text();
    }
    if (record && !record->undo.empty()) {
      Program reverter(net_.target(), RevertWords("0123456789", record->undo), Same());
      EXPECT_EQ(reverter.Wait(), 0);
    }
    ASSERT_EQ(Soft(), kBefore);
  }
  EXPECT_EQ(killed, 3);  // the trial of before, the fault, its end
  EXPECT_EQ(left, 1);
}

TEST_P(FewerFiles, AnInjectorThatHangsIsKilledByTheKernelAndCanBeUndone) {
  Program injector = Inject(Fewer({.headroom = 0}, milliseconds(1500)));
  ASSERT_TRUE(injector.WaitFor("verified"));
  injector.Signal(SIGSTOP);
  EXPECT_EQ(injector.Wait(), 137);
  Program reverter(net_.target(), RevertWords("0123456789", injector.record()->undo), Same());
  EXPECT_EQ(reverter.Wait(), 0);
  EXPECT_EQ(Soft(), kBefore);
}

TEST_P(FewerFiles, ASecondInjectorDoesNothingWhileTheFirstLives) {
  Program injector = Inject(Fewer({.headroom = 0}));
  ASSERT_TRUE(injector.WaitFor("verified"));
  Program reverter(net_.target(), RevertWords("0123456789", injector.record()->undo), Same());
  EXPECT_EQ(reverter.Wait(), 1);
  EXPECT_EQ(reverter.events().back().reason, "AlreadyThere");
  EXPECT_LT(Soft(), kBefore);
}

TEST(FewerFilesRefused, NamesWhoTheTargetIs) {
  TestNet net;
  Victim victim(net.target(), {}, 1000, 1000);
  Program injector(net.target(), InjectWords(Fewer({.headroom = 0})),
                   victim.Beside({.net_admin = false, .sys_ptrace = true}));
  EXPECT_EQ(injector.Wait(), 1);
  EXPECT_NE(injector.events().back().message.find("it runs as 1000:1000 and the injector as 0:0"),
            std::string::npos)
      << injector.events().back().message;
}

}  // namespace
}  // namespace chaos::test
