#include "operator/kube/conditions.h"

#include <algorithm>

#include "operator/base/time_text.h"

namespace chaos::kube {
namespace {

auto At(auto& conditions, std::string_view type) {
  return std::find_if(conditions.begin(), conditions.end(),
                      [&](const Condition& c) { return c.type == type; });
}

// Normal is their absence: where nothing is wrong they are taken away, not set to False.
constexpr std::string_view kAbnormal[] = {"Reconciling", "Stalled"};

std::string CheckOne(const Condition& condition, std::int64_t generation) {
  if (condition.reason.empty()) return "condition " + condition.type + " has no reason";
  if (condition.last_transition == TimePoint{})
    return "condition " + condition.type + " has no lastTransitionTime";
  if (condition.observed_generation > generation) {
    return "condition " + condition.type + " has observedGeneration " +
           std::to_string(condition.observed_generation) + ", ahead of generation " +
           std::to_string(generation);
  }
  const bool abnormal = std::count(std::begin(kAbnormal), std::end(kAbnormal), condition.type) > 0;
  if (abnormal && condition.status != ConditionStatus::kTrue) {
    return "condition " + condition.type + " must be removed instead of being " +
           std::string(Name(condition.status));
  }
  return "";
}

}  // namespace

std::string_view Name(ConditionStatus status) {
  switch (status) {
    case ConditionStatus::kUnknown:
      return "Unknown";
    case ConditionStatus::kFalse:
      return "False";
    case ConditionStatus::kTrue:
      return "True";
  }
  CHECK(false);
}

void SetCondition(std::vector<Condition>& conditions, Condition condition) {
  const auto old = At(conditions, condition.type);
  if (old == conditions.end()) {
    conditions.push_back(std::move(condition));
    return;
  }
  if (old->status == condition.status) condition.last_transition = old->last_transition;
  *old = std::move(condition);
}

bool RemoveCondition(std::vector<Condition>& conditions, std::string_view type) {
  return std::erase_if(conditions, [&](const Condition& c) { return c.type == type; }) > 0;
}

const Condition* FindCondition(const std::vector<Condition>& conditions, std::string_view type) {
  const auto found = At(conditions, type);
  return found == conditions.end() ? nullptr : &*found;
}

bool IsTrue(const std::vector<Condition>& conditions, std::string_view type) {
  const Condition* found = FindCondition(conditions, type);
  return found && found->status == ConditionStatus::kTrue;
}

Json ConditionsToJson(const std::vector<Condition>& conditions) {
  Json list = Json::array();
  for (const Condition& condition : conditions) {
    list.push_back({{"type", condition.type},
                    {"status", Name(condition.status)},
                    {"reason", condition.reason},
                    {"message", condition.message},
                    {"observedGeneration", condition.observed_generation},
                    {"lastTransitionTime", PrintTime(condition.last_transition, 0)}});
  }
  return list;
}

std::vector<Condition> ConditionsFromJson(const Json& list) {
  std::vector<Condition> conditions;
  if (!list.is_array()) return conditions;
  for (const Json& item : list) {
    Condition condition;
    condition.type = Text(item, {"type"});
    if (condition.type.empty()) continue;
    const std::string status = Text(item, {"status"});
    for (ConditionStatus known : {ConditionStatus::kFalse, ConditionStatus::kTrue}) {
      if (status == Name(known)) condition.status = known;
    }
    condition.reason = Text(item, {"reason"});
    condition.message = Text(item, {"message"});
    condition.observed_generation = Integer(item, {"observedGeneration"});
    if (Result<TimePoint> at = ParseTime(Text(item, {"lastTransitionTime"})))
      condition.last_transition = *at;
    conditions.push_back(std::move(condition));
  }
  return conditions;
}

std::string CheckKstatus(const std::vector<Condition>& conditions, std::int64_t generation,
                         std::int64_t observed) {
  for (const Condition& condition : conditions) {
    const auto same = [&](const Condition& other) { return other.type == condition.type; };
    if (std::count_if(conditions.begin(), conditions.end(), same) > 1)
      return "two conditions " + condition.type;
    if (std::string broken = CheckOne(condition, generation); !broken.empty()) return broken;
  }
  const Condition* ready = FindCondition(conditions, "Ready");
  if (!ready) return "there is no condition Ready";
  const bool reconciling = IsTrue(conditions, "Reconciling");
  const bool stalled = IsTrue(conditions, "Stalled");
  if (reconciling && stalled) return "Reconciling and Stalled are both True";
  if (observed > generation) return "observedGeneration is ahead of generation";
  const bool is_ready = ready->status == ConditionStatus::kTrue;
  if (is_ready && reconciling) return "Ready is True while Reconciling is True";
  if (is_ready && stalled) return "Ready is True while Stalled is True";
  if (is_ready && observed < generation) return "Ready is True for an older generation";
  if (is_ready && ready->observed_generation < generation)
    return "Ready is True but has not observed this generation";
  return "";
}

}  // namespace chaos::kube
