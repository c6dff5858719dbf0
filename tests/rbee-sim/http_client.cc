// One Call per connection. It answers `Connection: close`, so the end of the body is the end of the
// call.
#include "tests/rbee-sim/http_client.h"

#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <cstdlib>

namespace rbee_sim {

using boost::asio::ip::tcp;
using boost::system::error_code;

namespace {
constexpr std::size_t kMaxHeld = 1 << 20;  // unparsed bytes, or a whole answer

// Takes complete chunks from the front of `in`; 1 = the last one was seen, 0 = go on, -1 = not a
// chunked body.
int TakeChunks(std::string& in, std::string& out) {
  for (;;) {
    const std::size_t line = in.find("\r\n");
    if (line == std::string::npos) return in.size() > 64 ? -1 : 0;
    char* end = nullptr;
    const std::size_t size = std::strtoul(in.c_str(), &end, 16);
    if (end == in.c_str() || size > kMaxHeld) return -1;
    if (size == 0) return 1;
    if (in.size() < line + 4 + size) return 0;
    out.append(in, line + 2, size);
    in.erase(0, line + 4 + size);
  }
}
}  // namespace

bool ParseUrl(std::string_view text, Url& url) {
  if (!text.starts_with("http://")) return false;
  text.remove_prefix(7);
  const std::size_t slash = text.find('/');
  url.path = slash == std::string_view::npos ? "" : text.substr(slash);
  text = text.substr(0, slash);
  const std::size_t colon = text.rfind(':');
  url.host = text.substr(0, colon);
  url.port = colon == std::string_view::npos ? "80" : std::string(text.substr(colon + 1));
  return !url.host.empty() && !url.port.empty();
}

class Call : public std::enable_shared_from_this<Call> {
 public:
  std::function<void(std::string_view bytes)> on_body;
  std::function<void(int status)> on_head;
  std::function<void(const std::string& reason)> on_end;

  explicit Call(boost::asio::io_context& io) : resolver_(io), socket_(io), timer_(io) {}

  void Start(std::string_view method, const std::string& text, const std::string& body,
             std::chrono::milliseconds timeout) {
    Url url;
    if (!ParseUrl(text, url)) {
      boost::asio::post(socket_.get_executor(),
                        [self = shared_from_this(), text] { self->End("bad URL " + text); });
      return;
    }
    request_ = std::string(method) + " " + (url.path.empty() ? "/" : url.path) +
               " HTTP/1.1\r\nhost: " + url.host + ":" + url.port + "\r\nconnection: close\r\n";
    if (!body.empty()) {
      request_ +=
          "content-type: application/json\r\ncontent-length: " + std::to_string(body.size()) +
          "\r\n";
    }
    request_ += "\r\n" + body;
    timer_.expires_after(timeout);
    timer_.async_wait([self = shared_from_this()](error_code ec) {
      if (!ec) self->End("no answer in time");
    });
    resolver_.async_resolve(url.host, url.port,
                            [self = shared_from_this()](error_code ec, auto found) {
                              if (self->Failed(ec)) return;
                              boost::asio::async_connect(
                                  self->socket_, found, [self](error_code e, const tcp::endpoint&) {
                                    if (!self->Failed(e)) self->Send();
                                  });
                            });
  }

  void KeepOpen() { timer_.cancel(); }
  // Silent: nobody is told.
  void Close() {
    on_body = nullptr;
    on_head = nullptr;
    on_end = nullptr;
    Shut();
  }

 private:
  bool Failed(error_code ec) {
    if (ended_) return true;
    if (ec) End(ec.message());
    return ended_;
  }

  void Send() {
    error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    boost::asio::async_write(socket_, boost::asio::buffer(request_),
                             [self = shared_from_this()](error_code ec, auto) {
                               if (!self->Failed(ec)) self->Read();
                             });
  }

  void Read() {
    socket_.async_read_some(
        boost::asio::buffer(buffer_), [self = shared_from_this()](error_code ec, std::size_t n) {
          if (self->ended_) return;
          if (ec)
            return self->End(
                self->UntilClose() && ec == boost::asio::error::eof ? "" : "cut: " + ec.message());
          self->in_.append(self->buffer_.data(), n);
          self->Digest();
          if (!self->ended_) self->Read();
        });
  }

  bool UntilClose() const { return head_seen_ && !chunked_ && left_ < 0; }

  void Digest() {
    if (!head_seen_ && !TakeHead()) return;
    std::string body;
    int state = 0;
    if (chunked_) {
      state = TakeChunks(in_, body);
    } else {
      body.swap(in_);
      if (left_ >= 0 && (left_ -= static_cast<long>(body.size())) <= 0) state = 1;
    }
    const auto take = on_body;  // a copy: the handler may close this call, and itself with it
    if (!body.empty() && take) take(body);
    if (ended_) return;
    if (state == 1)
      End("");
    else if (state < 0 || in_.size() > kMaxHeld)
      End("not HTTP");
  }

  bool TakeHead() {
    const std::size_t end = in_.find("\r\n\r\n");
    if (end == std::string::npos) {
      if (in_.size() > 16384) End("not HTTP");
      return false;
    }
    std::string head = in_.substr(0, end + 2);
    in_.erase(0, end + 4);
    const int status = head.size() > 12 ? std::atoi(head.c_str() + 9) : 0;
    for (char& c : head) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    chunked_ = head.find("\r\ntransfer-encoding: chunked\r\n") != std::string::npos;
    if (const std::size_t at = head.find("\r\ncontent-length:"); at != std::string::npos) {
      left_ = std::atol(head.c_str() + at + 17);
    }
    head_seen_ = true;
    const auto take = on_head;
    if (take) take(status);
    return !ended_;
  }

  void End(const std::string& reason) {
    if (ended_) return;
    const auto tell = std::move(on_end);
    Close();
    if (tell) tell(reason);
  }

  void Shut() {
    ended_ = true;
    error_code ignored;
    timer_.cancel();
    resolver_.cancel();
    socket_.close(ignored);
  }

  tcp::resolver resolver_;
  tcp::socket socket_;
  boost::asio::steady_timer timer_;
  std::string request_, in_;
  std::array<char, 8192> buffer_{};
  bool head_seen_ = false, chunked_ = false, ended_ = false;
  long left_ =
      -1;  // body bytes still to come by Content-Length; -1 = until the end of the connection
};

void Fetch(boost::asio::io_context& io, std::string_view method, const std::string& url,
           std::string body, std::chrono::milliseconds timeout, std::function<void(Answer)> done) {
  auto call = std::make_shared<Call>(io);
  auto answer = std::make_shared<Answer>();
  call->on_head = [answer](int status) { answer->status = status; };
  call->on_body = [answer](std::string_view bytes) {
    if (answer->body.size() < kMaxHeld) answer->body += bytes;
  };
  call->on_end = [answer, done = std::move(done)](const std::string& reason) {
    answer->error = reason;
    done(std::move(*answer));
  };
  call->Start(method, url, body, timeout);
}

EventSource::EventSource(boost::asio::io_context& io, const std::string& url,
                         std::chrono::milliseconds open_timeout, Handlers handlers)
    : call_(std::make_shared<Call>(io)) {
  auto held = std::make_shared<std::string>();
  Call* call = call_.get();  // the handlers die with the call
  call->on_head = [call](int status) {
    call->KeepOpen();
    if (status != 200) {
      const auto tell = call->on_end;
      call->Close();
      if (tell) tell("HTTP " + std::to_string(status));
    }
  };
  call->on_body = [call, held, on_event = std::move(handlers.on_event)](std::string_view bytes) {
    *held += bytes;
    std::size_t end = 0;
    while ((end = held->find("\n\n")) != std::string::npos) {
      const std::string block = held->substr(0, end + 1);
      held->erase(0, end + 2);
      const std::size_t at = block.starts_with("data: ") ? 0 : block.find("\ndata: ");
      if (at == std::string::npos) continue;
      const std::size_t begin = at + (at == 0 ? 6 : 7);
      on_event(std::string_view(block).substr(begin, block.find('\n', begin) - begin));
      if (!call->on_end) return;  // closed by the handler
    }
  };
  call->on_end = std::move(handlers.on_end);
  call_->Start("GET", url, "", open_timeout);
}

void EventSource::Close() { call_->Close(); }

}  // namespace rbee_sim
