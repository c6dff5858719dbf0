#include "operator/base/json.h"

namespace chaos {

Result<Json> ParseJson(std::string_view text) {
  Json value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) {
    return Invalid("not JSON: " + std::string(text.substr(0, 80)) + (text.size() > 80 ? "…" : ""));
  }
  return value;
}

std::string PrintJson(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

const Json* Find(const Json& value, std::initializer_list<std::string_view> path) {
  const Json* at = &value;
  for (std::string_view key : path) {
    if (!at->is_object()) return nullptr;
    const auto next = at->find(std::string(key));
    if (next == at->end() || next->is_null()) return nullptr;
    at = &*next;
  }
  return at;
}

std::string Text(const Json& value, std::initializer_list<std::string_view> path,
                 std::string_view fallback) {
  const Json* found = Find(value, path);
  return found && found->is_string() ? found->get<std::string>() : std::string(fallback);
}

std::int64_t Integer(const Json& value, std::initializer_list<std::string_view> path,
                     std::int64_t fallback) {
  const Json* found = Find(value, path);
  return found && found->is_number_integer() ? found->get<std::int64_t>() : fallback;
}

bool Flag(const Json& value, std::initializer_list<std::string_view> path, bool fallback) {
  const Json* found = Find(value, path);
  return found && found->is_boolean() ? found->get<bool>() : fallback;
}

std::vector<std::string> Texts(const Json& value, std::initializer_list<std::string_view> path) {
  std::vector<std::string> texts;
  if (const Json* found = Find(value, path); found && found->is_array()) {
    for (const Json& item : *found) {
      if (item.is_string()) texts.push_back(item.get<std::string>());
    }
  }
  return texts;
}

std::map<std::string, std::string> TextMap(const Json& value,
                                           std::initializer_list<std::string_view> path) {
  std::map<std::string, std::string> texts;
  for (const auto& [key, text] : ObjectAt(value, path).items()) {
    if (text.is_string()) texts[key] = text.get<std::string>();
  }
  return texts;
}

const Json& ObjectAt(const Json& value, std::initializer_list<std::string_view> path) {
  static const Json kNone = Json::object();
  const Json* found = Find(value, path);
  return found && found->is_object() ? *found : kNone;
}

const Json& ListAt(const Json& value, std::initializer_list<std::string_view> path) {
  static const Json kNone = Json::array();
  const Json* found = Find(value, path);
  return found && found->is_array() ? *found : kNone;
}

}  // namespace chaos
