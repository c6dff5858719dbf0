// What serves in the target's namespace, and a client outside of it that shares no code with the
// injector: it sends text and keeps what comes, with its times.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/injector/test_net.h"

namespace chaos::test {

// A worker of rbee-sim on port 8080, IPv4.
class SimWorker {
 public:
  explicit SimWorker(const TestNet& net, std::vector<std::string> flags = {});
  SimWorker(const SimWorker&) = delete;
  SimWorker& operator=(const SimWorker&) = delete;
  ~SimWorker();
  // Waits for a line of its log that holds this text; empty when none came within the limit.
  std::string WaitForLine(const std::string& text, milliseconds limit = seconds(5));

 private:
  int pid_ = -1;
  Fd out_;
  std::string rest_;
};

// Sends back what it gets, on port 9100 of all addresses.
class Echo {
 public:
  explicit Echo(const TestNet& net);
  Echo(const Echo&) = delete;
  Echo& operator=(const Echo&) = delete;
  ~Echo();

 private:
  Fd listener_;
  std::atomic<bool> over_{false};
  std::jthread thread_;  // last: it uses the others
};

class Client {
 public:
  // From this address of a namespace to the target's; not open() when it was not taken.
  Client(int space, const std::string& source, const std::string& address, int port);
  bool open() const { return socket_.get() >= 0; }
  void Send(const std::string& text) const;
  // Reads until `text` has come (again behind what an earlier call found), or the other side ended
  // or the limit passed: false then.
  bool ReadTo(const std::string& text, milliseconds limit = seconds(5));
  enum class End { kNone, kFin, kReset };
  // Reads on to the end.
  End ReadToEnd(milliseconds limit = seconds(5));
  void HalfClose() const;
  void Close() { socket_ = Fd(); }
  const std::string& all() const { return all_; }

 private:
  End ReadMore(milliseconds limit);

  Fd socket_;
  std::string all_;
  std::size_t seen_ = 0;
};

// One GET on a connection of its own: its status, 0 when there was no answer.
int StatusOf(const TestNet& net, const std::string& source = "10.9.0.2",
             const std::string& path = "/health", const std::string& more_headers = "");

}  // namespace chaos::test
