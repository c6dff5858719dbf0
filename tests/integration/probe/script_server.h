// A server that says exactly what a test wrote, over real sockets on loopback: the golden side of
// the probe tests.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace chaos::test {

// One accepted connection. Everything ends quickly once the server is destroyed.
class Connection {
 public:
  explicit Connection(int fd) : fd_(fd) {}
  std::string ReadRequest() const;  // head and body; empty when the client went away
  void Send(std::string_view bytes) const;
  void SendByteByByte(std::string_view bytes) const;
  void HoldUntilClosed() const;  // until the other side or the server ends it
  void Reset() const;            // RST instead of FIN

 private:
  int fd_;
};

class ScriptServer {
 public:
  using Script = std::function<void(const Connection&, const std::string& request)>;
  // Every connection gets a thread that reads one request and runs the script; then it is closed.
  explicit ScriptServer(Script script);
  ~ScriptServer();

  int port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int requests() const { return requests_; }

 private:
  void Accept();

  Script script_;
  int listener_ = -1, port_ = 0;
  std::atomic<int> requests_{0};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

std::string Reply(int status, const std::string& type, const std::string& body);
// Head of an event stream whose body ends with the connection, and one event of it.
inline constexpr std::string_view kStreamHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
std::string Event(const std::string& data);

}  // namespace chaos::test
