// A server that keeps programmed delays and writes down when it really sent what. It shares no code
// with the load generator: its own loop, its own timers, its own reading of requests.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace chaos::bench {

class GoldenServer {
 public:
  struct Program {
    std::int64_t first_us = 40'000;  // from the request for the stream to the first token
    std::int64_t gap_us = 20'000;    // between tokens
    int tokens = 5;
    // Streams that all speak at the same moment measure the queue for a processor: each job's first
    // token is later by another part of this.
    std::int64_t spread_us = 20'000;
  };
  // In microseconds, as this server saw it: from the last byte of the POST to the first token and
  // to [DONE], and between tokens.
  struct Log {
    std::vector<double> ttft, itl, e2e;
  };

  explicit GoldenServer(Program program);
  ~GoldenServer();
  int port() const { return port_; }
  Log Stop();

 private:
  void Run();

  Program program_;
  int port_ = 0, listener_ = -1;
  std::atomic<bool> stop_{false};
  Log log_;
  std::thread thread_;
};

}  // namespace chaos::bench
