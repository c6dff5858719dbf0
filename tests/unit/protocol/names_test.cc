// Names and rows that other programs, policies and charts repeat: changing one breaks them, so each
// is pinned here.
#include "injectors/protocol/names.h"

#include <gtest/gtest.h>

#include "injectors/protocol/faults.h"

namespace chaos::protocol {
namespace {

TEST(Names, ArePinned) {
  EXPECT_EQ(SidecarName("0123456789"), "rbc-0123456789");
  EXPECT_EQ(StopperName("0123456789"), "rbc-0123456789-stop");
  EXPECT_EQ(ProbePodName("0123456789"), "rbc-0123456789-probe");
  EXPECT_EQ(StopSocketName("0123456789"), "rbee-chaos/0123456789");
  EXPECT_EQ(TableName("0123456789"), "rbc_0123456789");
  EXPECT_TRUE(IsOurContainer(SidecarName("a")) && IsOurContainer(StopperName("a")));
  EXPECT_FALSE(IsOurContainer("queen"));
}

TEST(Faults, ThePartitionNeedsNetAdminAndEndsWithItsProcess) {
  const FaultRow* row = FindFault("partition");
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->capabilities, "NET_ADMIN");
  EXPECT_EQ(row->lowest_tier, Tier::kPodCapabilities);
  EXPECT_EQ(row->ends, Ends::kWithProcess);
  EXPECT_EQ(FindFault("gravity"), nullptr);
}

TEST(Faults, AProcessNeedsNothingButItsOwnUserAndOnlyExitWritesIntoIt) {
  for (const char* key : {"process.Kill", "process.Exit", "process.Terminate", "process.Hang"}) {
    const FaultRow* row = FindFault(key);
    ASSERT_NE(row, nullptr) << key;
    const bool exit = std::string_view(key) == "process.Exit";
    const bool hang = std::string_view(key) == "process.Hang";
    EXPECT_EQ(row->lowest_tier, exit ? Tier::kProcessTamper : Tier::kNoCapabilities) << key;
    EXPECT_EQ(row->capabilities, "");
    EXPECT_EQ(row->runs, Runs::kInTarget);
    EXPECT_EQ(row->lasts, hang) << key;
    EXPECT_EQ(row->ends, hang ? Ends::kWithProcess : Ends::kAtOnce) << key;
  }
}

TEST(Faults, TiersHaveNamesBothWays) {
  for (const Tier tier : {Tier::kApiOnly, Tier::kNoCapabilities, Tier::kPodCapabilities,
                          Tier::kProcessTamper, Tier::kNodePrivileged}) {
    EXPECT_EQ(TierFromName(Name(tier)), tier);
  }
  EXPECT_FALSE(TierFromName("podcapabilities"));
}

}  // namespace
}  // namespace chaos::protocol
