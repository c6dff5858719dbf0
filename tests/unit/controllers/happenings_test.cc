// What a person who follows an experiment is told by events.
#include <gtest/gtest.h>

#include "controllers/chaosexperiment/describe.h"

namespace chaos::experiment {
namespace {

Status BlockedBy(const std::string& reason) {
  Status status;
  const Blocked blocked{reason, "because"};
  Describe(status, 1, &blocked, false, false, TimePoint{});
  return status;
}

TEST(Happenings, WhatHoldsAStartBackIsAWarningOnce) {
  const Status blocked = BlockedBy("NotBound");
  const auto told = Happenings(Status{}, blocked);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].kind, kube::EventKind::kWarning);
  EXPECT_EQ(told[0].reason, "NotStarted");
  EXPECT_EQ(told[0].note, "NotBound: because");
  EXPECT_TRUE(Happenings(blocked, blocked).empty());
}

TEST(Happenings, AnotherReasonIsToldAgain) {
  EXPECT_EQ(Happenings(BlockedBy("NotBound"), BlockedBy("NoCandidates")).size(), 1u);
}

TEST(Happenings, TheFirstLookAtANamespaceIsNoWarning) {
  EXPECT_TRUE(Happenings(Status{}, BlockedBy("Reading")).empty());
}

}  // namespace
}  // namespace chaos::experiment
