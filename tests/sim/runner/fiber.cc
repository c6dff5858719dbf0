#include "tests/sim/runner/fiber.h"

#include <cxxabi.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <utility>
#include <vector>

#include "operator/base/check.h"

#if defined(__SANITIZE_ADDRESS__)
#define CHAOS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CHAOS_ASAN 1
#endif
#endif
#ifndef CHAOS_ASAN
#define CHAOS_ASAN 0
#endif
#if CHAOS_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

namespace chaos::sim {
namespace {

constexpr std::size_t kStackBytes = 512 * 1024;  // only what is touched costs memory

// Stacks are used again: mapping one costs more than all that happens on it.
class Stacks {
 public:
  ~Stacks() {
    for (void* stack : free_) munmap(stack, kStackBytes);
  }
  void* Take() {
    if (!free_.empty()) {
      void* stack = free_.back();
      free_.pop_back();
      return stack;
    }
    void* stack = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(stack != MAP_FAILED);
    return stack;
  }
  void Give(void* stack) { free_.push_back(stack); }

 private:
  std::vector<void*> free_;
};
thread_local Stacks stacks;
thread_local Fiber* current = nullptr;

// What the C++ runtime keeps for a thread while an exception is on its way; each fiber has its own.
struct ExceptionState {
  void* caught = nullptr;
  unsigned uncaught = 0;
};
ExceptionState Exchange(ExceptionState next) {
  auto* globals = reinterpret_cast<ExceptionState*>(abi::__cxa_get_globals());
  return std::exchange(*globals, next);
}

}  // namespace

struct Fiber::Context {
  ucontext_t own{};
  ucontext_t resumer{};
  ExceptionState exceptions;
  void* stack = nullptr;
#if CHAOS_ASAN
  const void* resumer_stack = nullptr;
  std::size_t resumer_size = 0;
#endif
};

Fiber::Fiber(std::function<void()> body)
    : body_(std::move(body)), context_(std::make_unique<Context>()) {
  context_->stack = stacks.Take();
  CHECK(getcontext(&context_->own) == 0);
  context_->own.uc_stack.ss_sp = context_->stack;
  context_->own.uc_stack.ss_size = kStackBytes;
  context_->own.uc_link = nullptr;
  makecontext(&context_->own, &Fiber::Enter, 0);
}

Fiber::~Fiber() {
  CHECK(finished_ || !started_);
  stacks.Give(context_->stack);
}

Fiber* Fiber::Current() { return current; }

void Fiber::Enter() {
  Fiber* self = current;
#if CHAOS_ASAN
  __sanitizer_finish_switch_fiber(nullptr, &self->context_->resumer_stack,
                                  &self->context_->resumer_size);
#endif
  self->body_();
  self->finished_ = true;
  Yield();
  CHECK(false);
}

void Fiber::Resume() {
  CHECK(!finished_ && current != this);
  started_ = true;
  resumer_ = std::exchange(current, this);
  SwitchIn();
}

void Fiber::SwitchIn() {
  const ExceptionState mine = Exchange(context_->exceptions);
#if CHAOS_ASAN
  void* fake = nullptr;
  __sanitizer_start_switch_fiber(&fake, context_->stack, kStackBytes);
#endif
  CHECK(swapcontext(&context_->resumer, &context_->own) == 0);
#if CHAOS_ASAN
  __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#endif
  context_->exceptions = Exchange(mine);
}

void Fiber::Yield() {
  Fiber* self = current;
  CHECK(self != nullptr);
  current = self->resumer_;
#if CHAOS_ASAN
  void* fake = nullptr;
  __sanitizer_start_switch_fiber(self->finished_ ? nullptr : &fake, self->context_->resumer_stack,
                                 self->context_->resumer_size);
#endif
  CHECK(swapcontext(&self->context_->own, &self->context_->resumer) == 0);
#if CHAOS_ASAN
  __sanitizer_finish_switch_fiber(fake, &self->context_->resumer_stack,
                                  &self->context_->resumer_size);
#endif
}

}  // namespace chaos::sim
