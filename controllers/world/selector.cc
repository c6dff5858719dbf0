#include "controllers/world/selector.h"

#include <algorithm>

namespace chaos {

std::optional<Selector> SelectorAt(const Json& json, std::initializer_list<std::string_view> path) {
  const Json* found = Find(json, path);
  if (found == nullptr) return std::nullopt;
  Selector selector{TextMap(*found, {"matchLabels"}), {}};
  for (const Json& item : ListAt(*found, {"matchExpressions"})) {
    selector.match_expressions.push_back(
        {Text(item, {"key"}), Text(item, {"operator"}), Texts(item, {"values"})});
  }
  return selector;
}

bool HasAll(const Labels& labels, const Labels& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& want) {
    const auto found = labels.find(want.first);
    return found != labels.end() && found->second == want.second;
  });
}

bool Selector::Matches(const Labels& labels) const {
  for (const auto& [key, value] : match_labels) {
    const auto found = labels.find(key);
    if (found == labels.end() || found->second != value) return false;
  }
  for (const Requirement& r : match_expressions) {
    const auto found = labels.find(r.key);
    const bool there = found != labels.end();
    const bool listed =
        there && std::find(r.values.begin(), r.values.end(), found->second) != r.values.end();
    if (r.op == "In" && !listed) return false;
    if (r.op == "NotIn" && listed) return false;
    if (r.op == "Exists" && !there) return false;
    if (r.op == "DoesNotExist" && there) return false;
  }
  return true;
}

}  // namespace chaos
