// metav1.Condition: the one form in which an object says how it stands.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/clock.h"
#include "operator/base/json.h"

namespace chaos::kube {

enum class ConditionStatus { kUnknown, kFalse, kTrue };
std::string_view Name(ConditionStatus status);  // "Unknown", "False", "True"

struct Condition {
  std::string type;
  ConditionStatus status = ConditionStatus::kUnknown;
  std::string reason;  // CamelCase, never empty
  std::string message;
  std::int64_t observed_generation = 0;
  TimePoint last_transition{};  // seconds; what is finer is cut off when printed
  bool operator==(const Condition&) const = default;
};

// Adds or replaces. `condition.last_transition` is now; it is taken only where the status is
// another than before.
void SetCondition(std::vector<Condition>& conditions, Condition condition);
// True when there was one.
bool RemoveCondition(std::vector<Condition>& conditions, std::string_view type);
const Condition* FindCondition(const std::vector<Condition>& conditions, std::string_view type);
bool IsTrue(const std::vector<Condition>& conditions, std::string_view type);

Json ConditionsToJson(const std::vector<Condition>& conditions);
// Unreadable entries are left out.
std::vector<Condition> ConditionsFromJson(const Json& list);

// "" or the first rule that a stored status breaks (kstatus, the Flux condition lint, metav1
// validation), as a sentence.
std::string CheckKstatus(const std::vector<Condition>& conditions, std::int64_t generation,
                         std::int64_t observed);

}  // namespace chaos::kube
