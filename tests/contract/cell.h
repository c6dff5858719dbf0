// One cell of the contract table: a verb, sent by the transport that carries it to a server that
// misbehaves in one way, and what the caller is told, as text.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "operator/kube/api_transport.h"
#include "operator/kube/transport.h"
#include "tests/contract/bad_server.h"

namespace chaos::contract {

enum class Verb { kGet, kList, kPost, kPut, kPatch, kDelete, kWatch, kFollowLog };
inline constexpr Verb kVerbs[] = {Verb::kGet,   Verb::kList,   Verb::kPost,  Verb::kPut,
                                  Verb::kPatch, Verb::kDelete, Verb::kWatch, Verb::kFollowLog};
std::string_view Name(Verb verb);
// True for what Open carries (always Beast); the others go through Send, over either library.
constexpr bool Streams(Verb verb) { return verb == Verb::kWatch || verb == Verb::kFollowLog; }
constexpr bool Writes(Verb verb) {
  return !Streams(verb) && verb != Verb::kGet && verb != Verb::kList;
}

enum class Trust { kRight, kOtherCa, kOtherName };

// One way to misbehave.
struct Misbehaviour {
  std::string_view name;
  // Runs once per connection; never for priming requests, which are always answered well.
  std::function<void(Exchange&, Verb)> script;
  Script before_tls{};
  bool nobody_listens = false;
  Trust trust = Trust::kRight;
  std::chrono::milliseconds deadline{10'000};
  // A request that went well beforehand, so that there is a kept connection.
  bool primed = false;
  bool rotate_token = false;      // the file holds another token by the time of the request
  bool shut_down_midway = false;  // Shutdown once the server has seen the request
};

// What came of it: "200", "Conflict", "2 lines, End", with "e1 s2": executed once, seen twice by
// the server.
struct Outcome {
  std::string text;
  std::string detail;  // the sentence for people
  std::chrono::milliseconds took{0};
};

Outcome RunCell(const Misbehaviour& misbehaviour, Verb verb, kube::RestLibrary library);

// A whole good answer to `verb`: an object, a list of some 300 KB, three events, three log lines.
std::string GoodAnswer(Verb verb);
std::string GoodBody(Verb verb);
// With Content-Length. `headers` are whole lines.
std::string Answer(int status, std::string_view body, std::string_view headers = "");
// The head of a chunked answer, and one chunk; the last one is Chunk("").
inline constexpr std::string_view kChunkedHead =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
std::string Chunk(std::string_view bytes);
// A metav1.Status as the API server sends it.
std::string StatusBody(int code, std::string_view reason, std::string_view message);

}  // namespace chaos::contract
