// Labels and what selects by them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/json.h"

namespace chaos {

using Labels = std::map<std::string, std::string>;

// Whether `labels` carry every one of `wanted`.
bool HasAll(const Labels& labels, const Labels& wanted);

struct Requirement {
  std::string key;
  std::string op;  // In NotIn Exists DoesNotExist
  std::vector<std::string> values;
};
struct Selector {
  Labels match_labels;
  std::vector<Requirement> match_expressions;
  bool Matches(const Labels& labels) const;
};

// A label selector of the API; nullopt when there is none at the path.
std::optional<Selector> SelectorAt(const Json& json, std::initializer_list<std::string_view> path);

}  // namespace chaos
