// The proxy as it is: two listeners, an nft table that leads to them, and the connections between.
// It has an epoll of its own, which the supervisor's poller watches as one descriptor.
#pragma once

#include <memory>
#include <set>
#include <unordered_map>
#include <utility>

#include "injectors/agent/poller.h"
#include "injectors/agent/proxy_link.h"
#include "injectors/interposer.h"
#include "injectors/netlink.h"
#include "injectors/node.h"

namespace chaos::inject {

class LinuxProxy final : public Interposer {
 public:
  // Requires: `poller` outlives this.
  explicit LinuxProxy(Poller& poller) : poller_(poller) {}
  LinuxProxy(const LinuxProxy&) = delete;
  LinuxProxy& operator=(const LinuxProxy&) = delete;
  ~LinuxProxy() override;

  std::vector<Address> Gateways() override;
  Result<void> Try(const Redirect& redirect) override;
  Result<void> Start(const Redirect& redirect, const Script& script, Tally& tally,
                     nanoseconds lasts) override;
  nanoseconds Run(nanoseconds now) override;
  void Release(nanoseconds now) override;
  std::size_t Open() const override { return links_.size(); }
  void Close() override { links_.clear(); }
  std::optional<std::uint64_t> Spared() override;

 private:
  struct Listener {
    int fd = -1;
    std::uint16_t port = 0;
  };

  Result<void> OpenTable();
  Result<void> Listen();
  Result<void> Send(const Redirect& redirect, nanoseconds lasts, bool dry);
  void Accept(bool v6, nanoseconds now);
  void Tidy(std::uint64_t id, ProxyLink& link);

  Poller& poller_;
  NftSocket nft_;  // owns the table
  int epoll_ = -1;
  Listener listeners_[2];  // IPv4, IPv6; none where this network namespace has no such family
  std::size_t most_links_ = 0;
  Redirect redirect_;
  const Script* script_ = nullptr;
  Tally* tally_ = nullptr;
  bool draining_ = false;
  std::uint64_t last_id_ = 0;
  std::unordered_map<std::uint64_t, std::unique_ptr<ProxyLink>> links_;
  std::unordered_map<std::uint64_t, nanoseconds> due_;     // of links that wait for a moment
  std::set<std::pair<nanoseconds, std::uint64_t>> queue_;  // the same, by moment
};

}  // namespace chaos::inject
