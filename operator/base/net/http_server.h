// The small server behind /metrics, /healthz and /readyz: own thread, IPv4 and IPv6, bounded in
// everything.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "operator/base/clock.h"
#include "operator/base/result.h"

namespace chaos {

struct HttpAnswer {
  int status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
};
// By exact path. Called on the server's thread, one at a time; must not block for long.
using HttpHandlers = std::map<std::string, std::function<HttpAnswer()>, std::less<>>;

struct HttpServerOptions {
  std::uint16_t port = 0;              // 0 = any free one
  std::string address = "";            // "" = all, IPv6 and IPv4
  std::size_t max_connections = 64;    // more wait in the kernel's queue
  milliseconds request_timeout{5000};  // for reading a request, and for writing its answer
  milliseconds idle_timeout{30000};    // between requests of one connection
};

// Only GET and HEAD; anything else is 405, an unknown path 404, a request head above 8 KiB 431.
// Destroying it closes the port and every connection and waits for its thread.
class HttpServer {
 public:
  // Never throws; a port that is taken is an Error that says which.
  static Result<std::unique_ptr<HttpServer>> Start(const HttpServerOptions& options,
                                                   HttpHandlers handlers);
  ~HttpServer();
  std::uint16_t port() const;

 private:
  HttpServer();
  struct Inside;
  std::unique_ptr<Inside> inside_;
};

}  // namespace chaos
