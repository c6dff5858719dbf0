// Reads one JSON object field by field, strictly: the first field that is wrong is named, and so is
// one that nobody asked for.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "operator/base/clock.h"
#include "operator/base/json.h"
#include "operator/base/result.h"
#include "operator/base/time_text.h"

namespace chaos::protocol {

template <class Number>
bool FitsInto(const Json& value) {
  if constexpr (std::is_integral_v<Number>) {
    if (!value.is_number_integer()) return false;
    if (value.is_number_unsigned()) return std::in_range<Number>(value.get<std::uint64_t>());
    return std::in_range<Number>(value.get<std::int64_t>());
  } else {
    return value.is_number();
  }
}

inline bool IsHex(std::string_view text, std::size_t digits) {
  return text.size() == digits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// Requires: the object outlives the reader. Finish() says what was wrong, or nothing.
class FieldReader {
 public:
  FieldReader(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
    if (!object.is_object()) Fail("", "an object");
  }

  const Json* Take(const char* key, bool required) {
    known_.insert(key);
    if (!object_.is_object()) return nullptr;
    const auto found = object_.find(key);
    if (found != object_.end()) return &*found;
    if (required) Fail(key, "present");
    return nullptr;
  }

  void Read(const char* key, std::string& out, bool required = false) {
    if (const Json* value = Take(key, required)) {
      if (value->is_string())
        out = value->get<std::string>();
      else
        Fail(key, "text");
    }
  }
  template <class Number>
  requires std::is_arithmetic_v<Number>
  void Read(const char* key, Number& out, bool required = false) {
    if (const Json* value = Take(key, required)) {
      if (FitsInto<Number>(*value))
        out = value->get<Number>();
      else
        Fail(key, "a number that fits");
    }
  }
  void Read(const char* key, std::optional<double>& out) {
    if (const Json* value = Take(key, false)) {
      if (value->is_number())
        out = value->get<double>();
      else
        Fail(key, "a number");
    }
  }
  void Read(const char* key, milliseconds& out, bool required = false) {
    std::string text;
    Read(key, text, required);
    if (text.empty()) return;
    if (Result<milliseconds> parsed = ParseDuration(text))
      out = *parsed;
    else
      Fail(key, "a duration such as 30s");
  }
  void Read(const char* key, TimePoint& out) {
    std::string text;
    Read(key, text, true);
    if (text.empty()) return;
    if (Result<TimePoint> parsed = ParseTime(text))
      out = *parsed;
    else
      Fail(key, "an RFC 3339 time");
  }
  template <class Item>
  void Read(const char* key, std::vector<Item>& out, const char* what) {
    const Json* value = Take(key, false);
    if (value == nullptr) return;
    if (!value->is_array()) return Fail(key, what);
    for (const Json& item : *value) {
      if constexpr (std::is_same_v<Item, std::string>) {
        if (!item.is_string()) return Fail(key, what);
      } else {
        if (!item.is_number_unsigned() || item.get<std::uint64_t>() > 65535) return Fail(key, what);
      }
      out.push_back(item.get<Item>());
    }
  }
  template <class Enum, std::size_t N>
  void Read(const char* key, Enum& out, const std::array<std::string_view, N>& names) {
    std::string text;
    Read(key, text, true);
    for (std::size_t i = 0; i < N; ++i) {
      if (names[i] == text) {
        out = static_cast<Enum>(i);
        return;
      }
    }
    Fail(key, "a known word");
  }

  void Fail(std::string_view key, std::string_view expected) {
    if (!error_.empty()) return;
    error_ =
        where_ + (key.empty() ? "" : ".") + std::string(key) + " must be " + std::string(expected);
  }
  std::string Finish() {
    if (error_.empty() && object_.is_object()) {
      for (const auto& [key, value] : object_.items()) {
        if (!known_.contains(key)) return where_ + " has an unknown field \"" + key + "\"";
      }
    }
    return error_;
  }

 private:
  const Json& object_;
  std::string where_;
  std::string error_;
  std::set<std::string> known_;
};

inline void PutUnlessEmpty(Json& object, const char* key, const std::string& value) {
  if (!value.empty()) object[key] = value;
}

// Runs `read` on every item of a list field; the first error wins.
template <class Item, class Read>
std::string ReadList(FieldReader& reader, const char* key, std::vector<Item>& out, Read read) {
  const Json* list = reader.Take(key, false);
  if (list == nullptr) return "";
  if (!list->is_array()) return std::string(key) + " must be a list";
  for (std::size_t i = 0; i < list->size(); ++i) {
    Item item;
    std::string error = read((*list)[i], std::string(key) + "[" + std::to_string(i) + "]", item);
    if (!error.empty()) return error;
    out.push_back(std::move(item));
  }
  return "";
}

inline std::string CheckHeader(FieldReader& reader) {
  int version = 0;
  reader.Read("v", version, true);
  return version == 1 || version == 0
             ? ""
             : "arguments of version " + std::to_string(version) + " are not known";
}

template <class T>
Result<T> Done(T value, std::initializer_list<std::string> errors) {
  for (const std::string& error : errors) {
    if (!error.empty()) return Invalid(error);
  }
  return value;
}

}  // namespace chaos::protocol
