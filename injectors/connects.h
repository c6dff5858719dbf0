// Connects to several endpoints at once and says which of them could be reached within a time.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "injectors/node.h"

namespace chaos::inject {

class Connects {
 public:
  Connects(Node& node, const std::vector<Endpoint>& endpoints, nanoseconds now,
           nanoseconds timeout);
  // True once every attempt has an outcome; what is pending at the deadline was not reached.
  bool Poll(nanoseconds now);
  nanoseconds deadline() const { return started_ + timeout_; }
  nanoseconds timeout() const { return timeout_; }
  bool reached(std::size_t index) const { return attempts_[index].reached; }
  std::size_t size() const { return attempts_.size(); }
  // The longest time that a successful attempt took.
  nanoseconds slowest() const { return slowest_; }

 private:
  struct Attempt {
    std::unique_ptr<Dial> dial;  // null: it has its outcome
    bool reached = false;
  };
  nanoseconds started_;
  nanoseconds timeout_;
  nanoseconds slowest_{0};
  std::vector<Attempt> attempts_;
};

// The ports on which a peer's cut can be seen: of those to verify the ones that are cut (empty: all
// are), else the ones that are cut. None to verify means that the peer is cut off and not tried,
// such as a Service beside its pods.
std::vector<std::uint16_t> PortsToTry(const std::vector<std::uint16_t>& cut,
                                      const std::vector<std::uint16_t>& verify);

}  // namespace chaos::inject
