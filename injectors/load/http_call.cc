// A name is looked up by Asio's own thread, which cannot be interrupted: who stops waiting simply
// does not listen.
#include "injectors/load/http_call.h"

#include <netinet/tcp.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include "operator/base/time_text.h"

namespace chaos::load {
namespace {

using boost::asio::ip::tcp;

std::string Head(const HttpCall::Request& request) {
  std::string text(request.method);
  text += " " + request.url.target + " HTTP/1.1\r\nHost: " + request.url.Authority() +
          "\r\nUser-Agent: rbee-chaos-probe\r\nAccept: " + std::string(request.accept) +
          "\r\nConnection: close\r\n";
  if (!request.body.empty()) {
    text +=
        "Content-Type: application/json\r\nContent-Length: " + std::to_string(request.body.size()) +
        "\r\n";
  }
  return text + "\r\n" + request.body;
}

// A peer that has vanished without a word is noticed after about eight seconds of silence.
void NoticeDeadPeers(tcp::socket& socket) {
  const int fd = socket.native_handle(), on = 1, idle = 5, interval = 1, count = 3;
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

HttpCall::HttpCall(boost::asio::io_context& io) : resolver_(io), socket_(io), open_timer_(io) {}

std::shared_ptr<HttpCall> HttpCall::Start(boost::asio::io_context& io, Request request,
                                          Handlers handlers) {
  auto call = std::make_shared<HttpCall>(io);
  call->Run(std::move(request), std::move(handlers));
  return call;
}

void HttpCall::Run(Request request, Handlers handlers) {
  handlers_ = std::move(handlers);
  out_ = Head(request);
  open_timeout_ = request.open_timeout;
  if (open_timeout_.count() > 0) {
    open_timer_.expires_after(open_timeout_);
    open_timer_.async_wait([self = shared_from_this()](error_code ec) {
      const bool connecting = self->stage_ != "waiting for the answer";
      if (!ec)
        self->End((connecting ? "connect timeout after " : "no answer within ") +
                  PrintDuration(self->open_timeout_));
    });
  }
  error_code not_numeric;
  const auto address = boost::asio::ip::make_address(request.url.host, not_numeric);
  if (!not_numeric) {
    Connect(tcp::resolver::results_type::create(tcp::endpoint(address, request.url.port),
                                                request.url.host, ""));
    return;
  }
  stage_ = "resolving " + request.url.host;
  resolver_.async_resolve(
      request.url.host, std::to_string(request.url.port),
      [self = shared_from_this()](error_code ec, const tcp::resolver::results_type& found) {
        if (self->over_) return;
        if (ec) return self->End(self->stage_ + ": " + ec.message());
        self->Connect(found);
      });
}

void HttpCall::Connect(const tcp::resolver::results_type& endpoints) {
  stage_ = "connecting";
  boost::asio::async_connect(socket_, endpoints,
                             [self = shared_from_this()](error_code ec, const tcp::endpoint&) {
                               if (self->over_) return;
                               if (ec) return self->End("connect: " + ec.message());
                               NoticeDeadPeers(self->socket_);
                               self->Send();
                             });
}

void HttpCall::Send() {
  stage_ = "waiting for the answer";
  boost::asio::async_write(socket_, boost::asio::buffer(out_),
                           [self = shared_from_this()](error_code ec, std::size_t) {
                             if (self->over_) return;
                             // A server may answer and hang up before it has read everything: what
                             // it said still counts.
                             if (ec && ec != boost::asio::error::broken_pipe)
                               return self->End("send: " + ec.message());
                             self->Read();
                           });
}

void HttpCall::Read() {
  socket_.async_read_some(boost::asio::buffer(in_),
                          [self = shared_from_this()](error_code ec, std::size_t n) {
                            if (self->over_) return;
                            if (!ec) {
                              self->Digest({self->in_.data(), n});
                              if (!self->over_) self->Read();
                              return;
                            }
                            if (ec != boost::asio::error::eof) return self->End(ec.message());
                            self->parser_.Finish();
                            self->End(self->parser_.error());
                          });
}

void HttpCall::Digest(std::string_view bytes) {
  std::string body;
  parser_.Feed(bytes, body);
  if (parser_.head_done() && !parser_.failed() && !head_told_) {
    head_told_ = true;
    open_timer_.cancel();
    stage_ = "reading the answer";
    const auto tell = handlers_.on_head;  // copies: a handler may cancel us, and with it itself
    if (tell) tell(parser_);
  }
  if (over_) return;
  const auto tell = handlers_.on_body;
  if (!body.empty() && tell) tell(body);
  if (over_) return;
  if (parser_.failed())
    End(parser_.error());
  else if (parser_.done())
    End("");
}

void HttpCall::End(const std::string& problem) {
  if (over_) return;
  const auto self = shared_from_this();
  const auto tell = std::move(handlers_.on_end);
  Cancel();
  if (tell) tell(problem);
}

void HttpCall::Cancel() {
  over_ = true;
  handlers_ = {};
  error_code ignored;
  open_timer_.cancel();
  resolver_.cancel();
  socket_.close(ignored);
}

}  // namespace chaos::load
