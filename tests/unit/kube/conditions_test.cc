#include "operator/kube/conditions.h"

#include <gtest/gtest.h>

namespace chaos::kube {
namespace {

constexpr TimePoint kThen{seconds(1'000'000)};
constexpr TimePoint kNow{seconds(2'000'000)};
constexpr auto kTrue = ConditionStatus::kTrue;
constexpr auto kFalse = ConditionStatus::kFalse;
constexpr auto kUnknown = ConditionStatus::kUnknown;

Condition Make(std::string type, ConditionStatus status, std::int64_t observed = 2) {
  return {std::move(type), status, "Because", "", observed, kThen};
}

TEST(SetCondition, MovesTheTransitionTimeOnlyWithTheStatus) {
  std::vector<Condition> list{Make("Ready", kFalse)};
  Condition next = Make("Ready", kFalse, 3);
  next.reason = "Other";
  next.last_transition = kNow;
  SetCondition(list, next);
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0].last_transition, kThen);
  EXPECT_EQ(list[0].reason, "Other");
  EXPECT_EQ(list[0].observed_generation, 3);
  next.status = kTrue;
  SetCondition(list, next);
  EXPECT_EQ(list[0].last_transition, kNow);
}

TEST(RemoveCondition, SaysWhetherThereWasOne) {
  std::vector<Condition> list{Make("Ready", kFalse), Make("Stalled", kTrue)};
  EXPECT_TRUE(RemoveCondition(list, "Stalled"));
  EXPECT_FALSE(RemoveCondition(list, "Stalled"));
  EXPECT_EQ(FindCondition(list, "Stalled"), nullptr);
  ASSERT_NE(FindCondition(list, "Ready"), nullptr);
}

TEST(ConditionsJson, ComesBackAsItWas) {
  const std::vector<Condition> list{Make("Ready", kFalse), Make("Stalled", kTrue),
                                    Make("Succeeded", kUnknown)};
  EXPECT_EQ(ConditionsFromJson(ConditionsToJson(list)), list);
  EXPECT_EQ(Text(ConditionsToJson(list)[0], {"lastTransitionTime"}), "1970-01-12T13:46:40Z");
  EXPECT_TRUE(ConditionsFromJson(Json()).empty());
  EXPECT_TRUE(ConditionsFromJson(*ParseJson(R"([1, {}, {"status":"True"}, null])")).empty());
}

TEST(CheckKstatus, NamesTheRuleThatIsBroken) {
  Condition no_reason = Make("Ready", kTrue);
  no_reason.reason = "";
  Condition no_time = Make("Ready", kTrue);
  no_time.last_transition = {};
  struct Row {
    std::vector<Condition> list;
    std::int64_t observed;
    const char* broken;
  };
  const Row rows[] = {
      {{Make("Ready", kTrue)}, 2, ""},
      {{Make("Ready", kFalse), Make("Reconciling", kTrue)}, 2, ""},
      {{Make("Ready", kFalse), Make("Stalled", kTrue), Make("Succeeded", kFalse)}, 2, ""},
      {{Make("Ready", kUnknown, 1), Make("Reconciling", kTrue, 1)}, 1, ""},
      {{}, 2, "there is no condition Ready"},
      {{Make("Succeeded", kTrue)}, 2, "there is no condition Ready"},
      {{Make("Ready", kTrue), Make("Reconciling", kTrue)},
       2,
       "Ready is True while Reconciling is True"},
      {{Make("Ready", kTrue), Make("Stalled", kTrue)}, 2, "Ready is True while Stalled is True"},
      {{Make("Ready", kFalse), Make("Stalled", kTrue), Make("Reconciling", kTrue)},
       2,
       "Reconciling and Stalled are both True"},
      {{Make("Ready", kTrue)}, 1, "Ready is True for an older generation"},
      {{Make("Ready", kTrue, 1)}, 2, "Ready is True but has not observed this generation"},
      {{Make("Ready", kFalse)}, 3, "observedGeneration is ahead of generation"},
      {{Make("Ready", kFalse, 3)},
       2,
       "condition Ready has observedGeneration 3, ahead of generation 2"},
      {{Make("Ready", kTrue), Make("Stalled", kFalse)},
       2,
       "condition Stalled must be removed instead of being False"},
      {{Make("Ready", kTrue), Make("Ready", kTrue)}, 2, "two conditions Ready"},
      {{no_reason}, 2, "condition Ready has no reason"},
      {{no_time}, 2, "condition Ready has no lastTransitionTime"},
  };
  for (const Row& row : rows)
    EXPECT_EQ(CheckKstatus(row.list, /*generation=*/2, row.observed), row.broken);
}

}  // namespace
}  // namespace chaos::kube
