#include "injectors/agent/poller.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "operator/base/check.h"

namespace chaos::inject {

Poller::Poller()
    : epoll_(epoll_create1(EPOLL_CLOEXEC)),
      timer_(timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC)) {
  CHECK(epoll_ >= 0 && timer_ >= 0);
  WatchReadable(timer_);
}

Poller::~Poller() {
  close(timer_);
  close(epoll_);
}

void Poller::WatchReadable(int fd) { Watch(fd, EPOLLIN); }
void Poller::WatchWritableOnce(int fd) { Watch(fd, EPOLLOUT | EPOLLONESHOT); }

void Poller::Watch(int fd, unsigned events) {
  epoll_event event{};
  event.events = events;
  CHECK(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0);
}

void Poller::WaitUntil(nanoseconds since_boot) {
  since_boot = std::max(since_boot, nanoseconds(1));  // 0 would disarm the timer
  itimerspec when{};
  when.it_value.tv_sec = since_boot.count() / 1'000'000'000;
  when.it_value.tv_nsec = since_boot.count() % 1'000'000'000;
  CHECK(timerfd_settime(timer_, TFD_TIMER_ABSTIME, &when, nullptr) == 0);
  std::array<epoll_event, 16> events{};
  epoll_wait(epoll_, events.data(), events.size(), -1);
  std::uint64_t expirations = 0;
  [[maybe_unused]] const ssize_t got = read(timer_, &expirations, sizeof expirations);
}

}  // namespace chaos::inject
