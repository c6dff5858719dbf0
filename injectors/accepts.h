// Whether a process takes the connections that arrive at one of its sockets. Asked with connects of
// our own, from inside of the pod: the kernel answers them whatever the process does, so what
// counts is that nobody takes them off the queue.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "injectors/descriptors.h"
#include "injectors/fault.h"

namespace chaos::inject {

// One connect at a time, kept open, until one is not taken for a while, or `most` of them were.
class Accepts final : public Look {
 public:
  struct Outcome {
    int taken = 0;
    bool stalled = false;  // one arrived and stayed in the queue
    bool reached = false;  // one arrived at all
  };
  using Read = std::function<Reading(const Outcome&)>;
  // Requires: node and descriptors outlive this.
  Accepts(Node& node, Descriptors& descriptors, Accepting socket, int most, nanoseconds now,
          Read read);
  std::optional<Reading> Poll(nanoseconds now) override;
  nanoseconds Deadline() const override { return next_; }

 private:
  Node& node_;
  Descriptors& descriptors_;
  const Accepting socket_;
  const int most_;
  const nanoseconds deadline_;
  const Read read_;
  std::vector<std::unique_ptr<Dial>> dials_;
  nanoseconds since_{0};  // the last one has been in the queue
  nanoseconds next_;
  bool arrived_ = false;  // the last one
  Outcome outcome_;
};

}  // namespace chaos::inject
