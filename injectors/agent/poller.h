// Waits until one of several descriptors has news or a moment on CLOCK_BOOTTIME has come.
#pragma once

#include "operator/base/clock.h"

namespace chaos::inject {

class Poller {
 public:
  Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  ~Poller();

  void WatchReadable(int fd);
  void WatchWritableOnce(int fd);
  // Closing a descriptor ends its watch. Runs on through suspend.
  void WaitUntil(nanoseconds since_boot);

 private:
  void Watch(int fd, unsigned events);

  int epoll_;
  int timer_;
};

}  // namespace chaos::inject
