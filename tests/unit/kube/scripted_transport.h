// A Transport that does what the test says: answers by a function, streams fed line by line.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "operator/kube/transport.h"

namespace chaos::kube {

// The test's end of one stream. Thread-safe.
class Script {
 public:
  void Open() { Push(LineStream::Polled(LineStream::Opened{})); }
  void Line(std::string text) { Push(LineStream::Polled(LineStream::Line{std::move(text)})); }
  void End() { Push(LineStream::Polled(LineStream::End{})); }
  void Fail(Error error) { Push(std::move(error)); }
  bool dropped() const {
    std::lock_guard lock(mutex_);
    return dropped_;
  }

 private:
  friend class ScriptedTransport;
  void Push(Result<LineStream::Polled> next) {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(next));
    if (wake_ && !dropped_) wake_();
  }
  mutable std::mutex mutex_;
  std::deque<Result<LineStream::Polled>> queue_;
  std::function<void()> wake_;
  bool dropped_ = false;
};

class ScriptedTransport : public Transport {
 public:
  std::function<Result<Response>(const Request&)> answer = [](const Request&) {
    return Response{500, "", {}};
  };
  std::function<void(Script&)> on_open = [](Script&) {};

  Result<Response> Send(const Request& request) override {
    {
      std::lock_guard lock(mutex_);
      sent_.push_back(request);
    }
    return answer(request);
  }

  std::unique_ptr<LineStream> Open(const Request& request, std::function<void()> wake) override {
    auto script = std::make_shared<Script>();
    script->wake_ = std::move(wake);
    on_open(*script);
    std::lock_guard lock(mutex_);
    opened_.push_back(request);
    scripts_.push_back(script);
    return std::make_unique<Stream>(std::move(script));
  }

  std::vector<Request> sent() const {
    std::lock_guard lock(mutex_);
    return sent_;
  }
  std::vector<Request> opened() const {
    std::lock_guard lock(mutex_);
    return opened_;
  }
  // The stream opened last.
  Script& last() const {
    std::lock_guard lock(mutex_);
    return *scripts_.back();
  }

 private:
  class Stream final : public LineStream {
   public:
    explicit Stream(std::shared_ptr<Script> script) : script_(std::move(script)) {}
    ~Stream() override {
      std::lock_guard lock(script_->mutex_);
      script_->dropped_ = true;
    }
    Result<Polled> Poll() override {
      std::lock_guard lock(script_->mutex_);
      if (script_->queue_.empty()) return Polled(Nothing{});
      Result<Polled> next = std::move(script_->queue_.front());
      script_->queue_.pop_front();
      return next;
    }

   private:
    std::shared_ptr<Script> script_;
  };

  mutable std::mutex mutex_;
  std::vector<Request> sent_;
  std::vector<Request> opened_;
  std::vector<std::shared_ptr<Script>> scripts_;
};

}  // namespace chaos::kube
