// One HTTP request over a connection of its own. Bytes in, handlers out; what they mean is decided
// elsewhere.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>

#include "injectors/load/http_response.h"
#include "injectors/load/url.h"
#include "operator/base/clock.h"

namespace chaos::load {

// Guarantees: on_head at most once, on_end exactly once unless cancelled, nothing after on_end or
// Cancel, and never from within Start. There is no limit on the whole: the owner has one for its
// sample.
class HttpCall : public std::enable_shared_from_this<HttpCall> {
 public:
  struct Handlers {
    std::function<void(const ResponseParser& head)> on_head;
    std::function<void(std::string_view bytes)> on_body;
    std::function<void(const std::string& problem)> on_end;  // empty = the answer is complete
  };
  struct Request {
    Url url;
    std::string_view method = "GET";
    std::string body;  // sent as JSON when not empty
    std::string_view accept = "*/*";
    milliseconds open_timeout{0};  // until the head is there; 0 = none
  };
  static std::shared_ptr<HttpCall> Start(boost::asio::io_context& io, Request request,
                                         Handlers handlers);
  explicit HttpCall(boost::asio::io_context& io);  // for Start

  // Nobody is told. Harmless at any time, also from a handler.
  void Cancel();
  // What it is waiting for: "resolving queen", "connecting", "waiting for the answer", "reading the
  // answer".
  const std::string& stage() const { return stage_; }

 private:
  using error_code = boost::system::error_code;
  void Run(Request request, Handlers handlers);
  void Connect(const boost::asio::ip::tcp::resolver::results_type& endpoints);
  void Send();
  void Read();
  void Digest(std::string_view bytes);
  void End(const std::string& problem);

  boost::asio::ip::tcp::resolver resolver_;
  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer open_timer_;
  Handlers handlers_;
  ResponseParser parser_;
  std::string out_, stage_;
  std::array<char, 8192> in_{};
  milliseconds open_timeout_{0};
  bool over_ = false, head_told_ = false;
};

}  // namespace chaos::load
