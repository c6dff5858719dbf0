// How bytes reach the API server. Everything above speaks to this interface; the simulation
// implements it too.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "operator/base/result.h"

namespace chaos::kube {

enum class Method { kGet, kPost, kPut, kPatch, kDelete };
std::string_view Name(Method method);  // "GET", …
// True for methods that change something: their lost reply is kUnknownOutcome, not kUnavailable.
constexpr bool Writes(Method method) { return method != Method::kGet; }

struct Request {
  Method method = Method::kGet;
  std::string target;        // path and query, already escaped: "/api/v1/pods?limit=500"
  std::string content_type;  // of the body; empty without one
  std::string body;
  // Send: from the call to the last byte of the answer. Open: longest silence before the stream
  // counts as dead.
  std::chrono::milliseconds timeout{std::chrono::seconds(30)};
};

// Any HTTP answer, also 4xx and 5xx.
struct Response {
  int status = 0;
  std::string body;
  std::chrono::milliseconds retry_after{0};
};

// One response that is read line by line while it arrives (watch, followed log).
// Destroying it closes the connection at once. Thread-safety: one owner; `wake` comes from
// elsewhere.
class LineStream {
 public:
  struct Opened {};  // the server answered 2xx; once, before the first line
  struct Line {
    std::string text;
  };                  // without its line end
  struct Nothing {};  // not now; `wake` will be called
  struct End {};      // the server ended the response in an orderly way
  using Polled = std::variant<Opened, Line, Nothing, End>;

  virtual ~LineStream() = default;
  // Never blocks. After an error or End the stream is done. A non-2xx answer is the Error that
  // ErrorFromResponse makes of it; a broken or silent connection is kUnavailable.
  virtual Result<Polled> Poll() = 0;
};

// Thread-safety: all calls from any thread.
class Transport {
 public:
  virtual ~Transport() = default;
  // Blocks until the answer or the deadline. Errors: kUnavailable (surely not executed),
  // kUnknownOutcome (a write that may have been executed), kCancelled (this transport was shut
  // down).
  virtual Result<Response> Send(const Request& request) = 0;
  // Never blocks; whether it worked comes from Poll. `wake` is called from any thread whenever Poll
  // may have news, and never after the stream is destroyed.
  virtual std::unique_ptr<LineStream> Open(const Request& request, std::function<void()> wake) = 0;
  // Ends every call that is under way with kCancelled and refuses new ones.
  virtual void Shutdown() {}
};

}  // namespace chaos::kube
