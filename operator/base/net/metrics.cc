#include "operator/base/net/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <iterator>
#include <map>
#include <mutex>

#include "operator/base/check.h"
#include "operator/base/net/process_metrics.h"

namespace chaos {
namespace {

using prometheus::Counter;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::MetricFamily;
using LabelMap = std::map<std::string, std::string>;

double Seconds(nanoseconds time) { return std::chrono::duration<double>(time).count(); }

// The buckets of controller-runtime and client-go, so that dashboards and alerts fit.
const Histogram::BucketBoundaries kReconcileBuckets{
    0.005, 0.01, 0.025, 0.05, 0.1,  0.15, 0.2,  0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6,
    0.7,   0.8,  0.9,   1,    1.25, 1.5,  1.75, 2,    2.5, 3,    3.5, 4,    4.5, 5,
    6,     7,    8,     9,    10,   15,   20,   25,   30,  40,   50,  60};
const Histogram::BucketBoundaries kQueueBuckets{1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3,
                                                1e-2, 0.1,  1,    10,   100,  1000};
const Histogram::BucketBoundaries kRequestBuckets{0.005, 0.025, 0.1, 0.25, 0.5, 1,
                                                  2,     4,     8,   15,   30,  60};

struct Result {
  ReconcileResult result;
  const char* label;
};
constexpr Result kResults[] = {{ReconcileResult::kSuccess, "success"},
                               {ReconcileResult::kRequeueAfter, "requeue_after"},
                               {ReconcileResult::kError, "error"},
                               {ReconcileResult::kTerminalError, "terminal_error"}};

struct ControllerSeries {
  std::map<ReconcileResult, Counter*> total;
  Counter* errors;
  Counter* terminal_errors;
  Histogram* time;
  Gauge* active;
  Counter* added;
  Counter* retried;
  Histogram* waited;
  Histogram* worked;
  Gauge* depth;
  Gauge* unfinished;
  Gauge* longest;
};

MetricFamily Single(std::string name, std::string help, prometheus::MetricType type, double value) {
  MetricFamily family{std::move(name), std::move(help), type, {}};
  prometheus::ClientMetric metric;
  (type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  family.metric.push_back(std::move(metric));
  return family;
}

void AddProcess(std::vector<MetricFamily>& all) {
  constexpr auto kGauge = prometheus::MetricType::Gauge;
  const ProcessFigures now = ReadProcess();
  all.push_back(Single("process_cpu_seconds_total", "CPU time spent, in seconds.",
                       prometheus::MetricType::Counter, now.cpu_seconds));
  all.push_back(
      Single("process_resident_memory_bytes", "Resident memory.", kGauge, now.resident_bytes));
  all.push_back(
      Single("process_virtual_memory_bytes", "Virtual memory.", kGauge, now.virtual_bytes));
  all.push_back(Single("process_open_fds", "Open file descriptors.", kGauge, now.open_fds));
  all.push_back(Single("process_max_fds", "Limit of open file descriptors.", kGauge, now.max_fds));
  all.push_back(Single("process_start_time_seconds", "When the process started, since 1970.",
                       kGauge, now.start_time_seconds));
}

MetricFamily FromCallback(GaugeFamily family) {
  MetricFamily made{
      std::move(family.name), std::move(family.help), prometheus::MetricType::Gauge, {}};
  for (GaugeFamily::Series& series : family.series) {
    prometheus::ClientMetric metric;
    for (auto& [name, value] : series.labels)
      metric.label.push_back({std::move(name), std::move(value)});
    metric.gauge.value = series.value;
    made.metric.push_back(std::move(metric));
  }
  return made;
}

}  // namespace

// All families, made once: their names and help texts are this list.
struct Metrics::Inside {
  prometheus::Registry registry;
  prometheus::Family<Counter>& Count(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  }
  prometheus::Family<Gauge>& Level(const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
  }
  prometheus::Family<Histogram>& Spread(const char* name, const char* help) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
  }

  prometheus::Family<Counter>& reconcile_total =
      Count("controller_runtime_reconcile_total", "Reconciles by controller and result.");
  prometheus::Family<Counter>& reconcile_errors =
      Count("controller_runtime_reconcile_errors_total", "Reconciles that failed.");
  prometheus::Family<Counter>& reconcile_terminal =
      Count("controller_runtime_terminal_reconcile_errors_total",
            "Reconciles whose failure is not retried.");
  prometheus::Family<Histogram>& reconcile_time =
      Spread("controller_runtime_reconcile_time_seconds", "How long a reconcile took.");
  prometheus::Family<Gauge>& max_concurrent =
      Level("controller_runtime_max_concurrent_reconciles", "Workers of the controller.");
  prometheus::Family<Gauge>& active_workers =
      Level("controller_runtime_active_workers", "Workers at work.");
  prometheus::Family<Gauge>& queue_depth =
      Level("workqueue_depth", "Keys that are due and not taken.");
  prometheus::Family<Counter>& queue_adds =
      Count("workqueue_adds_total", "Adds, duplicates included.");
  prometheus::Family<Counter>& queue_retries =
      Count("workqueue_retries_total", "Adds after a failure.");
  prometheus::Family<Histogram>& queue_waited =
      Spread("workqueue_queue_duration_seconds", "From due to taken.");
  prometheus::Family<Histogram>& queue_worked =
      Spread("workqueue_work_duration_seconds", "From taken to done.");
  prometheus::Family<Gauge>& queue_unfinished =
      Level("workqueue_unfinished_work_seconds", "Sum over what is being worked on.");
  prometheus::Family<Gauge>& queue_longest = Level("workqueue_longest_running_processor_seconds",
                                                   "The oldest of what is being worked on.");
  prometheus::Family<Counter>& requests =
      Count("rest_client_requests_total", "Requests to the API server by code and method.");
  prometheus::Family<Histogram>& request_time =
      Spread("rest_client_request_duration_seconds", "How long a request took.");
  prometheus::Family<Gauge>& leading =
      Level("leader_election_master_status", "1 while this replica leads.");
  prometheus::Family<Counter>& watch_restarts = Count(
      "chaos_watch_restarts_total", "Watches that were opened again, by why the last one ended.");
  prometheus::Family<Gauge>& watch_heard = Level("chaos_watch_last_event_timestamp_seconds",
                                                 "When the watch last said anything, since 1970.");
  prometheus::Family<Counter>& watch_unreadable =
      Count("chaos_watch_unreadable_objects_total",
            "Objects that were left out because they cannot be read.");
  prometheus::Family<Counter>& injections =
      Count("chaos_injections_total", "Targets by fault and outcome.");
  prometheus::Family<Counter>& refusals =
      Count("chaos_guard_refusals_total", "Refusals by the rule that refused.");
  prometheus::Family<Gauge>& overdue = Level(
      "chaos_revert_overdue_targets",
      "Targets whose fault may still be on after its deadline. Anything above 0 is an alert.");
  prometheus::Family<Gauge>& stop = Level("chaos_stop_engaged", "1 while a ChaosStop is in force.");
  prometheus::Family<Gauge>& events_failed =
      Level("chaos_events_failed", "Kubernetes Events that could not be written since the start.");
  prometheus::Family<Gauge>& build =
      Level("chaos_operator_build_info", "Always 1; the version is a label.");

  std::map<std::string, ControllerSeries, std::less<>> controllers;
  std::mutex callbacks_mutex;
  std::vector<AtScrape> callbacks;
  std::string leader_name;

  ControllerSeries& Of(std::string_view controller) {
    const auto found = controllers.find(controller);
    CHECK(found != controllers.end());
    return found->second;
  }
};

Metrics::Metrics(const MetricsOptions& options) : inside_(std::make_unique<Inside>()) {
  Inside& all = *inside_;
  all.leader_name = options.leader_name;
  all.build.Add({{"version", options.version}}).Set(1);
  all.leading.Add({{"name", all.leader_name}}).Set(0);
  all.overdue.Add({}).Set(0);
  all.stop.Add({}).Set(0);
  all.events_failed.Add({}).Set(0);
  for (const std::string& fault : options.faults) {
    for (const std::string& outcome : options.outcomes)
      all.injections.Add({{"fault", fault}, {"outcome", outcome}});
  }
  for (const std::string& rule : options.guard_rules) all.refusals.Add({{"rule", rule}});
  for (const std::string& kind : options.watched_kinds) {
    all.watch_heard.Add({{"kind", kind}});
    all.watch_unreadable.Add({{"kind", kind}});
    for (const char* why : kWatchEnds) all.watch_restarts.Add({{"kind", kind}, {"why", why}});
  }
}

Metrics::~Metrics() = default;

std::string Metrics::Scrape() {
  std::vector<MetricFamily> objects;
  {
    std::lock_guard lock(inside_->callbacks_mutex);
    for (const AtScrape& callback : inside_->callbacks) {
      for (GaugeFamily& family : callback()) objects.push_back(FromCallback(std::move(family)));
    }
  }
  // After the callbacks, which may have brought the kept series up to date.
  std::vector<MetricFamily> all = inside_->registry.Collect();
  AddProcess(all);
  std::move(objects.begin(), objects.end(), std::back_inserter(all));
  return prometheus::TextSerializer().Serialize(all);
}

void Metrics::Add(AtScrape callback) {
  std::lock_guard lock(inside_->callbacks_mutex);
  inside_->callbacks.push_back(std::move(callback));
}

void Metrics::AddController(std::string_view controller, int workers) {
  Inside& all = *inside_;
  const LabelMap mine{{"controller", std::string(controller)}};
  const LabelMap queue{{"controller", std::string(controller)}, {"name", std::string(controller)}};
  ControllerSeries series{};
  for (const Result& row : kResults) {
    series.total[row.result] =
        &all.reconcile_total.Add({{"controller", std::string(controller)}, {"result", row.label}});
  }
  series.errors = &all.reconcile_errors.Add(mine);
  series.terminal_errors = &all.reconcile_terminal.Add(mine);
  series.time = &all.reconcile_time.Add(mine, kReconcileBuckets);
  series.active = &all.active_workers.Add(mine);
  series.added = &all.queue_adds.Add(queue);
  series.retried = &all.queue_retries.Add(queue);
  series.waited = &all.queue_waited.Add(queue, kQueueBuckets);
  series.worked = &all.queue_worked.Add(queue, kQueueBuckets);
  series.depth = &all.queue_depth.Add(queue);
  series.unfinished = &all.queue_unfinished.Add(queue);
  series.longest = &all.queue_longest.Add(queue);
  all.max_concurrent.Add(mine).Set(workers);
  all.controllers.insert_or_assign(std::string(controller), series);
}

void Metrics::Reconciled(std::string_view controller, ReconcileResult result, nanoseconds took) {
  ControllerSeries& series = inside_->Of(controller);
  series.total.at(result)->Increment();
  series.time->Observe(Seconds(took));
  if (result == ReconcileResult::kError || result == ReconcileResult::kTerminalError)
    series.errors->Increment();
  if (result == ReconcileResult::kTerminalError) series.terminal_errors->Increment();
}

void Metrics::ActiveWorkers(std::string_view controller, int active) {
  inside_->Of(controller).active->Set(active);
}
void Metrics::QueueAdded(std::string_view controller) {
  inside_->Of(controller).added->Increment();
}
void Metrics::QueueRetried(std::string_view controller) {
  inside_->Of(controller).retried->Increment();
}
void Metrics::QueueWaited(std::string_view controller, nanoseconds waited) {
  inside_->Of(controller).waited->Observe(Seconds(waited));
}
void Metrics::QueueWorked(std::string_view controller, nanoseconds worked) {
  inside_->Of(controller).worked->Observe(Seconds(worked));
}
void Metrics::QueueNow(std::string_view controller, std::size_t depth, nanoseconds unfinished,
                       nanoseconds longest) {
  ControllerSeries& series = inside_->Of(controller);
  series.depth->Set(static_cast<double>(depth));
  series.unfinished->Set(Seconds(unfinished));
  series.longest->Set(Seconds(longest));
}

void Metrics::Requested(std::string_view code, std::string_view method, std::string_view host,
                        nanoseconds took) {
  const std::string method_text(method), host_text(host);
  inside_->requests.Add({{"code", std::string(code)}, {"method", method_text}, {"host", host_text}})
      .Increment();
  inside_->request_time.Add({{"verb", method_text}, {"host", host_text}}, kRequestBuckets)
      .Observe(Seconds(took));
}

void Metrics::Leading(bool leading) {
  inside_->leading.Add({{"name", inside_->leader_name}}).Set(leading ? 1 : 0);
}

void Metrics::WatchRestarted(std::string_view kind, std::string_view why) {
  inside_->watch_restarts.Add({{"kind", std::string(kind)}, {"why", std::string(why)}}).Increment();
}
void Metrics::WatchHeard(std::string_view kind, TimePoint at) {
  inside_->watch_heard.Add({{"kind", std::string(kind)}}).Set(Seconds(at.time_since_epoch()));
}
void Metrics::WatchUnreadable(std::string_view kind) {
  inside_->watch_unreadable.Add({{"kind", std::string(kind)}}).Increment();
}

void Metrics::Injected(std::string_view fault, std::string_view outcome) {
  inside_->injections.Add({{"fault", std::string(fault)}, {"outcome", std::string(outcome)}})
      .Increment();
}
void Metrics::GuardRefused(std::string_view rule) {
  inside_->refusals.Add({{"rule", std::string(rule)}}).Increment();
}
void Metrics::RevertOverdueTargets(std::size_t targets) {
  inside_->overdue.Add({}).Set(static_cast<double>(targets));
}
void Metrics::StopEngaged(bool engaged) { inside_->stop.Add({}).Set(engaged ? 1 : 0); }
void Metrics::EventsFailed(std::int64_t total) {
  inside_->events_failed.Add({}).Set(static_cast<double>(total));
}

}  // namespace chaos
