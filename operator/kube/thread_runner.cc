#include "operator/kube/thread_runner.h"

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <thread>

namespace chaos::kube {
namespace {

constexpr milliseconds kLongestPause{std::chrono::hours(1)};

class Thread final : public Runner::Handle {
 public:
  Thread(const std::string& name, std::function<milliseconds()> step)
      : step_(std::move(step)), thread_([this](const std::stop_token& stop) { Loop(stop); }) {
    pthread_setname_np(thread_.native_handle(), name.substr(0, 15).c_str());
  }

  void Wake() override {
    {
      std::lock_guard lock(mutex_);
      woken_ = true;
    }
    rung_.notify_one();
  }

 private:
  void Loop(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      const milliseconds pause = std::clamp(step_(), milliseconds(0), kLongestPause);
      std::unique_lock lock(mutex_);
      rung_.wait_for(lock, stop, pause, [this] { return woken_; });
      woken_ = false;
    }
  }

  const std::function<milliseconds()> step_;
  std::mutex mutex_;
  std::condition_variable_any rung_;
  bool woken_ = false;
  std::jthread thread_;
};

}  // namespace

std::unique_ptr<Runner::Handle> ThreadRunner::Run(std::string name,
                                                  std::function<milliseconds()> step) {
  return std::make_unique<Thread>(name, std::move(step));
}

}  // namespace chaos::kube
