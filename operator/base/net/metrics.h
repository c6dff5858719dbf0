// Everything that /metrics says, in one table of families; names as controller-runtime's, so
// existing dashboards work. Per-object series are never kept: they are asked for at scrape time, so
// that a deleted object cannot leave one behind.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "operator/base/clock.h"

namespace chaos {

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

// What a callback gives at scrape time: one gauge family.
struct GaugeFamily {
  struct Series {
    MetricLabels labels;
    double value = 0;
  };
  std::string name;
  std::string help;
  std::vector<Series> series;
};
using AtScrape = std::function<std::vector<GaugeFamily>()>;

enum class ReconcileResult { kSuccess, kRequeueAfter, kError, kTerminalError };

struct MetricsOptions {
  std::string version;
  std::string leader_name;  // of the lease
  // Series that exist with the value 0 from the first scrape on, so that rate() works.
  std::vector<std::string> faults;
  std::vector<std::string> outcomes;  // of an injection
  std::vector<std::string> guard_rules;
  std::vector<std::string> watched_kinds;
};

// Why a watch ends, as watch.h says it.
inline constexpr const char* kWatchEnds[] = {"ended",     "short",    "expired", "connection",
                                             "throttled", "internal", "refused", "error",
                                             "stale",     "list"};

// Thread-safety: all calls from any thread, but AddController only before the others that name a
// controller.
class Metrics {
 public:
  explicit Metrics(const MetricsOptions& options);
  ~Metrics();

  // The text format 0.0.4.
  std::string Scrape();
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

  // Required before the calls that name a controller.
  void AddController(std::string_view controller, int workers);
  void Reconciled(std::string_view controller, ReconcileResult result, nanoseconds took);
  void ActiveWorkers(std::string_view controller, int active);

  void QueueAdded(std::string_view controller);
  void QueueRetried(std::string_view controller);
  void QueueWaited(std::string_view controller, nanoseconds waited);
  void QueueWorked(std::string_view controller, nanoseconds worked);
  void QueueNow(std::string_view controller, std::size_t depth, nanoseconds unfinished,
                nanoseconds longest);

  // `code` as text: "200", or "<error>" where there was no answer.
  void Requested(std::string_view code, std::string_view method, std::string_view host,
                 nanoseconds took);
  void Leading(bool leading);

  void WatchRestarted(std::string_view kind, std::string_view why);
  void WatchHeard(std::string_view kind, TimePoint at);
  void WatchUnreadable(std::string_view kind);

  void Injected(std::string_view fault, std::string_view outcome);
  void GuardRefused(std::string_view rule);
  void RevertOverdueTargets(std::size_t targets);
  void StopEngaged(bool engaged);
  void EventsFailed(std::int64_t total);

  // Called at every scrape, before anything else is read: may also set the gauges above.
  // chaos_experiment_info, chaos_experiment_condition and what else follows objects.
  void Add(AtScrape callback);

 private:
  struct Inside;
  std::unique_ptr<Inside> inside_;
};

}  // namespace chaos
