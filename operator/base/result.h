// Results instead of exceptions: why a call failed decides what to do next; the text is for people
// only.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "operator/base/check.h"

namespace chaos {

enum class Reason {
  kNotFound,        // the object is not there
  kConflict,        // somebody wrote in between (409): read again, decide again
  kGone,            // the resource version is too old (410): list again
  kThrottled,       // 429 or overload: wait retry_after, then the same call again
  kDenied,          // 401, 403 or a refusal by policy: repeating it will not help
  kInvalid,         // the request or the input is wrong (400, 422): change it
  kUnavailable,     // surely not executed: try again
  kUnknownOutcome,  // it may have happened: look before doing it again
  kCancelled,       // we stopped it ourselves
};

std::string_view Name(Reason reason);  // "NotFound", "Conflict", …

struct Error {
  Reason reason = Reason::kInvalid;
  std::string detail;                        // a sentence for people
  std::chrono::milliseconds retry_after{0};  // what the server asked for; 0 = nothing
  int http_status = 0;                       // 0 = no HTTP answer
};

// Either a value or an Error. Reading the one that is not there is a bug and ends the process.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  explicit operator bool() const { return state_.index() == 0; }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(value()); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const {
    CHECK(state_.index() == 1);
    return std::get<1>(state_);
  }

 private:
  T& value() {
    CHECK(state_.index() == 0);
    return std::get<0>(state_);
  }
  const T& value() const {
    CHECK(state_.index() == 0);
    return std::get<0>(state_);
  }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit
  explicit operator bool() const { return !error_; }
  const Error& error() const {
    CHECK(error_.has_value());
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

inline Error Invalid(std::string detail) {
  return Error{Reason::kInvalid, std::move(detail), {}, 0};
}

}  // namespace chaos
