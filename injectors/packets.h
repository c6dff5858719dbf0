// Packets that the kernel holds for us until we say what becomes of them. The one real
// implementation is agent/packet_queue; tests bring their own.
#pragma once

#include <cstdint>
#include <vector>

#include "operator/base/result.h"

namespace chaos::inject {

struct HeldPacket {
  std::uint32_t id = 0;
  bool outgoing = false;
  std::uint32_t bytes = 0;              // of the whole IP packet
  std::vector<std::uint8_t> content{};  // only where Open asked for it
};

class Packets {
 public:
  virtual ~Packets() = default;
  // The number of a queue that is ours alone. What gets into it while nobody takes it out, the
  // kernel lets pass once it is full; when we end, it lets all that comes later pass.
  virtual Result<std::uint16_t> Open(bool content) = 0;
  // What has come since. News wakes the loop.
  virtual std::vector<HeldPacket> Take() = 0;
  virtual void Pass(std::uint32_t id) = 0;
  // The kernel computes no checksum again: the receiver sees what was done.
  virtual void PassChanged(std::uint32_t id, const std::vector<std::uint8_t>& content) = 0;
  virtual void Drop(std::uint32_t id) = 0;
  // Requires: every packet that was taken has its verdict; others are lost. Idempotent.
  virtual void Close() = 0;
};

}  // namespace chaos::inject
