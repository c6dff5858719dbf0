// What /proc tells, with the names that people give to processes.
#include "injectors/agent/proc_files.h"

#include <gtest/gtest.h>

#include "injectors/pick_process.h"

namespace chaos::inject {
namespace {

TEST(ParseStat, TheNameMayHoldAnything) {
  for (const std::string name : {"worker", "a b", "x) R 1 (y", ")) S"}) {
    const auto stat =
        ParseStat("1 (" + name + ") t 0 1 1 0 -1 4194560 1 2 3 4 30 12 5 6 20 0 5 0 7777 1 2");
    ASSERT_TRUE(stat) << name;
    EXPECT_EQ(stat->state, 't');
    EXPECT_EQ(stat->cpu_ticks, 42U);
    EXPECT_EQ(stat->start, 7777U);
  }
  for (const char* text : {"", "1 (x", "1 (x)", "1 (x) S 1 2 3"}) EXPECT_FALSE(ParseStat(text));
}

TEST(ParseStatus, ReadsWhatIsThere) {
  const ProcStatus status = ParseStatus(
      "Name:\tx\nUid:\t1000\t1001\t1002\t1003\nGid:\t7\t8\t9\t9\nTracerPid:\t12\n"
      "SigBlk:\t0000000000004000\nSigCgt:\t0000000000000001\nCapEff:\t0000000000080000\n"
      "voluntary_ctxt_switches:\t40\nnonvoluntary_ctxt_switches:\t2");
  EXPECT_EQ(status.uid, (std::array<std::uint32_t, 3>{1000, 1001, 1002}));
  EXPECT_EQ(status.gid, (std::array<std::uint32_t, 3>{7, 8, 9}));
  EXPECT_EQ(status.tracer, 12);
  EXPECT_EQ(status.blocked, 0x4000U);
  EXPECT_EQ(status.caught, 1U);
  EXPECT_EQ(status.effective, 0x80000U);
  EXPECT_EQ(status.switches, 42U);
}

TEST(PickProcess, NeverOneOfOursNorThePodsPause) {
  const ProcessEntry pause{{1, 1}, "/pause"}, ours{{5, 1}, "/chaos-injector inject {worker}"},
      worker{{6, 1}, "/usr/bin/worker --token secret"}, queen{{7, 1}, "queen"};
  EXPECT_EQ(PickProcess({worker, queen}, "").error().detail.substr(0, 17), "the processes of ");
  EXPECT_NE(PickProcess({pause, worker}, "").error().detail.find("shareProcessNamespace"),
            std::string::npos);
  EXPECT_EQ(PickProcess({pause, ours, worker, queen}, "worker")->id.pid, 6);
  const std::string none = PickProcess({pause, ours, worker, queen}, "vllm").error().detail;
  EXPECT_NE(none.find("6 (worker), 7 (queen)"), std::string::npos) << none;
  EXPECT_EQ(none.find("secret"), std::string::npos);
  const ProcessEntry alone{{1, 1}, "/chaos-injector inject"};
  const std::string unseen = PickProcess({alone, worker}, "").error().detail;
  EXPECT_NE(unseen.find("targetContainerName"), std::string::npos);
}

}  // namespace
}  // namespace chaos::inject
