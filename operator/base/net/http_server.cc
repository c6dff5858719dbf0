#include "operator/base/net/http_server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <optional>
#include <thread>

namespace chaos {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::uint32_t kMaxHead = 8 * 1024;

using Answer = http::response<http::string_body>;

Answer MakeAnswer(const HttpHandlers& handlers, std::string_view method, std::string_view path) {
  HttpAnswer made{404, "no such page\n"};
  if (method != "GET" && method != "HEAD") {
    made = {405, "only GET and HEAD\n"};
  } else if (const auto handler = handlers.find(path.substr(0, path.find('?')));
             handler != handlers.end()) {
    made = handler->second();
  }
  Answer answer{static_cast<http::status>(made.status), 11};
  if (made.status == 405) answer.set(http::field::allow, "GET, HEAD");
  answer.set(http::field::content_type, made.content_type);
  answer.content_length(made.body.size());
  if (method != "HEAD") answer.body() = std::move(made.body);
  return answer;
}

// One connection. Keeps itself alive through the operation that is under way.
class Connection final : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, const HttpServerOptions& options, const HttpHandlers& handlers,
             std::function<void()> on_gone)
      : stream_(std::move(socket)),
        options_(options),
        handlers_(handlers),
        on_gone_(std::move(on_gone)) {}
  ~Connection() { on_gone_(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void Read(milliseconds limit) {
    parser_.emplace();
    parser_->header_limit(kMaxHead);
    parser_->body_limit(0);
    stream_.expires_after(limit);
    // Waiting for a first byte may take longer than receiving a request that has begun.
    http::async_read_some(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](error_code error, std::size_t) { self->OnStarted(error); });
  }

 private:
  void OnStarted(error_code error) {
    if (error || parser_->is_done()) return OnRead(error);
    stream_.expires_after(options_.request_timeout);
    http::async_read(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](error_code failed, std::size_t) { self->OnRead(failed); });
  }

  void OnRead(error_code error) {
    if (error == http::error::header_limit || error == http::error::buffer_overflow)
      return Refuse(431);
    if (error == http::error::body_limit) return Refuse(413);
    if (error && error.category() == http::make_error_code(http::error::bad_method).category() &&
        error != http::error::end_of_stream && error != http::error::partial_message) {
      return Refuse(400);
    }
    if (error) return;  // gone, or too slow
    const auto& request = parser_->get();
    const std::string_view method(request.method_string().data(), request.method_string().size());
    const std::string_view path(request.target().data(), request.target().size());
    answer_ = MakeAnswer(handlers_, method, path);
    answer_.keep_alive(request.keep_alive());
    Write();
  }

  void Refuse(int status) {
    answer_ = Answer{static_cast<http::status>(status), 11};
    answer_.keep_alive(false);
    answer_.content_length(0);
    Write();
  }

  void Write() {
    stream_.expires_after(options_.request_timeout);
    http::async_write(stream_, answer_, [self = shared_from_this()](error_code error, std::size_t) {
      if (!error && self->answer_.keep_alive()) return self->Read(self->options_.idle_timeout);
      error_code ignored;
      self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    });
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_{kMaxHead};
  std::optional<http::request_parser<http::empty_body>> parser_;
  Answer answer_;
  const HttpServerOptions& options_;
  const HttpHandlers& handlers_;
  const std::function<void()> on_gone_;
};

}  // namespace

struct HttpServer::Inside {
  HttpServerOptions options;
  HttpHandlers handlers;
  std::size_t connections = 0;
  bool accepting = false;
  bool stopping = false;
  asio::io_context io{1};
  tcp::acceptor acceptor{io};
  asio::steady_timer pause{io};
  std::jthread thread;

  // "" = every address: IPv6 with IPv4 inside it, or IPv4 alone on a host without IPv6.
  error_code Listen() {
    error_code error;
    const auto try_on = [&](const asio::ip::address& address) {
      const tcp::endpoint endpoint(address, options.port);
      acceptor.close(error);
      if (acceptor.open(endpoint.protocol(), error)) return false;
      acceptor.set_option(tcp::acceptor::reuse_address(true), error);
      if (address.is_v6() && acceptor.set_option(asio::ip::v6_only(false), error)) return false;
      if (acceptor.bind(endpoint, error)) return false;
      return !acceptor.listen(static_cast<int>(options.max_connections), error);
    };
    if (!options.address.empty()) {
      const auto address = asio::ip::make_address(options.address, error);
      if (!error) try_on(address);
    } else if (!try_on(asio::ip::address_v6::any()) && error != asio::error::address_in_use) {
      try_on(asio::ip::address_v4::any());
    }
    return error;
  }

  // Takes connections while there is room; who is beyond that waits in the kernel's queue.
  void Accept() {
    if (accepting || stopping || connections >= options.max_connections) return;
    accepting = true;
    acceptor.async_accept([this](error_code error, tcp::socket socket) {
      accepting = false;
      if (!error) {
        ++connections;
        std::make_shared<Connection>(std::move(socket), options, handlers, [this] {
          --connections;
          Accept();
        })->Read(options.request_timeout);
      }
      if (!error) return Accept();
      // Out of descriptors, most likely: a moment's rest instead of a busy loop.
      pause.expires_after(milliseconds(100));
      pause.async_wait([this](error_code) { Accept(); });
    });
  }
};

Result<std::unique_ptr<HttpServer>> HttpServer::Start(const HttpServerOptions& options,
                                                      HttpHandlers handlers) {
  std::unique_ptr<HttpServer> server(new HttpServer);
  server->inside_ = std::make_unique<Inside>();
  Inside& inside = *server->inside_;
  inside.options = options;
  inside.handlers = std::move(handlers);
  if (const error_code error = inside.Listen()) {
    return Error{Reason::kUnavailable,
                 "cannot listen on " +
                     (options.address.empty() ? std::string("*") : options.address) + " port " +
                     std::to_string(options.port) + ": " + error.message(),
                 {},
                 0};
  }
  inside.Accept();
  inside.thread = std::jthread([&inside] { inside.io.run(); });
  return server;
}

HttpServer::HttpServer() = default;

HttpServer::~HttpServer() {
  inside_->io.stop();
  if (inside_->thread.joinable()) inside_->thread.join();
  inside_->stopping = true;  // what is destroyed with the io_context does not accept again
}

std::uint16_t HttpServer::port() const { return inside_->acceptor.local_endpoint().port(); }

}  // namespace chaos
