#include "injectors/load/deadlines.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace chaos::load {
namespace {

using namespace std::chrono_literals;

TEST(Deadlines, AreSaidOnceAndNeverEarly) {
  Deadlines deadlines(2);
  EXPECT_FALSE(deadlines.Wake());
  deadlines.Set(0, 5ns);
  deadlines.Set(1, 3ns);
  EXPECT_EQ(deadlines.Wake(), 3ns);
  EXPECT_FALSE(deadlines.Next(2ns));
  EXPECT_EQ(deadlines.Next(9ns), 1);
  EXPECT_EQ(deadlines.Next(9ns), 0);
  EXPECT_FALSE(deadlines.Next(9ns));
}

TEST(Deadlines, MoveLaterForTheCostOfAStore) {
  Deadlines deadlines(1);
  for (int i = 1; i <= 1000; ++i) deadlines.Set(0, nanoseconds(i));
  EXPECT_EQ(deadlines.Wake(), 1ns) << "looked at again, not moved";
  EXPECT_FALSE(deadlines.Next(999ns));
  EXPECT_EQ(deadlines.Wake(), 1000ns);
  EXPECT_EQ(deadlines.Next(1000ns), 0);
}

TEST(Deadlines, CanBeTakenAwayAndBroughtForward) {
  Deadlines deadlines(1);
  deadlines.Set(0, 10ns);
  deadlines.Set(0, Deadlines::kNone);
  EXPECT_FALSE(deadlines.Next(50ns));
  deadlines.Set(0, 90ns);
  deadlines.Set(0, 60ns);
  EXPECT_EQ(deadlines.Wake(), 60ns);
  EXPECT_EQ(deadlines.Next(60ns), 0);
  EXPECT_FALSE(deadlines.Next(95ns));
}

TEST(Deadlines, AgreeWithAListOfNumbers) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    Deadlines deadlines(8);
    std::vector<nanoseconds> truth(8, Deadlines::kNone);
    nanoseconds now{0};
    for (int step = 0; step < 500; ++step) {
      const auto index = static_cast<int>(random() % 8);
      const nanoseconds at =
          random() % 5 == 0 ? Deadlines::kNone : now + nanoseconds(random() % 40);
      deadlines.Set(index, at);
      truth[static_cast<std::size_t>(index)] = at;
      now += nanoseconds(random() % 10);
      std::vector<int> due, expected;
      while (const auto next = deadlines.Next(now)) due.push_back(*next);
      for (int i = 0; i < 8; ++i) {
        auto& t = truth[static_cast<std::size_t>(i)];
        if (t > now) continue;
        expected.push_back(i);
        t = Deadlines::kNone;
      }
      std::sort(due.begin(), due.end());
      ASSERT_EQ(due, expected) << "step " << step;
    }
  }
}

}  // namespace
}  // namespace chaos::load
