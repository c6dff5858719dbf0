// A whole rbee-sim on loopback: one queen, one hive, three workers, each a process of its own.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/integration/probe/child.h"

namespace chaos::test {

// Starts the roles with flags as given; ports are free ones.
class Sim {
 public:
  explicit Sim(std::vector<std::string> queen_flags = {},
               std::vector<std::string> worker_flags = {});

  // Until the queen knows all three workers. False when that took too long.
  bool Ready();
  std::string queen_url() const { return "http://127.0.0.1:" + std::to_string(queen_port_); }
  int queen_port() const { return queen_port_; }
  int hive_port() const { return hive_port_; }
  int worker_port(int i) const { return worker_ports_[static_cast<std::size_t>(i)]; }
  Child& queen() { return *queen_; }
  Child& hive() { return *hive_; }
  Child& worker(int i) { return *workers_[static_cast<std::size_t>(i)]; }
  void StartQueen();  // again, after its end
  void StartHive();

  // Until a line of this process's log has all these words; empty when that took too long.
  static std::string WaitForLog(Child& child, const std::vector<std::string>& words,
                                milliseconds within);

 private:
  std::vector<std::string> queen_flags_;
  int queen_port_, hive_port_;
  std::vector<int> worker_ports_;
  std::unique_ptr<Child> queen_, hive_;
  std::vector<std::unique_ptr<Child>> workers_;
};

std::vector<std::string> SimCommand(const std::string& role, const std::vector<std::string>& flags);
// One request over one connection; everything that came until the server closed it, or until
// `within` passed.
std::string Ask(int port, const std::string& method, const std::string& path,
                const std::string& body = "", milliseconds within = milliseconds(5000));
// The body of such an answer with its chunks put together.
std::string BodyOf(const std::string& answer);

}  // namespace chaos::test
