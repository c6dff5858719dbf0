#include "operator/kube/beast_connection.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/ssl/error.hpp>
#include <boost/beast/http/error.hpp>
#include <charconv>

namespace chaos::kube {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;

namespace {

http::verb VerbOf(Method method) {
  switch (method) {
    case Method::kGet:
      return http::verb::get;
    case Method::kPost:
      return http::verb::post;
    case Method::kPut:
      return http::verb::put;
    case Method::kPatch:
      return http::verb::patch;
    case Method::kDelete:
      return http::verb::delete_;
  }
  CHECK(false);
}

// A watch may rightly be silent for minutes; a network that is gone is noticed in 30 s all the
// same.
void KeepAlive(tcp::socket& socket) {
  boost::system::error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  using Idle = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPIDLE>;
  using Between = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPINTVL>;
  using Times = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPCNT>;
  socket.set_option(Idle(15), ignored);
  socket.set_option(Between(5), ignored);
  socket.set_option(Times(3), ignored);
}

}  // namespace

std::shared_ptr<asio::ssl::context> BeastTls::Current() {
  std::shared_ptr<const TlsIdentity> now = credentials_.Tls();
  if (!context_ || now != identity_) {
    identity_ = std::move(now);
    context_ = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
    identity_->Apply(context_->native_handle(), nullptr);
  }
  return context_;
}

void BeastConnection::Open(std::chrono::milliseconds limit, Opened opened) {
  opened_ = std::move(opened);
  limit_.expires_after(limit);
  limit_.async_wait([self = shared_from_this()](const ErrorCode& cancelled) {
    if (cancelled) return;
    self->limit_hit_ = true;
    self->Done("connect", asio::error::timed_out);
  });
  const std::string port = std::to_string(config_.port);
  ErrorCode no_address;
  const asio::ip::address address = asio::ip::make_address(config_.host, no_address);
  if (!no_address) {
    return Connect(tcp::resolver::results_type::create(tcp::endpoint(address, config_.port),
                                                       config_.host, port));
  }
  resolver_.async_resolve(config_.host, port,
                          [self = shared_from_this()](const ErrorCode& error, const auto& found) {
                            if (error) return self->Done("find " + self->config_.host, error);
                            if (self->opened_) self->Connect(found);
                          });
}

void BeastConnection::Connect(const tcp::resolver::results_type& found) {
  beast::get_lowest_layer(stream_).async_connect(
      found, [self = shared_from_this()](const ErrorCode& error, const auto&) {
        if (error) return self->Done("connect", error);
        if (self->opened_) self->Handshake();
      });
}

void BeastConnection::Handshake() {
  KeepAlive(beast::get_lowest_layer(stream_).socket());
  const std::string& name = config_.server_name;
  if (!IsIpAddress(name)) SSL_set_tlsext_host_name(stream_.native_handle(), name.c_str());
  stream_.async_handshake(
      asio::ssl::stream_base::client,
      [self = shared_from_this()](const ErrorCode& error) { self->Done("agree on TLS", error); });
}

void BeastConnection::Done(const std::string& doing, const ErrorCode& error) {
  limit_.cancel();
  if (const Opened opened = std::exchange(opened_, nullptr)) opened(doing, error);
}

void BeastConnection::Close() {
  opened_ = nullptr;
  resolver_.cancel();
  limit_.cancel();
  beast::get_lowest_layer(stream_).close();
}

bool BeastConnection::Quiet() {
  char byte = 0;
  const int descriptor = beast::get_lowest_layer(stream_).socket().native_handle();
  return ::recv(descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
         (errno == EAGAIN || errno == EWOULDBLOCK);
}

std::string BeastConnection::Why(const ErrorCode& error) {
  if (limit_hit_) return "no connection in time";
  if (error == asio::ssl::error::stream_truncated || error == http::error::partial_message ||
      error == http::error::end_of_stream) {
    return "the server closed the connection";
  }
  const long verified = SSL_get_verify_result(stream_.native_handle());
  if (verified == X509_V_OK) return error.message();
  return std::string("the server's certificate is refused: ") +
         X509_verify_cert_error_string(verified);
}

http::request<http::string_body> MakeHead(const Config& config, const Request& request,
                                          const std::string& token) {
  http::request<http::string_body> head{VerbOf(request.method), config.path_prefix + request.target,
                                        11};
  head.set(http::field::host, config.server_name);
  head.set(http::field::user_agent, "rbee-chaos/" CHAOS_VERSION);
  head.set(http::field::accept, "application/json, */*");
  if (!token.empty()) head.set(http::field::authorization, "Bearer " + token);
  if (!request.body.empty()) head.set(http::field::content_type, request.content_type);
  head.body() = request.body;
  head.prepare_payload();
  return head;
}

std::chrono::milliseconds ParseRetryAfter(std::string_view text) {
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return seconds(std::clamp(value, 0, 86'400));
}

}  // namespace chaos::kube
