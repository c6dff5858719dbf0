// A DNS server in the peer's namespace, at 10.9.0.3, that knows one name and tells what it is told.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/injector/test_net.h"

namespace chaos::test {

class DnsServer {
 public:
  explicit DnsServer(const TestNet& net);
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;
  ~DnsServer();

  // What "peers.rbee.svc.k8s.example" stands for from now on.
  void Set(std::vector<std::string> addresses);
  void Silence(bool silent) { silent_ = silent; }
  // A resolv.conf with this server and that domain; a path.
  const std::string& resolv_conf() const { return path_; }

 private:
  void Serve();

  Fd socket_;
  std::string path_;
  std::mutex mutex_;
  std::vector<std::string> addresses_;
  std::atomic<bool> silent_{false}, ends_{false};
  std::jthread thread_;
};

}  // namespace chaos::test
