#include "injectors/load/addresses.h"

#include <boost/asio/error.hpp>
#include <utility>

namespace chaos::load {

using boost::asio::ip::tcp;
using boost::system::error_code;

Addresses::Addresses(boost::asio::io_context& io, const Clock& clock, const Url& url)
    : clock_(clock), resolver_(io), host_(url.host), port_(url.port) {
  error_code not_numeric;
  const auto address = boost::asio::ip::make_address(host_, not_numeric);
  fixed_ = !not_numeric;
  if (fixed_) endpoints_ = {{address, port_}};
}

void Addresses::Get(Then then) {
  if (fixed_ || (!endpoints_.empty() && clock_.SinceBoot() - looked_ < kFresh))
    return then({}, endpoints_);
  waiting_.push_back(std::move(then));
  if (!looking_) Look();
}

void Addresses::Look() {
  looking_ = true;
  resolver_.async_resolve(host_, std::to_string(port_),
                          [this](error_code ec, const tcp::resolver::results_type& found) {
                            looking_ = false;
                            looked_ = clock_.SinceBoot();
                            endpoints_.clear();
                            if (!ec) {
                              for (const auto& entry : found)
                                endpoints_.push_back(entry.endpoint());
                            }
                            if (!ec && endpoints_.empty()) ec = boost::asio::error::host_not_found;
                            const Endpoints endpoints = endpoints_;  // a caller may ask again
                            for (const Then& then : std::exchange(waiting_, {}))
                              then(ec, endpoints);
                          });
}

}  // namespace chaos::load
