// What both transports over Beast do in the same way: a TLS connection to the API server, and the
// head of a request. All of it belongs to the thread of one loop.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "operator/kube/credentials.h"
#include "operator/kube/transport.h"

namespace chaos::kube {

// One context for all connections until the CA or the client certificate changes.
class BeastTls {
 public:
  explicit BeastTls(Credentials& credentials) : credentials_(credentials) {}
  std::shared_ptr<boost::asio::ssl::context> Current();

 private:
  Credentials& credentials_;
  std::shared_ptr<const TlsIdentity> identity_;
  std::shared_ptr<boost::asio::ssl::context> context_;
};

// Requires: `io` and `config` outlive it. While `Open` is under way it keeps itself alive.
class BeastConnection : public std::enable_shared_from_this<BeastConnection> {
 public:
  using ErrorCode = boost::system::error_code;
  using Stream = boost::asio::ssl::stream<boost::beast::tcp_stream>;
  // What was being done, for "cannot …", and how it ended.
  using Opened = std::function<void(const std::string& doing, const ErrorCode& error)>;

  BeastConnection(boost::asio::io_context& io, const Config& config,
                  std::shared_ptr<boost::asio::ssl::context> tls)
      : config_(config), tls_(std::move(tls)), resolver_(io), limit_(io), stream_(io, *tls_) {}

  // Name, TCP and TLS together within `limit`. Calls `opened` once, unless Close came first.
  void Open(std::chrono::milliseconds limit, Opened opened);
  // At once, without a goodbye; whatever is under way on the stream fails.
  void Close();

  Stream& stream() { return stream_; }
  const std::shared_ptr<boost::asio::ssl::context>& tls() const { return tls_; }
  // Of a connection that waits for its next use: the server has neither closed it nor said
  // anything.
  bool Quiet();
  // The error in words that help: what the server's certificate lacks comes before what the library
  // says.
  std::string Why(const ErrorCode& error);

 private:
  void Connect(const boost::asio::ip::tcp::resolver::results_type& found);
  void Handshake();
  void Done(const std::string& doing, const ErrorCode& error);

  const Config& config_;
  const std::shared_ptr<boost::asio::ssl::context> tls_;  // outlives the stream
  boost::asio::ip::tcp::resolver resolver_;
  boost::asio::steady_timer limit_;
  bool limit_hit_ = false;
  Stream stream_;
  Opened opened_;
};

// Ready to be written, body included.
boost::beast::http::request<boost::beast::http::string_body> MakeHead(const Config& config,
                                                                      const Request& request,
                                                                      const std::string& token);
// Of the header's text; the form with a date is not used by the API server.
std::chrono::milliseconds ParseRetryAfter(std::string_view text);

}  // namespace chaos::kube
