// Connects by TCP at a steady pace, each one timed by itself: how long round trips take, and how
// many of them lack a prompt answer.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "injectors/node.h"

namespace chaos::inject {

class TimedConnects {
 public:
  struct Pace {
    int rounds = 1;          // each endpoint is tried so often
    nanoseconds gap{0};      // between two attempts
    nanoseconds timeout{0};  // of each
  };
  struct Sample {
    std::size_t endpoint = 0;
    std::optional<nanoseconds> took;  // nullopt: no answer in time
  };

  // Requires: `node` outlives this.
  TimedConnects(Node& node, std::vector<Endpoint> endpoints, Pace pace, nanoseconds now);
  // True once every attempt has its outcome. Begins those whose time has come.
  bool Poll(nanoseconds now);
  // When to call Poll again at the latest.
  nanoseconds Deadline() const;

  const std::vector<Sample>& samples() const { return samples_; }
  std::size_t answered() const { return answered_; }

 private:
  struct Attempt {
    std::size_t sample = 0;
    nanoseconds began{0};
    std::unique_ptr<Dial> dial;
  };
  std::size_t Total() const { return endpoints_.size() * static_cast<std::size_t>(pace_.rounds); }
  nanoseconds StartOf(std::size_t attempt) const {
    return began_ + pace_.gap * static_cast<std::int64_t>(attempt);
  }

  Node& node_;
  const std::vector<Endpoint> endpoints_;
  const Pace pace_;
  const nanoseconds began_;
  std::size_t started_ = 0, answered_ = 0;
  std::vector<Attempt> open_;  // in the order of their start
  std::vector<Sample> samples_;
};

}  // namespace chaos::inject
