#include "operator/manager.h"

#include <mutex>
#include <set>

#include "controllers/chaosexperiment/load.h"
#include "controllers/chaosexperiment/reconciler.h"
#include "controllers/chaosstop/reconciler.h"
#include "controllers/loadtest/reconciler.h"
#include "injectors/protocol/faults.h"
#include "operator/fence.h"
#include "operator/kube/informer.h"

namespace chaos {
namespace {

using experiment::Experiment;
using loadtest::LoadTest;

constexpr milliseconds kWriteTimeout{5000};
constexpr seconds kProfileFor{5};
constexpr seconds kFenceRetry{5};
constexpr seconds kForgetEvery{10};
constexpr std::string_view kExperiment = "chaosexperiment";
constexpr std::string_view kLoadTest = "loadtest";

template <class T>
bool AtRest(const T& object) {
  return !object.status.Live() && object.status.phase == "Finished" &&
         object.status.observed_generation == object.meta.generation && !object.meta.deleting;
}

bool Owns(const Experiment& e, const LoadTest& load) {
  return load.owner && load.owner->uid == e.meta.uid && load.meta.key.ns == e.meta.key.ns;
}

// Watches and one queue report to /metrics; silent without one.
class Observer final : public kube::WatchObserver, public kube::QueueObserver {
 public:
  Observer(Metrics* metrics, Log& log, std::string_view controller)
      : metrics_(metrics), log_(log), controller_(controller) {}
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
    if (metrics_) metrics_->QueueAdded(controller_);
  }
  void Retried() override {
    if (metrics_) metrics_->QueueRetried(controller_);
  }
  void Waited(nanoseconds waited) override {
    if (metrics_) metrics_->QueueWaited(controller_, waited);
  }
  void Worked(nanoseconds worked) override {
    if (metrics_) metrics_->QueueWorked(controller_, worked);
  }

 private:
  Metrics* const metrics_;
  Log& log_;
  const std::string_view controller_;
};

}  // namespace

struct Manager::Inside {
  Inside(ManagerOptions o, kube::Transport& transport, Clock& c, std::uint64_t seed,
         Entropy& entropy, kube::Runner& r, Log& l, Metrics* m);

  void Start();
  bool MayWork();
  milliseconds Work();
  milliseconds WorkOnLoads();
  using Reconcile = std::function<Result<std::optional<milliseconds>>(const kube::Key&)>;
  milliseconds WorkOn(kube::WorkQueue& from, std::string_view controller,
                      const Reconcile& reconcile);
  void KeepPods();
  milliseconds TryFence();
  void ExperimentChanged(const std::shared_ptr<const Experiment>& before,
                         const std::shared_ptr<const Experiment>& after);
  void LoadChanged(const std::shared_ptr<const LoadTest>& before,
                   const std::shared_ptr<const LoadTest>& after);
  void AddUnfinished(std::string_view ns);
  std::optional<loadtest::Owner> FindOwner(const LoadTest& load);
  Result<Profile> ReadProfile();
  bool MayWrite() const;
  void AddScrape();

  const ManagerOptions options;
  Clock& clock;
  kube::Runner& runner;
  Log& log;
  Metrics* const metrics;
  Random random;
  Observer observer, load_observer;
  kube::Client client, lease_client;
  kube::WorkQueue queue, load_queue;
  kube::EventRecorder events;
  kube::Informer<Experiment> experiments;
  kube::Informer<LoadTest> loads;
  kube::Informer<chaos::Stop> stops;
  kube::Informer<Namespace> namespaces;
  PodWatch pods;
  kube::Lease lease;
  experiment::Reconciler reconciler;
  loadtest::Reconciler load_reconciler;
  stop::Reconciler stop_reconciler;

  std::atomic<bool> fence_proven{false};
  std::atomic<bool> stopping{false};
  mutable std::mutex mutex;  // guards the two below
  std::string fence_found = "the fence has not been tried yet";
  std::function<void()> lost;
  std::mutex profile_mutex;  // guards the two below
  std::optional<Result<Profile>> profile;
  nanoseconds profile_at{0};
  nanoseconds forgotten_at{0}, loads_forgotten_at{0};  // each of one worker
  kube::Bell worker_bell, load_bell, events_bell;
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
      observer(m, l, kExperiment),
      load_observer(m, l, kLoadTest),
      client(transport, kWriteTimeout),
      lease_client(transport,
                   kube::LeaseCallTimeout({options.ns, "chaos-operator", options.identity,
                                           options.lease_duration, options.lease_renew_deadline,
                                           options.lease_retry})),
      queue(c, &observer),
      load_queue(c, &load_observer),
      events(client, c, "chaos.rbee.dev/operator", options.identity),
      experiments(
          client, c, Random(random.Next()), kube::kExperiments, "", "",
          [this](const auto& before, const auto& after) { ExperimentChanged(before, after); },
          &observer),
      loads(
          client, c, Random(random.Next()), kube::kLoadTests, "", "",
          [this](const auto& before, const auto& after) { LoadChanged(before, after); },
          &load_observer),
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
                for (const auto& t : loads.store().List()) load_queue.Add(t->meta.key);
                for (const auto& s : stops.store().List()) queue.Add(s->meta.key);
                worker_bell.Ring();
                load_bell.Ring();
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
                  loads.store(),
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
      load_reconciler(
          {client,
           clock,
           log,
           events,
           loads.store(),
           stops.store(),
           namespaces.store(),
           pods,
           load_queue,
           [this] { return ReadProfile(); },
           [this](const LoadTest& load) { return FindOwner(load); },
           [this] { return MayWrite(); },
           {.load_image = options.settings.load_image, .operator_namespace = options.ns},
           [this](std::string_view rule) {
             if (metrics) metrics->GuardRefused(rule);
           }}),
      stop_reconciler({client, clock, experiments.store(), loads.store(), stops.store(),
                       [this] { return MayWrite(); }}) {
  queue.OnReady([this] { worker_bell.Ring(); });
  load_queue.OnReady([this] { load_bell.Ring(); });
  events.OnWork([this] { events_bell.Ring(); });
  if (metrics) {
    metrics->AddController(kExperiment, 1);
    metrics->AddController(kLoadTest, 1);
    AddScrape();
  }
}

void Manager::Inside::Start() {
  handles.push_back(kube::RunInformer(runner, "watch experiments", experiments));
  handles.push_back(kube::RunInformer(runner, "watch load tests", loads));
  handles.push_back(kube::RunInformer(runner, "watch stops", stops));
  handles.push_back(kube::RunInformer(runner, "watch namespaces", namespaces));
  handles.push_back(runner.Run("fence", [this] { return TryFence(); }));
  handles.push_back(runner.Run("lease", [this] { return lease.Tick(); }));
  handles.push_back(runner.Run("events", [this] { return events.Step(); }));
  events_bell.Attach(handles.back().get());
  handles.push_back(runner.Run("worker", [this] { return Work(); }));
  worker_bell.Attach(handles.back().get());
  handles.push_back(runner.Run("load worker", [this] { return WorkOnLoads(); }));
  load_bell.Attach(handles.back().get());
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
  load_bell.Ring();
  return std::chrono::hours(1);
}

bool Manager::Inside::MayWrite() const {
  return fence_proven && !stopping && lease.HoldsFor(clock.SinceBoot(), client.timeout());
}

bool Manager::Inside::MayWork() {
  const bool synced = experiments.store().Synced() && loads.store().Synced() &&
                      stops.store().Synced() && namespaces.store().Synced();
  return !stopping && synced && fence_proven && lease.Leading();
}

// One worker for each kind: the queue of a namespace is decided from the store, which our own
// writes are in.
milliseconds Manager::Inside::Work() {
  if (!MayWork()) return seconds(1);
  if (const nanoseconds now = clock.SinceBoot(); now - forgotten_at > kForgetEvery) {
    forgotten_at = now;
    reconciler.Forget();
    KeepPods();
  }
  return WorkOn(queue, kExperiment, [this](const kube::Key& key) {
    if (!key.ns.empty()) return reconciler.Reconcile(key);
    const Result<void> done = stop_reconciler.Reconcile(key);
    return done ? Result<std::optional<milliseconds>>(std::nullopt) : done.error();
  });
}

milliseconds Manager::Inside::WorkOnLoads() {
  if (!MayWork()) return seconds(1);
  if (const nanoseconds now = clock.SinceBoot(); now - loads_forgotten_at > kForgetEvery) {
    loads_forgotten_at = now;
    load_reconciler.Forget();
  }
  return WorkOn(load_queue, kLoadTest,
                [this](const kube::Key& key) { return load_reconciler.Reconcile(key); });
}

milliseconds Manager::Inside::WorkOn(kube::WorkQueue& from, std::string_view controller,
                                     const Reconcile& reconcile) {
  const std::optional<kube::Key> key = from.Take();
  if (!key) return std::min<milliseconds>(from.UntilNext(), kForgetEvery);
  const nanoseconds started = clock.SinceBoot();
  if (metrics) metrics->ActiveWorkers(controller, 1);
  const Result<std::optional<milliseconds>> result = reconcile(*key);
  ReconcileResult outcome = ReconcileResult::kSuccess;
  if (!result) {
    outcome = ReconcileResult::kError;
    log.Warn("reconcile failed", {{"controller", std::string(controller)},
                                  {"key", key->Print()},
                                  {"reason", std::string(Name(result.error().reason))},
                                  {"error", result.error().detail}});
    if (result.error().retry_after.count() > 0)
      from.AddAfter(*key, result.error().retry_after);
    else
      from.AddRateLimited(*key);
  } else {
    from.Forget(*key);
    if (*result) {
      outcome = ReconcileResult::kRequeueAfter;
      from.AddAfter(*key, **result);
    }
  }
  from.Done(*key);
  if (metrics) {
    metrics->Reconciled(controller, outcome, clock.SinceBoot() - started);
    metrics->ActiveWorkers(controller, 0);
  }
  return milliseconds(0);
}

// Pods are watched where a run needs them, and nowhere else.
void Manager::Inside::KeepPods() {
  std::set<std::string> spaces;
  for (const auto& e : experiments.store().List()) {
    if (experiment::NeedsPods(*e)) spaces.insert(e->meta.key.ns);
  }
  for (const auto& t : loads.store().List()) {
    if (loadtest::NeedsPods(*t)) spaces.insert(t->meta.key.ns);
  }
  pods.KeepOnly(spaces);
}

void Manager::Inside::ExperimentChanged(const std::shared_ptr<const Experiment>& before,
                                        const std::shared_ptr<const Experiment>& after) {
  const auto& one = after ? after : before;
  if (after) queue.Add(after->meta.key);
  const bool ended = before && before->status.Live() && !(after && after->status.Live());
  if (!after || ended) AddUnfinished(one->meta.key.ns);  // somebody may wait for its place
  for (const auto& stop : stops.store().List()) queue.Add(stop->meta.key);
  for (const auto& load : loads.store().List(one->meta.key.ns)) {
    if (Owns(*one, *load) && !AtRest(*load)) load_queue.Add(load->meta.key);
  }
}

void Manager::Inside::LoadChanged(const std::shared_ptr<const LoadTest>& before,
                                  const std::shared_ptr<const LoadTest>& after) {
  const auto& one = after ? after : before;
  if (after) load_queue.Add(after->meta.key);
  const bool ended = before && before->status.Live() && !(after && after->status.Live());
  if (!after || ended) AddUnfinished(one->meta.key.ns);  // somebody may wait for its place
  if (one->owner) queue.Add({one->meta.key.ns, one->owner->name});
  for (const auto& stop : stops.store().List()) queue.Add(stop->meta.key);
}

std::optional<loadtest::Owner> Manager::Inside::FindOwner(const LoadTest& load) {
  if (!load.owner) return std::nullopt;
  const auto owner = experiments.store().Get({load.meta.key.ns, load.owner->name});
  if (!owner || owner->meta.uid != load.owner->uid) return std::nullopt;
  return experiment::OwnerOf(*owner, load.meta.key.name);
}

void Manager::Inside::AddUnfinished(std::string_view ns) {
  for (const auto& e : experiments.store().List(ns)) {
    if (!AtRest(*e)) queue.Add(e->meta.key);
  }
  for (const auto& t : loads.store().List(ns)) {
    if (!AtRest(*t)) load_queue.Add(t->meta.key);
  }
}

// A profile that was good stays so while it cannot be read; one that was changed into nonsense does
// not.
Result<Profile> Manager::Inside::ReadProfile() {
  const nanoseconds now = clock.SinceBoot();
  {
    std::lock_guard lock(profile_mutex);
    if (profile && now - profile_at < kProfileFor) return *profile;
    profile_at = now;
  }
  // No lock is held over a call.
  Result<Json> object =
      client.Get(kube::kConfigMaps, options.ns, "chaos-profile-" + options.profile);
  std::lock_guard lock(profile_mutex);
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

// A handful of series for each load test; times and endings are in its status and report.
std::vector<GaugeFamily> LoadFamilies(const kube::Store<LoadTest>& loads) {
  GaugeFamily info{"chaos_loadtest_info", "One per load test; the value is always 1.", {}};
  GaugeFamily vus{"chaos_loadtest_vus", "Virtual users that run now.", {}};
  GaugeFamily requests{"chaos_loadtest_requests", "Requests that have ended in the last run.", {}};
  GaugeFamily errors{"chaos_loadtest_errors", "Those of them that were errors.", {}};
  for (const auto& t : loads.List()) {
    const MetricLabels name = {{"namespace", t->meta.key.ns}, {"name", t->meta.key.name}};
    MetricLabels all = name;
    all.insert(
        all.end(),
        {{"phase", t->status.phase}, {"verdict", t->status.verdict}, {"reason", t->status.reason}});
    info.series.push_back({all, 1});
    if (!t->status.progress) continue;
    vus.series.push_back(
        {name, t->status.Live() ? static_cast<double>(t->status.progress->vus) : 0});
    requests.series.push_back({name, static_cast<double>(t->status.progress->requests)});
    errors.series.push_back({name, static_cast<double>(t->status.progress->errors)});
  }
  return {info, vus, requests, errors};
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
    for (const auto& [controller, figures] :
         {std::pair(kExperiment, queue.Figures()), std::pair(kLoadTest, load_queue.Figures())})
      metrics->QueueNow(controller, figures.depth, figures.unfinished, figures.longest_running);
    return {info, condition};
  });
  metrics->Add([this] { return LoadFamilies(loads.store()); });
}

Manager::Manager(ManagerOptions options, kube::Transport& transport, Clock& clock,
                 std::uint64_t seed, Entropy& entropy, kube::Runner& runner, Log& log,
                 Metrics* metrics)
    : inside_(std::make_unique<Inside>(std::move(options), transport, clock, seed, entropy, runner,
                                       log, metrics)) {}

Manager::~Manager() {
  inside_->stopping = true;
  inside_->queue.OnReady(nullptr);
  inside_->load_queue.OnReady(nullptr);
  inside_->worker_bell.Attach(nullptr);
  inside_->load_bell.Attach(nullptr);
  inside_->events_bell.Attach(nullptr);
  inside_->handles.clear();
}

void Manager::Start() { inside_->Start(); }

void Manager::Stop() {
  inside_->stopping = true;
  inside_->worker_bell.Attach(nullptr);
  inside_->load_bell.Attach(nullptr);
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
  const bool synced = inside_->experiments.store().Synced() && inside_->loads.store().Synced() &&
                      inside_->stops.store().Synced() && inside_->namespaces.store().Synced();
  return synced ? "" : "the first lists have not arrived yet";
}

void Manager::OnLeaseLost(std::function<void()> callback) {
  std::lock_guard lock(inside_->mutex);
  inside_->lost = std::move(callback);
}

}  // namespace chaos
