#include "operator/base/net/process_metrics.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>

namespace chaos {
namespace {

TEST(ReadProcess, DescribesThisProcess) {
  const ProcessFigures now = ReadProcess();
  EXPECT_GT(now.resident_bytes, 1e6);
  EXPECT_GT(now.virtual_bytes, now.resident_bytes);
  EXPECT_GE(now.open_fds, 3);
  EXPECT_GT(now.max_fds, now.open_fds);
  const double wall =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_LE(now.start_time_seconds, wall + 2);
  EXPECT_GT(now.start_time_seconds, wall - 3600);
  const int extra = dup(0);
  EXPECT_EQ(ReadProcess().open_fds, now.open_fds + 1);
  close(extra);
}

TEST(ReadProcess, GivesZerosWhereThereIsNothingToRead) {
  const ProcessFigures none = ReadProcess("/nonexistent");
  EXPECT_EQ(none.resident_bytes, 0);
  EXPECT_EQ(none.open_fds, 0);
}

}  // namespace
}  // namespace chaos
