// The addresses behind a host name, looked up at most every few seconds for all VUs together.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <vector>

#include "injectors/load/url.h"
#include "operator/base/clock.h"

namespace chaos::load {

class Addresses {
 public:
  using Endpoints = std::vector<boost::asio::ip::tcp::endpoint>;
  // `endpoints` is not empty without an error.
  using Then = std::function<void(boost::system::error_code, const Endpoints& endpoints)>;
  static constexpr seconds kFresh{5};

  Addresses(boost::asio::io_context& io, const Clock& clock, const Url& url);
  // Calls back at once where the answer is known. A lookup cannot be interrupted (Asio's own thread
  // makes it): who stops waiting does not listen.
  void Get(Then then);

 private:
  void Look();

  const Clock& clock_;
  boost::asio::ip::tcp::resolver resolver_;
  std::string host_;
  std::uint16_t port_;
  bool fixed_ = false, looking_ = false;
  nanoseconds looked_{0};
  Endpoints endpoints_;
  std::vector<Then> waiting_;
};

}  // namespace chaos::load
