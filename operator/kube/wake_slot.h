// A callback that may be set, called and taken away from different threads.
#pragma once

#include <functional>
#include <mutex>
#include <utility>

namespace chaos::kube {

// Guarantees: after Set returns, the callback before it is not running and never runs again.
// Requires: the callback does not come back to its own slot.
class WakeSlot {
 public:
  void Set(std::function<void()> wake) {
    std::lock_guard lock(mutex_);
    wake_ = std::move(wake);
  }
  void Call() {
    std::lock_guard lock(mutex_);
    if (wake_) wake_();
  }

 private:
  std::mutex mutex_;
  std::function<void()> wake_;
};

}  // namespace chaos::kube
