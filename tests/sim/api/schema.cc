#include "tests/sim/api/schema.h"

#include <algorithm>
#include <set>

#include "operator/base/time_text.h"

namespace chaos::sim {
namespace {

using Texts = std::vector<std::string>;

const Json& Child(const Json& schema, const char* name) {
  static const Json kNone;
  const auto it = schema.find(name);
  return it == schema.end() ? kNone : *it;
}

void Default(const Json& schema, Json& value) {
  if (value.is_object()) {
    for (const auto& [name, field] : Child(schema, "properties").items()) {
      auto it = value.find(name);
      if (it != value.end() && it->is_null() && field.contains("default")) {
        value.erase(it);
        it = value.end();
      }
      if (it == value.end()) {
        if (!field.contains("default")) continue;
        it = value.emplace(name, field["default"]).first;
      }
      Default(field, *it);
    }
    if (const Json& more = Child(schema, "additionalProperties"); more.is_object()) {
      for (auto& [name, field] : value.items()) Default(more, field);
    }
  } else if (value.is_array() && Child(schema, "items").is_object()) {
    for (Json& item : value) Default(schema["items"], item);
  }
}

void PruneAt(const Json& schema, Json& value, const std::string& path, Texts& found) {
  if (schema.value("x-kubernetes-preserve-unknown-fields", false)) return;
  if (value.is_object()) {
    const Json& known = Child(schema, "properties");
    const Json& more = Child(schema, "additionalProperties");
    for (auto it = value.begin(); it != value.end();) {
      const std::string at = path.empty() ? it.key() : path + "." + it.key();
      if (known.is_object() && known.contains(it.key())) {
        PruneAt(known[it.key()], *it, at, found);
      } else if (more.is_object()) {
        PruneAt(more, *it, at, found);
      } else if (!(more.is_boolean() && more.get<bool>())) {
        found.push_back(at);
        it = value.erase(it);
        continue;
      }
      ++it;
    }
  } else if (value.is_array() && Child(schema, "items").is_object()) {
    for (std::size_t i = 0; i < value.size(); ++i)
      PruneAt(schema["items"], value[i], path + "[" + std::to_string(i) + "]", found);
  }
}

// JSON's word for what a value is.
std::string_view TypeOf(const Json& value) {
  if (value.is_number_integer()) return "integer";
  if (value.is_number()) return "number";
  return value.type_name();
}

bool TypeFits(const Json& schema, const Json& value) {
  if (schema.value("x-kubernetes-int-or-string", false))
    return value.is_string() || value.is_number_integer();
  const std::string type = schema.value("type", "");
  return type.empty() || type == TypeOf(value) || (type == "number" && value.is_number());
}

// The values of an item's keys, in a list of type map.
Json KeyOf(const Json& schema, const Json& item) {
  Json key;
  for (const Json& name : schema["x-kubernetes-list-map-keys"])
    key[name.get<std::string>()] = item.value(name.get<std::string>(), Json());
  return key;
}

bool IsMapList(const Json& schema) { return schema.value("x-kubernetes-list-type", "") == "map"; }

void MisfitsAt(const Json& schema, const Json& value, const std::string& path, Texts& found) {
  if (schema.value("x-kubernetes-preserve-unknown-fields", false) || value.is_null()) return;
  if (!TypeFits(schema, value)) {
    found.push_back(path + ": expected " + schema.value("type", "") + ", got " +
                    std::string(TypeOf(value)));
    return;
  }
  if (value.is_object()) {
    const Json& known = Child(schema, "properties");
    const Json& more = Child(schema, "additionalProperties");
    for (const auto& [name, field] : value.items()) {
      if (known.is_object() && known.contains(name))
        MisfitsAt(known[name], field, path + "." + name, found);
      else if (more.is_object())
        MisfitsAt(more, field, path + "." + name, found);
      else if (!(more.is_boolean() && more.get<bool>()))
        found.push_back(path + "." + name + ": field not declared in schema");
    }
  } else if (value.is_array() && Child(schema, "items").is_object()) {
    std::set<Json> keys;
    for (const Json& item : value) {
      MisfitsAt(schema["items"], item, path, found);
      if (!IsMapList(schema) || !item.is_object()) continue;
      if (const Json key = KeyOf(schema, item); !keys.insert(key).second)
        found.push_back(path + ": duplicate entries for key " + PrintJson(key));
    }
  }
}

std::size_t Characters(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

class Validator {
 public:
  void Check(const Json& schema, const Json& value, const std::string& path) {
    if (value.is_null() && schema.value("nullable", false)) return;
    if (!TypeFits(schema, value)) {
      Wrong(path, "Invalid value",
            "must be of type " + schema["type"].get<std::string>() + ": \"" +
                std::string(TypeOf(value)) + "\"");
      return;
    }
    if (const Json& allowed = Child(schema, "enum");
        allowed.is_array() && std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
      Wrong(path, "Unsupported value",
            PrintJson(value) + ": supported values: " + PrintJson(allowed));
    }
    if (value.is_string()) CheckText(schema, value.get<std::string>(), path);
    if (value.is_number()) CheckNumber(schema, value.get<double>(), path);
    if (value.is_array()) CheckList(schema, value, path);
    if (value.is_object()) CheckFields(schema, value, path);
  }
  Texts wrong;

 private:
  void CheckText(const Json& schema, const std::string& text, const std::string& path) {
    if (schema.value("format", "") == "date-time" && !ParseTime(text))
      Wrong(path, "Invalid value", "\"" + text + "\": must be of type datetime");
    const std::size_t length = Characters(text);
    if (length > schema.value("maxLength", length))
      Wrong(path, "Too long", "may not be more than " + PrintJson(schema["maxLength"]) + " bytes");
    if (length < schema.value("minLength", length))
      Wrong(path, "Invalid value",
            "should be at least " + PrintJson(schema["minLength"]) + " chars long");
  }
  void CheckNumber(const Json& schema, double number, const std::string& path) {
    if (number > schema.value("maximum", number))
      Wrong(path, "Invalid value",
            "should be less than or equal to " + PrintJson(schema["maximum"]));
    if (number < schema.value("minimum", number))
      Wrong(path, "Invalid value",
            "should be greater than or equal to " + PrintJson(schema["minimum"]));
  }
  void CheckList(const Json& schema, const Json& list, const std::string& path) {
    if (list.size() > schema.value("maxItems", list.size()))
      Wrong(path, "Too many", "must have at most " + PrintJson(schema["maxItems"]) + " items");
    if (list.size() < schema.value("minItems", list.size()))
      Wrong(path, "Invalid value",
            "should have at least " + PrintJson(schema["minItems"]) + " items");
    if (!Child(schema, "items").is_object()) return;
    std::set<Json> keys;
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::string at = path + "[" + std::to_string(i) + "]";
      Check(schema["items"], list[i], at);
      if (!IsMapList(schema) || !list[i].is_object()) continue;
      if (const Json key = KeyOf(schema, list[i]); !keys.insert(key).second)
        Wrong(at, "Duplicate value", PrintJson(key));
    }
  }
  void CheckFields(const Json& schema, const Json& object, const std::string& path) {
    const auto below = [&](const std::string& name) {
      return path.empty() ? name : path + "." + name;
    };
    for (const Json& name : Child(schema, "required")) {
      if (!object.contains(name.get<std::string>()))
        Wrong(below(name.get<std::string>()), "Required value", "");
    }
    const Json& known = Child(schema, "properties");
    const Json& more = Child(schema, "additionalProperties");
    for (const auto& [name, field] : object.items()) {
      if (known.is_object() && known.contains(name)) {
        Check(known[name], field, below(name));
      } else if (more.is_object()) {
        Check(more, field, below(name));
      }
    }
  }
  void Wrong(const std::string& path, const std::string& kind, const std::string& why) {
    wrong.push_back(path + ": " + kind + (why.empty() ? "" : ": " + why));
  }
};

}  // namespace

void Schema::AddDefaults(Json& object) const { Default(schema_, object); }

std::vector<std::string> Schema::Prune(Json& object) const {
  Texts found;
  // metadata, apiVersion and kind belong to every object and are checked elsewhere.
  for (const auto& [name, field] : schema_["properties"].items()) {
    if (name == "metadata" || name == "apiVersion" || name == "kind") continue;
    if (const auto it = object.find(name); it != object.end()) PruneAt(field, *it, name, found);
  }
  for (auto it = object.begin(); it != object.end();) {
    const bool known = it.key() == "metadata" || it.key() == "apiVersion" || it.key() == "kind" ||
                       schema_["properties"].contains(it.key());
    if (!known) found.push_back(it.key());
    it = known ? std::next(it) : object.erase(it);
  }
  return found;
}

std::vector<std::string> Schema::Misfits(const Json& object) const {
  Texts found;
  for (const auto& [name, value] : object.items()) {
    if (name == "metadata" || name == "apiVersion" || name == "kind") continue;
    const Json& known = schema_["properties"];
    if (known.contains(name))
      MisfitsAt(known[name], value, "." + name, found);
    else
      found.push_back("." + name + ": field not declared in schema");
  }
  return found;
}

std::vector<std::string> Schema::Validate(const Json& object) const {
  Validator validator;
  for (const auto& [name, field] : schema_["properties"].items()) {
    if (const auto it = object.find(name); it != object.end()) validator.Check(field, *it, name);
  }
  for (const Json& name : Child(schema_, "required")) {
    if (!object.contains(name.get<std::string>()))
      validator.wrong.push_back(name.get<std::string>() + ": Required value");
  }
  return validator.wrong;
}

}  // namespace chaos::sim
