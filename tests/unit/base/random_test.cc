#include "operator/base/random.h"

#include <gtest/gtest.h>

#include <set>

namespace chaos {
namespace {

TEST(Random, IsTheSameOnEveryMachine) {
  Random random(42);
  // xoshiro256** over splitmix64(42), computed with an independent implementation.
  const std::uint64_t expected[] = {0x15780b2e0c2ec716u, 0x6104d9866d113a7eu, 0xae17533239e499a1u,
                                    0xecb8ad4703b360a1u};
  for (const std::uint64_t value : expected) EXPECT_EQ(random.Next(), value);
}

TEST(Random, BelowStaysBelowAndReachesEverything) {
  Random random(7);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t value = random.Below(7);
    ASSERT_LT(value, 7u);
    seen.insert(value);
  }
  EXPECT_EQ(seen.size(), 7u);
  EXPECT_EQ(random.Below(1), 0u);
}

TEST(Random, ChanceIsAboutWhatItSays) {
  Random random(7);
  int hits = 0;
  for (int i = 0; i < 10'000; ++i) hits += random.Chance(3, 10);
  EXPECT_NEAR(hits, 3000, 200);
  EXPECT_FALSE(random.Chance(0, 5));
  EXPECT_TRUE(random.Chance(5, 5));
}

TEST(SystemEntropy, GivesFreshHex) {
  SystemEntropy entropy;
  const std::string one = entropy.Hex(16), other = entropy.Hex(16);
  EXPECT_EQ(one.size(), 32u);
  EXPECT_EQ(one.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_NE(one, other);
}

}  // namespace
}  // namespace chaos
