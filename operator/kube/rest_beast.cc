#include "operator/kube/rest_beast.h"

#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <future>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "operator/kube/beast_connection.h"

namespace chaos::kube {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using ErrorCode = boost::system::error_code;
using Steady = std::chrono::steady_clock;

constexpr std::size_t kMaxKept = 8;           // connections between two calls
constexpr seconds kMaxKeptFor{30};            // the API server itself closes idle ones after 90 s
constexpr seconds kMaxConnect{10};            // name, TCP and TLS together
constexpr std::uint32_t kMaxHead = 64 << 10;  // bytes

Error Cancelled() { return {Reason::kCancelled, "the transport was shut down", {}, 0}; }

class Call;

// What all calls share; touched only on the loop's thread, except `credentials`.
struct Shared {
  struct Kept {
    std::shared_ptr<BeastConnection> connection;
    Steady::time_point since;
  };
  Credentials& credentials;
  const RestLimits limits;
  asio::io_context io{1};
  BeastTls tls{credentials};
  std::vector<Kept> kept{};
  std::set<std::shared_ptr<Call>> calls{};
  bool shut_down = false;

  // The one that was used last, or null. Those that are not fit for another call go.
  std::shared_ptr<BeastConnection> Take() {
    const auto now = Steady::now();
    std::erase_if(kept, [&, tls_now = tls.Current()](const Kept& one) {
      return now - one.since > kMaxKeptFor || one.connection->tls() != tls_now ||
             !one.connection->Quiet();
    });
    if (kept.empty()) return nullptr;
    std::shared_ptr<BeastConnection> last = std::move(kept.back().connection);
    kept.pop_back();
    return last;
  }
  void Keep(std::shared_ptr<BeastConnection> connection) {
    if (kept.size() >= kMaxKept) kept.erase(kept.begin());
    kept.push_back({std::move(connection), Steady::now()});
  }
};

// One request and its answer, over one connection. The caller waits for `answer`.
class Call : public std::enable_shared_from_this<Call> {
 public:
  Call(Shared& shared, const Request& request, const std::string& token,
       Steady::time_point deadline)
      : shared_(shared),
        writes_(Writes(request.method)),
        timeout_(request.timeout),
        what_(std::string(Name(request.method)) + " " + shared.credentials.config().Url() +
              request.target.substr(0, request.target.find('?')) + ": "),
        head_(MakeHead(shared.credentials.config(), request, token)),
        deadline_(shared.io, deadline) {}

  std::promise<Result<Response>> answer;

  void Start();
  void Cancel() { End(Cancelled()); }

 private:
  void Write();
  void Read();
  void OnRead(const ErrorCode& error);
  void Fail(const std::string& why, Reason reason);
  void Fail(const std::string& doing, const ErrorCode& error);
  void End(Result<Response> result);
  // Of a failure: until the request began to leave, it surely did nothing.
  Reason Lost() const { return writes_ && sent_ ? Reason::kUnknownOutcome : Reason::kUnavailable; }

  Shared& shared_;
  const bool writes_;
  const milliseconds timeout_;
  const std::string what_;
  const http::request<http::string_body> head_;
  asio::steady_timer deadline_;
  std::shared_ptr<BeastConnection> connection_;
  bool sent_ = false;  // at least a part of it may have left
  bool finished_ = false;
  beast::flat_buffer buffer_;
  http::response_parser<http::string_body> parser_;
};

void Call::Start() {
  if (shared_.shut_down) return Cancel();
  shared_.calls.insert(shared_from_this());
  deadline_.async_wait([self = shared_from_this()](const ErrorCode& cancelled) {
    if (cancelled) return;
    self->Fail("no answer within " + std::to_string(self->timeout_.count()) + " ms", self->Lost());
  });
  connection_ = shared_.Take();
  if (connection_) return Write();
  connection_ = std::make_shared<BeastConnection>(shared_.io, shared_.credentials.config(),
                                                  shared_.tls.Current());
  connection_->Open(kMaxConnect,
                    [self = shared_from_this()](const std::string& doing, const ErrorCode& error) {
                      if (self->finished_) return;
                      if (error) return self->Fail(doing, error);
                      self->Write();
                    });
}

void Call::Write() {
  sent_ = true;
  http::async_write(connection_->stream(), head_,
                    [self = shared_from_this()](const ErrorCode& error, std::size_t) {
                      if (self->finished_) return;
                      if (error) return self->Fail("send", error);
                      self->Read();
                    });
}

void Call::Read() {
  parser_.header_limit(kMaxHead);
  parser_.body_limit(shared_.limits.max_body);
  http::async_read(connection_->stream(), buffer_, parser_,
                   [self = shared_from_this()](const ErrorCode& error, std::size_t) {
                     if (!self->finished_) self->OnRead(error);
                   });
}

void Call::OnRead(const ErrorCode& error) {
  if (error == http::error::body_limit) {
    return Fail(
        "the answer is too large, more than " + std::to_string(shared_.limits.max_body) + " bytes",
        writes_ ? Reason::kUnknownOutcome : Reason::kInvalid);
  }
  if (error) return Fail("read the answer", error);
  // Bytes beyond the answer are nobody's: such a connection is not used again.
  if (parser_.keep_alive() && buffer_.size() == 0) shared_.Keep(std::move(connection_));
  http::response<http::string_body> message = parser_.release();
  const auto after = message[http::field::retry_after];
  End(Response{static_cast<int>(message.result_int()), std::move(message.body()),
               ParseRetryAfter({after.data(), after.size()})});
}

void Call::Fail(const std::string& doing, const ErrorCode& error) {
  Fail("cannot " + doing + ": " + connection_->Why(error), Lost());
}

void Call::Fail(const std::string& why, Reason reason) {
  if (finished_) return;
  shared_.kept.clear();  // what ended this call may have hit them too
  End(Error{reason, what_ + why, {}, 0});
}

void Call::End(Result<Response> result) {
  if (std::exchange(finished_, true)) return;
  deadline_.cancel();
  if (connection_) connection_->Close();
  shared_.calls.erase(shared_from_this());
  answer.set_value(std::move(result));
}

}  // namespace

struct RestBeast::Loop {
  Loop(Credentials& credentials, RestLimits limits) : shared{credentials, limits} {}
  Result<Response> SendOnce(const Request& request, const std::string& token,
                            Steady::time_point deadline) {
    const auto call = std::make_shared<Call>(shared, request, token, deadline);
    std::future<Result<Response>> answer = call->answer.get_future();
    asio::post(shared.io, [call] { call->Start(); });
    return answer.get();
  }
  Shared shared;
  asio::executor_work_guard<asio::io_context::executor_type> work{shared.io.get_executor()};
  std::jthread thread{[this] { shared.io.run(); }};
};

RestBeast::RestBeast(Credentials& credentials, RestLimits limits)
    : loop_(std::make_unique<Loop>(credentials, limits)) {}

RestBeast::~RestBeast() {
  Shutdown();
  asio::post(loop_->shared.io, [&io = loop_->shared.io] { io.stop(); });
  loop_->thread.join();
}

Result<Response> RestBeast::Send(const Request& request) {
  const Steady::time_point deadline = Steady::now() + request.timeout;
  Credentials& credentials = loop_->shared.credentials;
  const std::string token = credentials.Token();
  Result<Response> answer = loop_->SendOnce(request, token, deadline);
  // 401 means not executed, so that a second try is safe; only another token makes it worth it.
  if (answer && answer->status == 401 && credentials.Renew(token)) {
    return loop_->SendOnce(request, credentials.Token(), deadline);
  }
  return answer;
}

void RestBeast::Shutdown() {
  asio::post(loop_->shared.io, [&shared = loop_->shared] {
    shared.shut_down = true;
    shared.kept.clear();
    const std::set<std::shared_ptr<Call>> all = shared.calls;
    for (const std::shared_ptr<Call>& call : all) call->Cancel();
  });
}

}  // namespace chaos::kube
