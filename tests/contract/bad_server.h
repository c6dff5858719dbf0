// A TLS server that misbehaves exactly as its script says: one thread per connection, raw OpenSSL,
// no HTTP library between the script and the bytes.
#pragma once

#include <openssl/types.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/contract/certificates.h"

namespace chaos::contract {

class BadServer;

inline constexpr std::string_view kPrimeTarget = "/prime";

struct SeenRequest {
  std::string method, target, body;
  std::map<std::string, std::string> headers;  // names in lower case
};

// One accepted connection, as its script sees it.
class Exchange {
 public:
  Exchange(BadServer& server, int socket, SSL* tls) : server_(server), socket_(socket), tls_(tls) {}

  // Waits for a whole request; false when the client has gone. Answers priming requests (to
  // kPrimeTarget) by itself: they only make the connection one that was used before.
  bool ReadRequest();
  const SeenRequest& request() const { return request_; }
  // Counts as done, whatever is answered.
  void Execute();
  // False when the client has gone.
  bool Send(std::string_view bytes);
  // Sends a piece, then waits: the pace of a slow server. False when the client has gone.
  bool SendSlowly(std::string_view bytes, std::size_t piece, std::chrono::milliseconds pause);
  void Reset();  // TCP RST
  void Drop();   // TCP FIN, without TLS's own goodbye
  void Close();  // orderly
  void Hold();   // silence until the client goes
  BadServer& server() { return server_; }

 private:
  BadServer& server_;
  int socket_;
  SSL* tls_;  // null before TLS
  bool ReadAny();
  std::string buffer_;
  SeenRequest request_;
  bool primed_ = false;
};

using Script = std::function<void(Exchange&)>;

class BadServer {
 public:
  // `before_tls`, where given, runs instead of the handshake and everything after it.
  // `client_ca` (PEM), where not empty, makes the server demand a client certificate from it.
  // `six`: listens on ::1 instead of 127.0.0.1.
  BadServer(const Identity& identity, Script script, Script before_tls = {},
            const std::string& client_ca = "", bool six = false);
  ~BadServer();
  BadServer(const BadServer&) = delete;
  BadServer& operator=(const BadServer&) = delete;

  int port() const { return port_; }
  int connections() const { return connections_; }
  int seen() const { return seen_; }
  int executed() const { return executed_; }
  // True when the first request that was not a priming one came over a connection that had carried
  // one.
  bool reused() const { return reused_; }
  // Connections whose script has not ended.
  int alive() const { return alive_; }
  std::size_t bytes_sent() const { return bytes_sent_; }
  std::string last_server_name();  // SNI of the last handshake, "" without

 private:
  friend class Exchange;
  void Accept();
  void Serve(int socket);

  Script script_;
  Script before_tls_;
  SSL_CTX* context_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_{0}, seen_{0}, executed_{0}, alive_{0};
  std::atomic<std::size_t> bytes_sent_{0};
  std::atomic<bool> reused_{false};
  std::mutex mutex_;
  std::string last_server_name_;
  bool stopping_ = false;
  std::set<int> sockets_;
  std::vector<std::jthread> connection_threads_;
  std::jthread accept_thread_;
};

}  // namespace chaos::contract
