// A function with a stack of its own that can stop in the middle and go on later: how many
// "threads" of several processes share one real thread, in an order that a seed decides.
#pragma once

#include <functional>
#include <memory>

namespace chaos::sim {

class Fiber {
 public:
  // Nothing runs before the first Resume. `body` must not throw.
  explicit Fiber(std::function<void()> body);
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  // Requires: it has finished, or was never resumed.
  ~Fiber();

  // Goes on until the body ends or yields. Requires: not from within itself, and not finished.
  void Resume();
  bool finished() const { return finished_; }
  bool started() const { return started_; }

  static Fiber* Current();  // nullptr: the thread's own stack
  static void Yield();      // back to whoever resumed it. Requires: Current() is not nullptr

 private:
  struct Context;
  static void Enter();
  void SwitchIn();

  std::function<void()> body_;
  std::unique_ptr<Context> context_;
  Fiber* resumer_ = nullptr;
  bool started_ = false;
  bool finished_ = false;
};

}  // namespace chaos::sim
