// Reads requests with Content-Length only; a head above 16 KiB or a body above 1 MiB closes the
// connection.
#include "tests/rbee-sim/http_server.h"

#include <netinet/tcp.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <cstdlib>

namespace rbee_sim {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kMaxHead = 16 << 10;
constexpr std::size_t kMaxBody = 1 << 20;
constexpr std::size_t kMaxUnsent = 1 << 20;  // a reader that falls behind so far is cut off
constexpr unsigned kUserTimeoutMs = 10000;   // a peer that acknowledges nothing for so long is gone

const char* StatusText(int status) {
  switch (status) {
    case 200:
      return "200 OK";
    case 400:
      return "400 Bad Request";
    case 404:
      return "404 Not Found";
    default:
      return "500 Internal Server Error";
  }
}

// Value of a header in a head that was turned to lower case; empty when it is not there.
std::string Header(const std::string& head, const std::string& name) {
  const std::size_t at = head.find("\r\n" + name + ":");
  if (at == std::string::npos) return "";
  const std::size_t begin = head.find_first_not_of(" \t", at + name.size() + 3);
  const std::size_t end = head.find('\r', begin);
  return begin == std::string::npos || end < begin ? "" : head.substr(begin, end - begin);
}

std::string Frame(std::string_view name, std::string_view data) {
  std::string text;
  if (!name.empty()) text = "event: " + std::string(name) + "\n";
  return text + "data: " + std::string(data) + "\n\n";
}

}  // namespace

void Exchange::Read() {
  socket_.async_read_some(boost::asio::buffer(buffer_),
                          [self = shared_from_this()](error_code ec, std::size_t n) {
                            if (ec) return self->Close();
                            if (!self->streaming_) self->in_.append(self->buffer_.data(), n);
                            if (self->in_.size() > kMaxHead + kMaxBody) return self->Close();
                            if (!self->busy_ && !self->TakeRequest()) return;
                            self->Read();
                          });
}

// False when the connection was closed.
bool Exchange::TakeRequest() {
  const std::size_t end = in_.find("\r\n\r\n");
  if (end == std::string::npos) {
    if (in_.size() > kMaxHead) Close();
    return open();
  }
  std::string head = in_.substr(0, end + 2);
  Request request;
  const std::size_t a = head.find(' ');
  const std::size_t b = a == std::string::npos ? a : head.find(' ', a + 1);
  if (b == std::string::npos) return Close(), false;
  request.method = head.substr(0, a);
  request.path = head.substr(a + 1, b - a - 1);
  std::transform(head.begin(), head.end(), head.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  const std::size_t length = std::strtoul(Header(head, "content-length").c_str(), nullptr, 10);
  if (length > kMaxBody) return Close(), false;
  if (in_.size() < end + 4 + length) return true;
  request.body = in_.substr(end + 4, length);
  in_.erase(0, end + 4 + length);
  if (const std::size_t q = request.path.find('?'); q != std::string::npos) {
    request.query = request.path.substr(q + 1);
    request.path.resize(q);
  }
  close_after_ = Header(head, "connection") == "close";
  busy_ = true;
  handler_(request, shared_from_this());
  return open();
}

void Exchange::Answer(int status, std::string_view type, std::string_view body) {
  if (!open() || streaming_) return;
  std::string head = std::string("HTTP/1.1 ") + StatusText(status) +
                     "\r\ncontent-length: " + std::to_string(body.size());
  if (!type.empty()) head += "\r\ncontent-type: " + std::string(type);
  if (close_after_) head += "\r\nconnection: close";
  Write(head + "\r\n\r\n" + std::string(body));
  busy_ = false;
  if (in_.empty()) return;
  boost::asio::post(socket_.get_executor(),
                    [self = shared_from_this()] {  // not at once: a pipeline must not recurse
                      if (self->open() && !self->busy_) self->TakeRequest();
                    });
}

void Exchange::OpenStream() {
  if (!open()) return;
  streaming_ = true;
  Write(
      "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
      "transfer-encoding: chunked\r\n\r\n");
}

void Exchange::Chunk(std::string_view bytes) {
  std::array<char, 24> size{};
  std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
  Write(size.data() + std::string(bytes) + "\r\n");
}

void Exchange::Send(std::string_view data) { Send("", data); }

void Exchange::Send(std::string_view name, std::string_view data) {
  if (open() && streaming_) Chunk(Frame(name, data));
}

void Exchange::CloseStream() {
  if (!open() || !streaming_) return;
  close_after_ = true;
  busy_ = false;
  on_close = nullptr;  // we end it: nobody has gone
  Write("0\r\n\r\n");
}

void Exchange::Cut() {
  error_code ignored;
  socket_.set_option(boost::asio::socket_base::linger(true, 0), ignored);
  on_close = nullptr;
  socket_.close(ignored);
}

void Exchange::Write(std::string_view bytes) {
  queued_ += bytes;
  if (queued_.size() > kMaxUnsent) return Close();
  if (sending_.empty()) Flush();
}

void Exchange::Flush() {
  sending_.swap(queued_);
  boost::asio::async_write(socket_, boost::asio::buffer(sending_),
                           [self = shared_from_this()](error_code ec, std::size_t) {
                             self->sending_.clear();
                             if (ec) return self->Close();
                             if (!self->queued_.empty()) return self->Flush();
                             if (self->close_after_ && !self->busy_) self->Close();
                           });
}

void Exchange::Close() {
  error_code ignored;
  if (socket_.is_open()) {
    socket_.shutdown(tcp::socket::shutdown_both, ignored);
    socket_.close(ignored);
  }
  if (auto gone = std::exchange(on_close, nullptr)) gone();
}

std::string Server::Listen(std::uint16_t port) {
  error_code ec;
  const tcp::endpoint any(tcp::v4(), port);
  acceptor_.open(any.protocol(), ec);
  if (!ec) acceptor_.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec) acceptor_.bind(any, ec);
  if (!ec) acceptor_.listen(1024, ec);
  if (ec) return "cannot listen on port " + std::to_string(port) + ": " + ec.message();
  Accept();
  return "";
}

void Server::Accept() {
  acceptor_.async_accept([this](error_code ec, tcp::socket socket) {
    if (!ec) {
      error_code ignored;
      socket.set_option(tcp::no_delay(true), ignored);
      setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &kUserTimeoutMs,
                 sizeof kUserTimeoutMs);
      std::make_shared<Exchange>(std::move(socket), handler_)->Read();
      return Accept();
    }
    retry_.expires_after(
        std::chrono::milliseconds(100));  // out of descriptors: soon again, but never in a hot loop
    retry_.async_wait([this](error_code) { Accept(); });
  });
}

}  // namespace rbee_sim
