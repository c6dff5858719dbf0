// The only file that includes cpprestsdk (2.10.18). Each comment below names the trap that the line
// avoids.
#include "operator/kube/rest_cpprest.h"

#include <cpprest/containerstream.h>
#include <cpprest/http_client.h>
#include <cpprest/uri_builder.h>
#include <openssl/ssl.h>
#include <pplx/threadpool.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <set>
#include <vector>

namespace chaos::kube {
namespace {

namespace web_http = web::http;
using web_http::client::http_client;
using Steady = std::chrono::steady_clock;
using Body = concurrency::streams::container_buffer<std::vector<unsigned char>>;

struct BodyTooLarge {};

// Our deadline is the only one: the library's counts per step, and its 0 means "at once".
constexpr seconds kLibraryTimeout{3600};

// Once per process, before first use: the pool would otherwise be 40 threads, and each new
// connection would parse the system's CA bundle (43 ms) before our own store replaces it.
void PrepareProcess() {
  static std::once_flag once;
  std::call_once(once, [] {
    ::setenv("SSL_CERT_FILE", "/nonexistent", /*overwrite=*/1);
    ::setenv("SSL_CERT_DIR", "/nonexistent", /*overwrite=*/1);
    try {
      crossplat::threadpool::initialize_with_threads(8);
    } catch (const std::exception&) {
      // Somebody in this process used the pool before us: it works, only with more threads.
    }
  });
}

// One Send: filled by a pool thread, waited for by the caller. Shared, since the caller may leave
// first.
struct Call {
  std::shared_ptr<http_client> client;  // kept alive until the library has let go
  Body body;
  pplx::cancellation_token_source cancel;

  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  bool shut_down = false;
  bool too_large = false;
  std::string failure;  // empty = answered
  Response response;
};

milliseconds RetryAfter(const web_http::http_headers& headers) {
  const auto found = headers.find("Retry-After");
  if (found == headers.end()) return milliseconds(0);
  int value = 0;  // the form with a date is not used by the API server
  std::from_chars(found->second.data(), found->second.data() + found->second.size(), value);
  return seconds(std::clamp(value, 0, 86'400));
}

// Runs on a pool thread: only stores. Every task is observed here, else the process would end.
void Finish(const std::shared_ptr<Call>& call, pplx::task<web_http::http_response> task) {
  Response response;
  std::string failure;
  bool too_large = false;
  try {
    const web_http::http_response answer = task.get();
    response.status = answer.status_code();
    response.retry_after = RetryAfter(answer.headers());
    const std::vector<unsigned char>& body = call->body.collection();
    response.body.assign(body.begin(), body.end());
  } catch (const BodyTooLarge&) {
    too_large = true;
    failure = "the answer is too large";
  } catch (const web_http::http_exception& e) {
    failure = e.what();
    if (e.error_code()) failure += " (" + e.error_code().message() + ")";
  } catch (const std::exception& e) {
    failure = e.what();
  }
  const std::lock_guard lock(call->mutex);
  call->response = std::move(response);
  call->failure = std::move(failure);
  call->too_large = too_large;
  call->done = true;
  call->changed.notify_all();
}

// The failures after which the request has surely not left: everything before the first byte of it.
bool NeverSent(std::string_view failure) {
  static constexpr std::string_view kBeforeSending[] = {
      "Failed to connect to any resolved endpoint", "Error resolving address",
      "Failed to resolve address", "Error in SSL handshake"};
  return std::any_of(std::begin(kBeforeSending), std::end(kBeforeSending),
                     [&](std::string_view start) { return failure.starts_with(start); });
}

}  // namespace

struct RestCpprest::Impl {
  Impl(Credentials& credentials_, RestLimits limits_)
      : credentials(credentials_), limits(limits_) {}

  Credentials& credentials;
  const RestLimits limits;
  const std::shared_ptr<TlsTrouble> trouble = std::make_shared<TlsTrouble>();

  std::mutex mutex;
  bool shut_down = false;
  int errors_in_a_row = 0;
  std::shared_ptr<const TlsIdentity> identity;
  std::shared_ptr<http_client> client;
  std::shared_ptr<http_client>
      previous;  // destroyed one change later: its connections are then idle
  std::set<std::shared_ptr<Call>> calls;

  std::shared_ptr<http_client> NewClient() const;
  std::shared_ptr<http_client> CurrentClient();
  web_http::http_request MakeRequest(const Request& request, const std::string& token,
                                     const std::shared_ptr<Call>& call) const;
  std::shared_ptr<Call> Start(const Request& request, const std::string& token);
  Result<Response> Wait(const Request& request, const std::shared_ptr<Call>& call,
                        Steady::time_point deadline);
  Result<Response> SendOnce(const Request& request, const std::string& token,
                            Steady::time_point deadline);
  Error Classify(const Request& request, const Call& call);
};

std::shared_ptr<http_client> RestCpprest::Impl::NewClient() const {
  const Config& config = credentials.config();
  web_http::client::http_client_config settings;
  settings.set_timeout(kLibraryTimeout);
  settings.set_max_redirects(0);  // a redirect would take the token elsewhere
  settings.set_validate_certificates(!config.insecure);
  settings.set_tlsext_sni_enabled(!IsIpAddress(config.server_name));  // RFC 6066: never an address
  settings.set_ssl_context_callback(
      [tls = identity, trouble_ = trouble](boost::asio::ssl::context& context) {
        tls->Apply(context.native_handle(), trouble_.get());
      });
  // Built from its parts: from text, an IPv6 address would keep its brackets and never be resolved.
  web::uri_builder base;
  base.set_scheme("https");
  base.set_host(config.host);
  base.set_port(config.port);
  return std::make_shared<http_client>(base.to_uri(), settings);
}

// Requires: `mutex` is held. A new CA or client certificate needs new connections, thus a new
// client.
std::shared_ptr<http_client> RestCpprest::Impl::CurrentClient() {
  std::shared_ptr<const TlsIdentity> now = credentials.Tls();
  if (!client || now != identity || errors_in_a_row >= limits.errors_before_new_client) {
    identity = std::move(now);
    errors_in_a_row = 0;
    previous = std::exchange(client, NewClient());
  }
  return client;
}

web_http::http_request RestCpprest::Impl::MakeRequest(const Request& request,
                                                      const std::string& token,
                                                      const std::shared_ptr<Call>& call) const {
  web_http::http_request out{web_http::method(std::string(Name(request.method)))};
  const Config& config = credentials.config();
  out.set_request_uri(web::uri(config.path_prefix + request.target));
  out.headers().add("Accept", "application/json, */*");
  out.headers().add("User-Agent", "rbee-chaos/" CHAOS_VERSION);
  if (!token.empty()) out.headers().add("Authorization", "Bearer " + token);
  // The library verifies the certificate against the Host header.
  if (config.server_name != config.host) out.headers().add("Host", config.server_name);
  if (!request.body.empty()) out.set_body(request.body, request.content_type);
  out.set_response_stream(call->body.create_ostream());
  // Without a limit a body would grow memory without end; throwing here fails the call.
  out.set_progress_handler([limit = limits.max_body](web_http::message_direction::direction way,
                                                     utility::size64_t bytes) {
    if (way == web_http::message_direction::download && bytes > limit) throw BodyTooLarge();
  });
  return out;
}

// Null after Shutdown. Never reuses a request object: the library crashes on that.
std::shared_ptr<Call> RestCpprest::Impl::Start(const Request& request, const std::string& token) {
  auto call = std::make_shared<Call>();
  {
    const std::lock_guard lock(mutex);
    if (shut_down) return nullptr;
    call->client = CurrentClient();
    calls.insert(call);
  }
  try {
    call->client->request(MakeRequest(request, token, call), call->cancel.get_token())
        .then([](web_http::http_response answer) { return answer.content_ready(); })
        .then([call](pplx::task<web_http::http_response> task) { Finish(call, std::move(task)); });
  } catch (const std::exception& e) {
    const std::lock_guard lock(call->mutex);
    call->failure = std::string("Failed to resolve address: ") + e.what();
    call->done = true;
  }
  return call;
}

Error RestCpprest::Impl::Classify(const Request& request, const Call& call) {
  const std::string what = std::string(Name(request.method)) + " " + credentials.config().Url() +
                           request.target.substr(0, request.target.find('?')) + ": ";
  Error error;
  error.detail = what + call.failure;
  if (call.too_large) {
    error.reason = Writes(request.method) ? Reason::kUnknownOutcome : Reason::kInvalid;
    error.detail += ", more than " + std::to_string(limits.max_body) + " bytes";
    return error;
  }
  if (const std::string why = trouble->Take();
      call.failure.starts_with("Error in SSL") && !why.empty()) {
    error.detail += ": the server's certificate is refused: " + why;
  }
  error.reason = Writes(request.method) && !NeverSent(call.failure) ? Reason::kUnknownOutcome
                                                                    : Reason::kUnavailable;
  return error;
}

Result<Response> RestCpprest::Impl::Wait(const Request& request, const std::shared_ptr<Call>& call,
                                         Steady::time_point deadline) {
  std::unique_lock lock(call->mutex);
  const bool ended =
      call->changed.wait_until(lock, deadline, [&] { return call->done || call->shut_down; });
  if (call->done && call->failure.empty()) return std::move(call->response);
  if (call->shut_down) return Error{Reason::kCancelled, "the transport was shut down", {}, 0};
  if (!ended) {
    call->failure = "no answer within " + std::to_string(request.timeout.count()) + " ms";
  }
  Error error = Classify(request, *call);
  lock.unlock();
  // Outside the lock: cancelling may run the continuation on this thread. It closes the socket.
  if (!ended) call->cancel.cancel();
  return error;
}

Result<Response> RestCpprest::Impl::SendOnce(const Request& request, const std::string& token,
                                             Steady::time_point deadline) {
  const std::shared_ptr<Call> call = Start(request, token);
  if (!call) return Error{Reason::kCancelled, "the transport was shut down", {}, 0};
  Result<Response> answer = Wait(request, call, deadline);
  const std::lock_guard lock(mutex);
  calls.erase(call);
  errors_in_a_row = answer ? 0 : errors_in_a_row + 1;
  return answer;
}

RestCpprest::RestCpprest(Credentials& credentials, RestLimits limits) {
  PrepareProcess();
  impl_ = std::make_unique<Impl>(credentials, limits);
}

RestCpprest::~RestCpprest() { Shutdown(); }

Result<Response> RestCpprest::Send(const Request& request) {
  const Steady::time_point deadline = Steady::now() + request.timeout;
  const std::string token = impl_->credentials.Token();
  Result<Response> answer = impl_->SendOnce(request, token, deadline);
  // 401 means not executed, so that a second try is safe; only another token makes it worth it.
  if (answer && answer->status == 401 && impl_->credentials.Renew(token)) {
    return impl_->SendOnce(request, impl_->credentials.Token(), deadline);
  }
  return answer;
}

void RestCpprest::Shutdown() {
  std::set<std::shared_ptr<Call>> calls;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->shut_down = true;
    calls = impl_->calls;
  }
  for (const std::shared_ptr<Call>& call : calls) {
    {
      const std::lock_guard lock(call->mutex);
      call->shut_down = true;
      call->changed.notify_all();
    }
    call->cancel.cancel();
  }
}

}  // namespace chaos::kube
