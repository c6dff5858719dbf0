// A tiny HTTP/1.1 server: whole requests in, whole answers or event streams out. Everything it
// keeps is bounded.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace rbee_sim {

struct Request {
  std::string method, path, query, body;
};

// One connection, handed to the handler once per request. The handler answers now or later, with
// Answer or with OpenStream, Send…, CloseStream. All calls after the client has gone are harmless.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  using Handler = std::function<void(const Request&, const std::shared_ptr<Exchange>&)>;
  Exchange(boost::asio::ip::tcp::socket socket, const Handler& handler)
      : socket_(std::move(socket)), handler_(handler) {}

  void Answer(int status, std::string_view type, std::string_view body);
  void OpenStream();
  void Send(std::string_view data);  // one event with default name
  void Send(std::string_view name, std::string_view data);
  void CloseStream();
  void Cut();  // closes the connection in the middle, with a reset
  bool open() const { return socket_.is_open(); }
  std::function<void()> on_close;  // called once, when the client is gone

  void Read();  // for the server

 private:
  bool TakeRequest();
  void Write(std::string_view bytes);
  void Flush();
  void Chunk(std::string_view bytes);
  void Close();

  boost::asio::ip::tcp::socket socket_;
  const Handler& handler_;
  std::string in_, queued_, sending_;
  std::array<char, 8192> buffer_{};
  bool busy_ = false;  // a request is being answered
  bool streaming_ = false;
  bool close_after_ = false;
};

class Server {
 public:
  Server(boost::asio::io_context& io, Exchange::Handler handler)
      : acceptor_(io), retry_(io), handler_(std::move(handler)) {}
  // Empty, or why it cannot listen.
  std::string Listen(std::uint16_t port);

 private:
  void Accept();
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer retry_;
  Exchange::Handler handler_;
};

// What the real queen and hive answer to paths they do not know: their web application, with 200.
inline constexpr std::string_view kWebPage =
    "<!doctype html><html><body><div id=\"root\"></div></body></html>";

}  // namespace rbee_sim
