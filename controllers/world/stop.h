// ChaosStop: while one exists nothing starts, and everything reverts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "operator/base/json.h"
#include "operator/kube/conditions.h"
#include "operator/kube/object.h"

namespace chaos {

struct Stop {
  kube::ObjectMeta meta;
  std::string reason;
  std::vector<std::string> namespaces;  // empty = everywhere
  std::int64_t observed_generation = -1;
  std::int64_t live = -1, stopped = -1;
  std::vector<kube::Condition> conditions;
  bool Covers(std::string_view ns) const;
  static Result<Stop> FromJson(const Json& object);
};

}  // namespace chaos
