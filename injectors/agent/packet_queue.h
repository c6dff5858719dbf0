// A queue of the kernel's (NFQUEUE) in this network namespace, over NETLINK_NETFILTER in messages
// of our own. It closes with this process; the kernel drops what was in it then.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "injectors/agent/poller.h"
#include "injectors/packets.h"

namespace chaos::inject {

class PacketQueue final : public Packets {
 public:
  // Requires: the poller outlives this.
  explicit PacketQueue(Poller& poller) : poller_(poller) {}
  PacketQueue(const PacketQueue&) = delete;
  PacketQueue& operator=(const PacketQueue&) = delete;
  ~PacketQueue() override { Close(); }

  Result<std::uint16_t> Open(bool content) override;
  std::vector<HeldPacket> Take() override;
  void Pass(std::uint32_t id) override;
  void PassChanged(std::uint32_t id, const std::vector<std::uint8_t>& content) override;
  void Drop(std::uint32_t id) override;
  void Close() override;

 private:
  // 0 or an errno.
  int Bind(std::uint16_t number, bool content);
  void Decide(std::uint32_t id, std::uint32_t verdict, std::span<const std::uint8_t> content);

  Poller& poller_;
  int fd_ = -1;
  std::uint16_t number_ = 0;
  bool content_ = false;
  std::vector<std::uint8_t> buffer_;
};

}  // namespace chaos::inject
