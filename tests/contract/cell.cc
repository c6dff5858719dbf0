#include "tests/contract/cell.h"

#include <unistd.h>

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <optional>

#include "operator/base/clock.h"
#include "operator/kube/api_error.h"

namespace chaos::contract {
namespace {

constexpr kube::RestLimits kRestLimits{.max_body = 1u << 20};
constexpr kube::StreamLimits kStreamLimits{.max_line = 64u << 10};

const Authority& OurCa() {
  static const Authority ca("ours");
  return ca;
}
const Authority& OtherCa() {
  static const Authority ca("somebody else's");
  return ca;
}

Identity ServerIdentity(Trust trust) {
  static const Identity right = OurCa().Issue("server", "IP:127.0.0.1");
  static const Identity other_ca = OtherCa().Issue("server", "IP:127.0.0.1");
  static const Identity other_name = OurCa().Issue("server", "IP:127.0.0.2,DNS:elsewhere.test");
  return trust == Trust::kRight ? right : trust == Trust::kOtherCa ? other_ca : other_name;
}

// A token file that lives as long as this.
class TokenFile {
 public:
  explicit TokenFile(std::string_view token) {
    std::string name =
        (std::filesystem::temp_directory_path() / "rbee-chaos-token-XXXXXX").string();
    const int file = mkstemp(name.data());
    CHECK(file >= 0);
    close(file);
    path_ = name;
    Write(token);
  }
  ~TokenFile() { std::filesystem::remove(path_); }
  void Write(std::string_view token) { std::ofstream(path_) << token << "\n"; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

kube::Request MakeRequest(Verb verb, std::chrono::milliseconds deadline) {
  static constexpr std::string_view kPath =
      "/apis/chaos.rbee.dev/v1alpha1/namespaces/n/chaosexperiments";
  kube::Request request;
  request.timeout = deadline;
  const std::string list(kPath), one = list + "/x", body = R"({"metadata":{"name":"x"}})";
  switch (verb) {
    case Verb::kGet:
      request.target = one;
      break;
    case Verb::kList:
      request.target = list + "?limit=500";
      break;
    case Verb::kPost:
      request = {kube::Method::kPost, list, "application/json", body, deadline};
      break;
    case Verb::kPut:
      request = {kube::Method::kPut, one, "application/json", body, deadline};
      break;
    case Verb::kPatch:
      request = {kube::Method::kPatch, one + "?fieldManager=t", "application/merge-patch+json",
                 body, deadline};
      break;
    case Verb::kDelete:
      request = {kube::Method::kDelete, one, "application/json", "{}", deadline};
      break;
    case Verb::kWatch:
      request.target = list + "?watch=1&labelSelector=a%3Db";
      break;
    case Verb::kFollowLog:
      request.target = "/api/v1/namespaces/n/pods/p/log?follow=true";
      break;
  }
  return request;
}

std::string Print(const Error& error) {
  std::string text(Name(error.reason));
  if (error.retry_after.count() > 0)
    text += " in " + std::to_string(error.retry_after.count() / 1000) + " s";
  return text;
}

Outcome RunUnary(kube::Transport& transport, const kube::Request& request, Verb verb) {
  const Result<kube::Response> answer = transport.Send(request);
  if (!answer) return {Print(answer.error()), answer.error().detail};
  if (answer->status / 100 != 2) {
    const Error error = kube::ErrorFromResponse(*answer);
    return {Print(error), error.detail};
  }
  const bool whole = answer->body == GoodBody(verb);
  return {std::to_string(answer->status) + (whole ? "" : ", another body"), ""};
}

Outcome RunStream(kube::Transport& transport, const kube::Request& request) {
  std::mutex mutex;
  std::condition_variable woken;
  bool news = false;
  const std::unique_ptr<kube::LineStream> stream = transport.Open(request, [&] {
    const std::lock_guard lock(mutex);
    news = true;
    woken.notify_one();
  });
  int lines = 0;
  for (;;) {
    Result<kube::LineStream::Polled> polled = stream->Poll();
    const std::string read =
        lines == 0 ? "" : std::to_string(lines) + (lines == 1 ? " line, " : " lines, ");
    if (!polled) return {read + Print(polled.error()), polled.error().detail};
    if (std::holds_alternative<kube::LineStream::End>(*polled)) return {read + "End", ""};
    if (std::holds_alternative<kube::LineStream::Line>(*polled)) ++lines;
    if (!std::holds_alternative<kube::LineStream::Nothing>(*polled)) continue;
    std::unique_lock lock(mutex);
    if (!woken.wait_for(lock, seconds(20), [&] { return std::exchange(news, false); })) {
      return {"no end within 20 s", ""};
    }
  }
}

kube::Config MakeConfig(int port, const std::string& token_file) {
  kube::Config config;
  config.host = config.server_name = "127.0.0.1";
  config.port = static_cast<std::uint16_t>(port);
  config.ca.data = OurCa().certificate();
  config.token.file = token_file;
  config.origin = "the test";
  return config;
}

void WaitUntilSeen(const BadServer& server) {
  const auto deadline = std::chrono::steady_clock::now() + seconds(20);
  while (server.seen() == 0 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(milliseconds(1));
}

}  // namespace

std::string_view Name(Verb verb) {
  static constexpr std::string_view kNames[] = {"GET",   "LIST",   "POST",  "PUT",
                                                "PATCH", "DELETE", "WATCH", "FOLLOWLOG"};
  return kNames[static_cast<int>(verb)];
}

namespace {

Result<Outcome> RunOnce(const Misbehaviour& misbehaviour, Verb verb, kube::RestLibrary library) {
  auto server = std::make_unique<BadServer>(
      ServerIdentity(misbehaviour.trust), [&](Exchange& x) { misbehaviour.script(x, verb); },
      misbehaviour.before_tls);
  TokenFile token("old-token");
  const SystemClock clock;
  auto credentials = kube::Credentials::Make(MakeConfig(server->port(), token.path()), clock);
  CHECK(credentials);
  kube::ApiTransport transport(**credentials, library, kRestLimits, kStreamLimits);
  if (misbehaviour.nobody_listens) server.reset();
  if (misbehaviour.primed) {
    kube::Request prime;
    prime.target = kPrimeTarget;
    const Result<kube::Response> answer = transport.Send(prime);
    CHECK(answer && answer->status == 200);
  }
  if (misbehaviour.rotate_token) token.Write("new-token");
  const kube::Request request = MakeRequest(verb, misbehaviour.deadline);
  std::jthread stopper;
  if (misbehaviour.shut_down_midway) {
    stopper = std::jthread([&] {
      WaitUntilSeen(*server);
      transport.Shutdown();
    });
  }
  const auto start = std::chrono::steady_clock::now();
  Outcome outcome =
      Streams(verb) ? RunStream(transport, request) : RunUnary(transport, request, verb);
  outcome.took = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start);
  if (misbehaviour.primed && !Streams(verb) && !server->reused()) {
    return Error{Reason::kUnavailable, "the pool had not yet got its connection back", {}, 0};
  }
  outcome.text += " e" + std::to_string(server ? server->executed() : 0) + " s" +
                  std::to_string(server ? server->seen() : 0);
  return outcome;
}

}  // namespace

Outcome RunCell(const Misbehaviour& misbehaviour, Verb verb, kube::RestLibrary library) {
  // cpprest puts a connection back into its pool some time after the answer was given out.
  for (int attempt = 0; attempt < 200; ++attempt) {
    if (Result<Outcome> outcome = RunOnce(misbehaviour, verb, library); outcome) return *outcome;
  }
  return {"never reused its connection", ""};
}

std::string GoodBody(Verb verb) {
  switch (verb) {
    case Verb::kWatch:
      return "{\"type\":\"ADDED\"}\n{\"type\":\"MODIFIED\"}\n{\"type\":\"BOOKMARK\"}\n";
    case Verb::kFollowLog:
      return "first\r\n\nsecond\nthird\n";
    case Verb::kList:
      return R"({"items":[")" + std::string(300'000, 'x') + R"("]})";
    default:
      return R"({"metadata":{"name":"x","resourceVersion":"7"}})";
  }
}

std::string Answer(int status, std::string_view body, std::string_view headers) {
  return "HTTP/1.1 " + std::to_string(status) +
         " Said\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n" + std::string(headers) + "\r\n" + std::string(body);
}

std::string Chunk(std::string_view bytes) {
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return size + std::string(bytes) + "\r\n";
}

std::string GoodAnswer(Verb verb) {
  if (!Streams(verb)) return Answer(verb == Verb::kPost ? 201 : 200, GoodBody(verb));
  // In two chunks that cut a line, as real servers do.
  const std::string body = GoodBody(verb);
  return std::string(kChunkedHead) + Chunk(body.substr(0, 9)) + Chunk(body.substr(9)) + Chunk("");
}

std::string StatusBody(int code, std::string_view reason, std::string_view message) {
  return R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":")" +
         std::string(message) + R"(","reason":")" + std::string(reason) + R"(","code":)" +
         std::to_string(code) + "}";
}

}  // namespace chaos::contract
