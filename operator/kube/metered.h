// From what the kube layer tells (queue, watch, requests) to /metrics. The only place where both
// are known.
#pragma once

#include <memory>
#include <string>

#include "operator/base/net/log.h"
#include "operator/base/net/metrics.h"
#include "operator/kube/transport.h"
#include "operator/kube/watch.h"
#include "operator/kube/workqueue.h"

namespace chaos::kube {

// Requires: AddController(controller) was called; metrics outlive it.
class QueueMeter final : public QueueObserver {
 public:
  QueueMeter(Metrics& metrics, std::string controller)
      : metrics_(metrics), controller_(std::move(controller)) {}
  void Added() override { metrics_.QueueAdded(controller_); }
  void Retried() override { metrics_.QueueRetried(controller_); }
  void Waited(nanoseconds waited) override { metrics_.QueueWaited(controller_, waited); }
  void Worked(nanoseconds worked) override { metrics_.QueueWorked(controller_, worked); }
  // At scrape time.
  void Show(const QueueFigures& now) {
    metrics_.QueueNow(controller_, now.depth, now.unfinished, now.longest_running);
  }

 private:
  Metrics& metrics_;
  const std::string controller_;
};

class WatchMeter final : public WatchObserver {
 public:
  WatchMeter(Metrics& metrics, Log& log) : metrics_(metrics), log_(log) {}
  void Heard(std::string_view kind, TimePoint at) override { metrics_.WatchHeard(kind, at); }
  void Restarted(std::string_view kind, std::string_view why, std::string_view detail) override {
    metrics_.WatchRestarted(kind, why);
    // An end after its time is how every watch ends.
    if (why != "ended") {
      log_.Warn("watch restarted", {{"kind", std::string(kind)},
                                    {"why", std::string(why)},
                                    {"detail", std::string(detail)}});
    }
  }
  void Unreadable(std::string_view kind, std::string_view object,
                  std::string_view detail) override {
    metrics_.WatchUnreadable(kind);
    log_.Warn("object left out: it cannot be read", {{"kind", std::string(kind)},
                                                     {"object", std::string(object)},
                                                     {"detail", std::string(detail)}});
  }

 private:
  Metrics& metrics_;
  Log& log_;
};

// Counts and times what goes through it. Requires: the rest outlives it.
class MeteredTransport final : public Transport {
 public:
  MeteredTransport(Transport& inner, const Clock& clock, Metrics& metrics, std::string host)
      : inner_(inner), clock_(clock), metrics_(metrics), host_(std::move(host)) {}
  Result<Response> Send(const Request& request) override {
    const nanoseconds start = clock_.SinceBoot();
    Result<Response> response = inner_.Send(request);
    metrics_.Requested(response ? std::to_string(response->status) : "<error>",
                       Name(request.method), host_, clock_.SinceBoot() - start);
    return response;
  }
  std::unique_ptr<LineStream> Open(const Request& request, std::function<void()> wake) override {
    return inner_.Open(request, std::move(wake));
  }
  void Shutdown() override { inner_.Shutdown(); }

 private:
  Transport& inner_;
  const Clock& clock_;
  Metrics& metrics_;
  const std::string host_;
};

}  // namespace chaos::kube
