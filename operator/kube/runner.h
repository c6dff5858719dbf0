// Who calls the steps: threads in production, one seeded loop in the simulation. Everything that
// lives beside the main thread (informers, workers, lease, events) is a step function run by one of
// these.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "operator/base/clock.h"

namespace chaos::kube {

class Runner {
 public:
  // Guarantees: its destructor waits for a running step; afterwards the step is never called again.
  class Handle {
   public:
    virtual ~Handle() = default;
    // Cuts the present pause short; during a step, makes the pause after it zero. From any thread,
    // also from the step.
    virtual void Wake() = 0;
  };

  virtual ~Runner() = default;
  // Calls `step` again and again, never twice at once; it returns the longest pause until its next
  // call. The first call may come before Run returns.
  virtual std::unique_ptr<Handle> Run(std::string name, std::function<milliseconds()> step) = 0;
};

// A wake that can be handed out before there is a handle and rung after it is gone. Thread-safe.
class Bell {
 public:
  void Ring() {
    std::lock_guard lock(mutex_);
    if (handle_)
      handle_->Wake();
    else
      rung_ = true;
  }
  // `handle` = nullptr: rings are remembered for the next one, and no old ring is under way when
  // this returns.
  void Attach(Runner::Handle* handle) {
    std::lock_guard lock(mutex_);
    handle_ = handle;
    if (handle_ && std::exchange(rung_, false)) handle_->Wake();
  }

 private:
  std::mutex mutex_;
  Runner::Handle* handle_ = nullptr;
  bool rung_ = false;
};

// Runs `step`, which is given a wake that stays callable for ever (it rings into the void once the
// handle is gone).
std::unique_ptr<Runner::Handle> RunWithWake(
    Runner& runner, std::string name,
    std::function<milliseconds(const std::function<void()>& wake)> step);

}  // namespace chaos::kube
