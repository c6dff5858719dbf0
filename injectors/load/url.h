// URLs as we call them: plain http, a host, a port, a path. Nothing that could smuggle a header or
// another host.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "operator/base/result.h"

namespace chaos::load {

struct Url {
  std::string host;  // a name or an address, IPv6 without its brackets
  std::uint16_t port = 80;
  std::string target;  // path and query; begins with "/"

  // As in the Host header: IPv6 in brackets, the port unless it is 80.
  std::string Authority() const;
  std::string Print() const;
};

// At most 2048 bytes; https, user names, fragments and control characters are refused with a
// sentence saying so.
Result<Url> ParseUrl(std::string_view text);

// Where an answer points to, seen from `base`: "/path", or a whole URL of the same host and port.
// Another host is refused: a server must not choose whom we call.
Result<Url> Follow(const Url& base, std::string_view reference);

}  // namespace chaos::load
