#include "operator/manager.h"

#include <mutex>

#include "controllers/chaosexperiment/reconciler.h"
#include "controllers/chaosstop/reconciler.h"
#include "injectors/protocol/faults.h"
#include "operator/fence.h"
#include "operator/kube/informer.h"

namespace chaos {
namespace {

using experiment::Experiment;

constexpr milliseconds kWriteTimeout{5000};
constexpr seconds kProfileFor{5};
constexpr seconds kFenceRetry{5};
constexpr seconds kForgetEvery{10};
constexpr std::string_view kController = "chaosexperiment";

bool AtRest(const Experiment& e) {
  return !e.status.Live() && e.status.phase == "Finished" &&
         e.status.observed_generation == e.meta.generation && !e.meta.deleting;
}

// Watches and queue report to /metrics; silent without one.
class Observer final : public kube::WatchObserver, public kube::QueueObserver {
 public:
  Observer(Metrics* metrics, Log& log) : metrics_(metrics), log_(log) {}
  void Heard(std::string_view kind, TimePoint at) override {
    if (metrics_) metrics_->WatchHeard(kind, at);
  }
  void Restarted(std::string_view kind, std::string_view why, std::string_view detail) override {
    if (metrics_) metrics_->WatchRestarted(kind, why);
    if (!detail.empty())
      log_.Info("watch restarted", {{"kind", std::string(kind)},
                                    {"why", std::string(why)},
                                    {"detail", std::string(detail)}});
  }
  void Unreadable(std::string_view kind, std::string_view object,
                  std::string_view detail) override {
    if (metrics_) metrics_->WatchUnreadable(kind);
    log_.Warn("object cannot be read", {{"kind", std::string(kind)},
                                        {"object", std::string(object)},
                                        {"detail", std::string(detail)}});
  }
  void Added() override {
    if (metrics_) metrics_->QueueAdded(kController);
  }
  void Retried() override {
    if (metrics_) metrics_->QueueRetried(kController);
  }
  void Waited(nanoseconds waited) override {
    if (metrics_) metrics_->QueueWaited(kController, waited);
  }
  void Worked(nanoseconds worked) override {
    if (metrics_) metrics_->QueueWorked(kController, worked);
  }

 private:
  Metrics* const metrics_;
  Log& log_;
};

}  // namespace

struct Manager::Inside {
  Inside(ManagerOptions o, kube::Transport& transport, Clock& c, std::uint64_t seed,
         Entropy& entropy, kube::Runner& r, Log& l, Metrics* m);

  void Start();
  milliseconds Work();
  milliseconds TryFence();
  void ExperimentChanged(const std::shared_ptr<const Experiment>& before,
                         const std::shared_ptr<const Experiment>& after);
  void AddUnfinished(std::string_view ns);
  Result<Profile> ReadProfile();
  bool MayWrite() const;
  void AddScrape();

  const ManagerOptions options;
  Clock& clock;
  kube::Runner& runner;
  Log& log;
  Metrics* const metrics;
  Random random;
  Observer observer;
  kube::Client client, lease_client;
  kube::WorkQueue queue;
  kube::EventRecorder events;
  kube::Informer<Experiment> experiments;
  kube::Informer<chaos::Stop> stops;
  kube::Informer<Namespace> namespaces;
  PodWatch pods;
  kube::Lease lease;
  experiment::Reconciler reconciler;
  stop::Reconciler stop_reconciler;

  std::atomic<bool> fence_proven{false};
  std::atomic<bool> stopping{false};
  mutable std::mutex mutex;  // guards the three below
  std::string fence_found = "the fence has not been tried yet";
  std::function<void()> lost;
  std::optional<Result<Profile>> profile;
  nanoseconds profile_at{0}, forgotten_at{0};
  kube::Bell worker_bell, events_bell;
  std::vector<std::unique_ptr<kube::Runner::Handle>> handles;  // last: they end first
};

Manager::Inside::Inside(ManagerOptions o, kube::Transport& transport, Clock& c, std::uint64_t seed,
                        Entropy& entropy, kube::Runner& r, Log& l, Metrics* m)
    : options(std::move(o)),
      clock(c),
      runner(r),
      log(l),
      metrics(m),
      random(seed),
      observer(m, l),
      client(transport, kWriteTimeout),
      lease_client(transport,
                   kube::LeaseCallTimeout({options.ns, "chaos-operator", options.identity,
                                           options.lease_duration, options.lease_renew_deadline,
                                           options.lease_retry})),
      queue(c, &observer),
      events(client, c, "chaos.rbee.dev/operator", options.identity),
      experiments(
          client, c, Random(random.Next()), kube::kExperiments, "", "",
          [this](const auto& before, const auto& after) { ExperimentChanged(before, after); },
          &observer),
      stops(
          client, c, Random(random.Next()), kube::kStops, "", "",
          [this](const auto& before, const auto& after) {
            if (after) queue.Add(after->meta.key);
            if (!before || !after) AddUnfinished("");
          },
          &observer),
      namespaces(
          client, c, Random(random.Next()), kube::kNamespaces, "", "",
          [this](const auto&, const auto& after) {
            if (after) AddUnfinished(after->meta.key.name);
          },
          &observer),
      pods(client, c, Random(random.Next()), r, &observer,
           [this](const std::string& ns) { AddUnfinished(ns); }),
      lease(lease_client, c, Random(random.Next()),
            {options.ns, "chaos-operator", options.identity, options.lease_duration,
             options.lease_renew_deadline, options.lease_retry},
            [this](kube::LeaseEvent event) {
              log.Info(event == kube::LeaseEvent::kAcquired ? "leading" : "lease lost",
                       {{"identity", options.identity}});
              if (metrics) metrics->Leading(event == kube::LeaseEvent::kAcquired);
              if (event == kube::LeaseEvent::kAcquired) {
                for (const auto& e : experiments.store().List()) queue.Add(e->meta.key);
                for (const auto& s : stops.store().List()) queue.Add(s->meta.key);
                worker_bell.Ring();
                return;
              }
              std::function<void()> callback;
              {
                std::lock_guard lock(mutex);
                callback = std::exchange(lost, nullptr);
              }
              if (callback && !stopping) callback();
            }),
      reconciler({client,
                  clock,
                  entropy,
                  log,
                  events,
                  experiments.store(),
                  stops.store(),
                  namespaces.store(),
                  pods,
                  queue,
                  [this] { return ReadProfile(); },
                  [this] { return MayWrite(); },
                  options.limits,
                  options.settings,
                  {[this](std::string_view fault, std::string_view outcome) {
                     if (metrics) metrics->Injected(fault, outcome);
                   },
                   [this](std::string_view rule) {
                     if (metrics) metrics->GuardRefused(rule);
                   }}}),
      stop_reconciler(
          {client, clock, experiments.store(), stops.store(), [this] { return MayWrite(); }}) {
  queue.OnReady([this] { worker_bell.Ring(); });
  events.OnWork([this] { events_bell.Ring(); });
  if (metrics) {
    metrics->AddController(kController, 1);
    AddScrape();
  }
}

void Manager::Inside::Start() {
  handles.push_back(kube::RunInformer(runner, "watch experiments", experiments));
  handles.push_back(kube::RunInformer(runner, "watch stops", stops));
  handles.push_back(kube::RunInformer(runner, "watch namespaces", namespaces));
  handles.push_back(runner.Run("fence", [this] { return TryFence(); }));
  handles.push_back(runner.Run("lease", [this] { return lease.Tick(); }));
  handles.push_back(runner.Run("events", [this] { return events.Step(); }));
  events_bell.Attach(handles.back().get());
  handles.push_back(runner.Run("worker", [this] { return Work(); }));
  worker_bell.Attach(handles.back().get());
}

milliseconds Manager::Inside::TryFence() {
  if (fence_proven) return std::chrono::hours(1);
  const std::string found = ProveFence(client, options.ns);
  {
    std::lock_guard lock(mutex);
    if (found != fence_found && !found.empty()) log.Error("not acting", {{"why", found}});
    fence_found = found;
  }
  if (!found.empty()) return kFenceRetry;
  fence_proven = true;
  worker_bell.Ring();
  return std::chrono::hours(1);
}

bool Manager::Inside::MayWrite() const {
  return fence_proven && !stopping && lease.HoldsFor(clock.SinceBoot(), client.timeout());
}

// One item at a time and one worker: the queue of a namespace is decided from the store, which our
// own writes are in.
milliseconds Manager::Inside::Work() {
  const bool synced =
      experiments.store().Synced() && stops.store().Synced() && namespaces.store().Synced();
  if (stopping || !synced || !fence_proven || !lease.Leading()) return seconds(1);
  const nanoseconds started = clock.SinceBoot();
  if (started - forgotten_at > kForgetEvery) {
    forgotten_at = started;
    reconciler.Forget();
  }
  const std::optional<kube::Key> key = queue.Take();
  if (!key) return std::min<milliseconds>(queue.UntilNext(), kForgetEvery);
  if (metrics) metrics->ActiveWorkers(kController, 1);
  Result<std::optional<milliseconds>> result = std::optional<milliseconds>();
  if (key->ns.empty()) {
    if (Result<void> done = stop_reconciler.Reconcile(*key); !done) result = done.error();
  } else {
    result = reconciler.Reconcile(*key);
  }
  ReconcileResult outcome = ReconcileResult::kSuccess;
  if (!result) {
    outcome = ReconcileResult::kError;
    log.Warn("reconcile failed", {{"key", key->Print()},
                                  {"reason", std::string(Name(result.error().reason))},
                                  {"error", result.error().detail}});
    if (result.error().retry_after.count() > 0)
      queue.AddAfter(*key, result.error().retry_after);
    else
      queue.AddRateLimited(*key);
  } else {
    queue.Forget(*key);
    if (*result) {
      outcome = ReconcileResult::kRequeueAfter;
      queue.AddAfter(*key, **result);
    }
  }
  queue.Done(*key);
  if (metrics) {
    metrics->Reconciled(kController, outcome, clock.SinceBoot() - started);
    metrics->ActiveWorkers(kController, 0);
  }
  return milliseconds(0);
}

void Manager::Inside::ExperimentChanged(const std::shared_ptr<const Experiment>& before,
                                        const std::shared_ptr<const Experiment>& after) {
  const auto& one = after ? after : before;
  if (after) queue.Add(after->meta.key);
  const bool ended = before && before->status.Live() && !(after && after->status.Live());
  if (!after || ended) AddUnfinished(one->meta.key.ns);  // somebody may wait for its place
  for (const auto& stop : stops.store().List()) queue.Add(stop->meta.key);
}

void Manager::Inside::AddUnfinished(std::string_view ns) {
  for (const auto& e : experiments.store().List(ns)) {
    if (!AtRest(*e)) queue.Add(e->meta.key);
  }
}

// A profile that was good stays so while it cannot be read; one that was changed into nonsense does
// not.
Result<Profile> Manager::Inside::ReadProfile() {
  const nanoseconds now = clock.SinceBoot();
  if (profile && now - profile_at < kProfileFor) return *profile;
  profile_at = now;
  Result<Json> object =
      client.Get(kube::kConfigMaps, options.ns, "chaos-profile-" + options.profile);
  if (object) {
    profile = Profile::FromConfigMap(*object);
  } else if (!profile || !*profile || object.error().reason == Reason::kNotFound) {
    profile = Error{object.error().reason,
                    "profile " + options.profile + " cannot be read (ConfigMap chaos-profile-" +
                        options.profile + " in " + options.ns + "): " + object.error().detail,
                    {},
                    0};
  }
  return *profile;
}

void Manager::Inside::AddScrape() {
  metrics->Add([this]() -> std::vector<GaugeFamily> {
    GaugeFamily info{"chaos_experiment_info", "One per experiment; the value is always 1.", {}};
    GaugeFamily condition{
        "chaos_experiment_condition", "1 where the condition has this status.", {}};
    GaugeFamily overdue{"chaos_revert_overdue_targets",
                        "Targets whose fault may still be on after its deadline.",
                        {}};
    double late = 0;
    for (const auto& e : experiments.store().List()) {
      const std::string& ns = e->meta.key.ns;
      const std::string& name = e->meta.key.name;
      info.series.push_back({{{"namespace", ns},
                              {"name", name},
                              {"fault", e->status.fault_kind},
                              {"phase", e->status.phase},
                              {"verdict", e->status.verdict},
                              {"reason", e->status.reason}},
                             1});
      for (const kube::Condition& c : e->status.conditions) {
        for (const kube::ConditionStatus status :
             {kube::ConditionStatus::kTrue, kube::ConditionStatus::kFalse,
              kube::ConditionStatus::kUnknown}) {
          condition.series.push_back({{{"namespace", ns},
                                       {"name", name},
                                       {"condition", c.type},
                                       {"status", std::string(kube::Name(status))}},
                                      c.status == status ? 1.0 : 0.0});
        }
        if (c.type == "Clean" && c.reason == "RevertOverdue") {
          for (const experiment::TargetStatus& t : e->status.targets)
            late += t.intent && !t.Ended();
        }
      }
    }
    metrics->RevertOverdueTargets(static_cast<std::size_t>(late));
    metrics->StopEngaged(!stops.store().List().empty());
    metrics->EventsFailed(events.Figures().failed);
    const kube::QueueFigures q = queue.Figures();
    metrics->QueueNow(kController, q.depth, q.unfinished, q.longest_running);
    return {info, condition};
  });
}

Manager::Manager(ManagerOptions options, kube::Transport& transport, Clock& clock,
                 std::uint64_t seed, Entropy& entropy, kube::Runner& runner, Log& log,
                 Metrics* metrics)
    : inside_(std::make_unique<Inside>(std::move(options), transport, clock, seed, entropy, runner,
                                       log, metrics)) {}

Manager::~Manager() {
  inside_->stopping = true;
  inside_->queue.OnReady(nullptr);
  inside_->worker_bell.Attach(nullptr);
  inside_->events_bell.Attach(nullptr);
  inside_->handles.clear();
}

void Manager::Start() { inside_->Start(); }

void Manager::Stop() {
  inside_->stopping = true;
  inside_->worker_bell.Attach(nullptr);
  inside_->events_bell.Attach(nullptr);
  inside_->handles.clear();  // waits for the step under way
  if (inside_->lease.Leading()) inside_->lease.Release();
}

bool Manager::Leading() const { return inside_->lease.Leading(); }

bool Manager::Ready() const { return NotReadyBecause().empty(); }

std::string Manager::NotReadyBecause() const {
  if (!inside_->fence_proven) {
    std::lock_guard lock(inside_->mutex);
    return inside_->fence_found;
  }
  const bool synced = inside_->experiments.store().Synced() && inside_->stops.store().Synced() &&
                      inside_->namespaces.store().Synced();
  return synced ? "" : "the first lists have not arrived yet";
}

void Manager::OnLeaseLost(std::function<void()> callback) {
  std::lock_guard lock(inside_->mutex);
  inside_->lost = std::move(callback);
}

}  // namespace chaos
