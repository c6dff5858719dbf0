// The few things we do with JSON everywhere: parse without exceptions, read a field without
// surprises.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"

namespace chaos {

using Json = nlohmann::json;

// kInvalid for text that is not JSON.
Result<Json> ParseJson(std::string_view text);
// Compact, keys sorted, invalid UTF-8 replaced: the same value always prints the same bytes.
std::string PrintJson(const Json& value);

// The value at a path of keys such as {"metadata", "name"}; nullptr when any step is missing.
const Json* Find(const Json& value, std::initializer_list<std::string_view> path);
// Reads with a fallback: missing, null or of another type is the fallback.
std::string Text(const Json& value, std::initializer_list<std::string_view> path,
                 std::string_view fallback = "");
std::int64_t Integer(const Json& value, std::initializer_list<std::string_view> path,
                     std::int64_t fallback = 0);
bool Flag(const Json& value, std::initializer_list<std::string_view> path, bool fallback = false);
std::vector<std::string> Texts(const Json& value, std::initializer_list<std::string_view> path);
// The texts of an object by their keys; what is not text is left out.
std::map<std::string, std::string> TextMap(const Json& value,
                                           std::initializer_list<std::string_view> path);
// Empty when it is missing or something else.
const Json& ObjectAt(const Json& value, std::initializer_list<std::string_view> path);
const Json& ListAt(const Json& value, std::initializer_list<std::string_view> path);

}  // namespace chaos
