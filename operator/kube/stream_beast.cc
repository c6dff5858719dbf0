#include "operator/kube/stream_beast.h"

#include <array>
#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <limits>
#include <optional>
#include <set>
#include <thread>

#include "operator/kube/api_error.h"
#include "operator/kube/beast_connection.h"
#include "operator/kube/line_splitter.h"
#include "operator/kube/mailbox.h"

namespace chaos::kube {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using ErrorCode = boost::system::error_code;

constexpr std::size_t kMaxRefusal = 256u << 10;  // bytes of a non-2xx answer that are kept

class Session;

// What all sessions of one transport share; touched only on the loop's thread, except
// `credentials`.
struct Shared {
  Credentials& credentials;
  const StreamLimits limits;
  asio::io_context io{1};
  std::set<std::shared_ptr<Session>> sessions{};
  bool shut_down = false;
  BeastTls tls{credentials};
  std::atomic<int> open_streams{0};
};

Error Cancelled() { return {Reason::kCancelled, "the transport was shut down", {}, 0}; }

// One request and its answer. All members belong to the loop's thread; the owner sees only the
// mailbox.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Shared& shared, Request request, std::function<void()> wake)
      : mailbox(std::move(wake), shared.limits.unread_lines, shared.limits.unread_bytes),
        shared_(shared),
        request_(std::move(request)),
        splitter_(shared.limits.max_line) {}

  Mailbox mailbox;

  void Start();
  void Resume() {
    if (connection_ && !finished_) Read();
  }
  // Closes the socket at once.
  void Stop();
  void Cut() {
    mailbox.Cut(Cancelled());
    Stop();
  }

 private:
  using Parser = http::response_parser<http::buffer_body>;

  void Write();
  void ReadHeader();
  void OnHeader();
  void Read();
  void OnRead(const ErrorCode& error);
  void OnBytes(std::string_view bytes, bool complete);
  void OnRefused(std::string_view bytes, bool complete);
  // Whether to read on; nothing when a line was too long, which ends the session.
  std::optional<bool> Deliver(std::string_view bytes);
  void End(std::optional<Error> error);
  void Fail(const std::string& doing, const ErrorCode& error);
  void ArmIdleLimit() {
    beast::get_lowest_layer(connection_->stream()).expires_after(request_.timeout);
  }

  // Runs `next` on success; everything else ends the session. Keeps the session alive.
  template <class Next>
  auto Then(const char* doing, Next next) {
    return [self = shared_from_this(), doing, next](const ErrorCode& error, const auto&...) {
      if (self->finished_) return;
      if (error) return self->Fail(doing, error);
      next();
    };
  }

  Shared& shared_;
  const Request request_;
  std::shared_ptr<BeastConnection> connection_;
  std::string token_;
  bool renewed_ = false;
  bool finished_ = false;
  http::request<http::string_body> head_;
  beast::flat_buffer buffer_{64u << 10};
  std::optional<Parser> parser_;
  std::array<char, 16u << 10> body_;
  bool refused_ = false;
  Response refusal_;
  LineSplitter splitter_;
};

void Session::Start() {
  if (shared_.shut_down) return Cut();
  shared_.sessions.insert(shared_from_this());
  token_ = shared_.credentials.Token();
  connection_ = std::make_shared<BeastConnection>(shared_.io, shared_.credentials.config(),
                                                  shared_.tls.Current());
  connection_->Open(std::min(shared_.limits.connect, request_.timeout),
                    [self = shared_from_this()](const std::string& doing, const ErrorCode& error) {
                      if (self->finished_) return;
                      if (error) return self->Fail(doing, error);
                      self->Write();
                    });
}

void Session::Write() {
  head_ = MakeHead(shared_.credentials.config(), request_, token_);
  ArmIdleLimit();
  http::async_write(connection_->stream(), head_, Then("send", [this] { ReadHeader(); }));
}

void Session::ReadHeader() {
  parser_.emplace();
  // Not boost::none: with a Content-Length, Beast 1.74 takes that for a limit of nothing.
  parser_->body_limit(std::numeric_limits<std::uint64_t>::max());
  ArmIdleLimit();
  http::async_read_header(connection_->stream(), buffer_, *parser_,
                          Then("read the answer", [this] { OnHeader(); }));
}

void Session::OnHeader() {
  const auto& answer = parser_->get();
  const int status = answer.result_int();
  if (status == 401 && !std::exchange(renewed_, true) && shared_.credentials.Renew(token_)) {
    // Posted, since the old connection may not be destroyed below its own handler.
    return asio::post(shared_.io, [self = shared_from_this()] {
      if (self->finished_) return;
      self->connection_->Close();
      self->buffer_.clear();
      self->Start();
    });
  }
  if (status / 100 == 2) {
    mailbox.PutOpened();
  } else {
    refused_ = true;
    refusal_.status = status;
    const auto after = answer[http::field::retry_after];
    refusal_.retry_after = ParseRetryAfter({after.data(), after.size()});
  }
  if (parser_->is_done()) return OnBytes("", /*complete=*/true);
  Read();
}

void Session::Read() {
  parser_->get().body().data = body_.data();
  parser_->get().body().size = body_.size();
  parser_->get().body().more = true;
  ArmIdleLimit();
  // Not async_read: that would fill the whole buffer before it returns, and events would wait for
  // each other.
  http::async_read_some(connection_->stream(), buffer_, *parser_,
                        [self = shared_from_this()](const ErrorCode& error, std::size_t) {
                          if (!self->finished_) self->OnRead(error);
                        });
}

void Session::OnRead(const ErrorCode& error) {
  const std::size_t size = body_.size() - parser_->get().body().size;
  const bool broken = error && error != http::error::need_buffer;
  const std::string_view bytes(body_.data(), size);
  if (!broken) return OnBytes(bytes, parser_->is_done());
  if (refused_) return OnRefused(bytes, /*complete=*/true);  // its status is what matters
  if (!Deliver(bytes)) return;
  Fail(splitter_.InsideLine() ? "read a line to its end" : "go on reading", error);
}

void Session::OnBytes(std::string_view bytes, bool complete) {
  if (refused_) return OnRefused(bytes, complete);
  const std::optional<bool> more = Deliver(bytes);
  if (!more) return;
  if (complete) return End(std::nullopt);
  if (*more) Read();
}

std::optional<bool> Session::Deliver(std::string_view bytes) {
  std::vector<std::string> lines;
  const bool good = splitter_.Add(bytes, lines);
  const bool more = mailbox.PutLines(std::move(lines));
  if (good) return more;
  End(Error{Reason::kInvalid,
            "a line is longer than " + std::to_string(shared_.limits.max_line) + " bytes",
            {},
            0});
  return std::nullopt;
}

void Session::OnRefused(std::string_view bytes, bool complete) {
  refusal_.body.append(bytes.substr(0, kMaxRefusal - refusal_.body.size()));
  if (!complete && refusal_.body.size() < kMaxRefusal) return Read();
  Error error = ErrorFromResponse(refusal_);
  // A stream changes nothing, so that nothing can be unknown.
  if (error.reason == Reason::kUnknownOutcome) error.reason = Reason::kUnavailable;
  End(std::move(error));
}

void Session::End(std::optional<Error> error) {
  Stop();
  mailbox.PutEnd(std::move(error));
}

void Session::Fail(const std::string& doing, const ErrorCode& error) {
  const std::string why =
      error == beast::error::timeout
          ? "nothing came for " + std::to_string(request_.timeout.count()) + " ms"
          : connection_->Why(error);
  End(Error{Reason::kUnavailable,
            "GET " + shared_.credentials.config().Url() +
                request_.target.substr(0, request_.target.find('?')) + ": cannot " + doing + ": " +
                why,
            {},
            0});
}

void Session::Stop() {
  if (std::exchange(finished_, true)) return;
  if (connection_) connection_->Close();
  shared_.sessions.erase(shared_from_this());
}

// The owner's end.
class Handle final : public LineStream {
 public:
  Handle(Shared& shared, std::shared_ptr<Session> session)
      : shared_(shared), session_(std::move(session)) {
    ++shared_.open_streams;
    asio::post(shared_.io, [session = session_] { session->Start(); });
  }
  ~Handle() override {
    session_->mailbox.Abandon();
    asio::post(shared_.io, [session = std::move(session_)] { session->Stop(); });
    --shared_.open_streams;
  }
  Result<Polled> Poll() override {
    bool resume = false;
    Result<Polled> polled = session_->mailbox.Poll(resume);
    if (resume) asio::post(shared_.io, [session = session_] { session->Resume(); });
    return polled;
  }

 private:
  Shared& shared_;
  std::shared_ptr<Session> session_;
};

}  // namespace

struct StreamBeast::Loop {
  Loop(Credentials& credentials, StreamLimits limits) : shared{credentials, limits} {}
  ~Loop() {
    shared.io.stop();
    thread.join();
    // A session that still connects is held by its connection.
    const std::set<std::shared_ptr<Session>> all = shared.sessions;
    for (const std::shared_ptr<Session>& session : all) session->Stop();
  }
  Shared shared;
  asio::executor_work_guard<asio::io_context::executor_type> work{shared.io.get_executor()};
  std::jthread thread{[this] { shared.io.run(); }};
};

StreamBeast::StreamBeast(Credentials& credentials, StreamLimits limits)
    : loop_(std::make_unique<Loop>(credentials, limits)) {}

StreamBeast::~StreamBeast() { CHECK(loop_->shared.open_streams == 0); }

std::unique_ptr<LineStream> StreamBeast::Open(const Request& request, std::function<void()> wake) {
  CHECK(request.method == Method::kGet);
  Shared& shared = loop_->shared;
  return std::make_unique<Handle>(shared,
                                  std::make_shared<Session>(shared, request, std::move(wake)));
}

void StreamBeast::Shutdown() {
  asio::post(loop_->shared.io, [&shared = loop_->shared] {
    shared.shut_down = true;
    const std::set<std::shared_ptr<Session>> all = shared.sessions;
    for (const std::shared_ptr<Session>& session : all) session->Cut();
  });
}

}  // namespace chaos::kube
