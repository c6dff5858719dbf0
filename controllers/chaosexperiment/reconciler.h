// The thin shell of ChaosExperiment: gathers what is known, asks Plan, and carries its actions out
// in order, stopping at the first that did not surely happen. It decides nothing.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "controllers/chaosexperiment/plan.h"
#include "controllers/chaosexperiment/run_memory.h"
#include "controllers/world/pod_watch.h"
#include "operator/base/net/log.h"
#include "operator/base/random.h"
#include "operator/kube/client.h"
#include "operator/kube/events.h"
#include "operator/kube/store.h"
#include "operator/kube/workqueue.h"

namespace chaos::experiment {

// For metrics; every call is optional.
struct Hooks {
  std::function<void(std::string_view fault, std::string_view outcome)> injected;
  std::function<void(std::string_view rule)> refused;
};

// Whether the pods of its namespace must be watched for it.
bool NeedsPods(const Experiment& experiment);

class Reconciler {
 public:
  struct Parts {
    kube::Client& client;
    const Clock& clock;
    Entropy& entropy;
    Log& log;
    kube::EventRecorder& events;
    kube::Store<Experiment>& experiments;
    kube::Store<loadtest::LoadTest>& loads;
    kube::Store<Stop>& stops;
    kube::Store<Namespace>& namespaces;
    PodWatch& pods;
    kube::WorkQueue& queue;
    // The profile as it is now, or why there is none.
    std::function<Result<Profile>()> profile;
    // True while a write that starts now cannot be overtaken by another leader's.
    std::function<bool()> may_write;
    Limits limits;
    Settings settings;
    Hooks hooks;
  };
  explicit Reconciler(Parts parts);

  // One look at one experiment. Requires: never for one key on two threads at once.
  // An error means: look again after a back-off. nullopt: only when something changes.
  Result<std::optional<milliseconds>> Reconcile(const kube::Key& key);

  // Keeps no memory of experiments that are gone. Cheap; call now and then.
  void Forget();

 private:
  Observed Observe(const Experiment& experiment, RunMemory& memory);
  // Asks the API server for the object as it is now; false when it cannot say.
  bool Refresh(const kube::Key& key);
  void ReadProbeLog(const kube::Key& key, RunMemory& memory);
  // Asks the operator's own probes, when it is time.
  void TakeSamples(const Experiment& experiment, const Observed& world, RunMemory& memory);
  void ReadServices(const Experiment& experiment, RunMemory& memory);
  void LookAtLoad(const Experiment& experiment, RunMemory& memory, Observed& world);

  struct Context {
    const Experiment& experiment;
    const std::string& run;
    RunMemory& memory;
  };
  Result<void> Carry(const Context& context, const Action& action);
  Result<void> Do(const Context& context, const WriteStatus& action);
  Result<void> Do(const Context& context, const AddFinalizer& action);
  Result<void> Do(const Context& context, const RemoveFinalizer& action);
  Result<void> Do(const Context& context, const RemoveAbort& action);
  Result<void> Do(const Context& context, const CreateProbePod& action);
  Result<void> Do(const Context& context, const FollowProbePod& action);
  Result<void> Do(const Context& context, const DeleteProbePod& action);
  Result<void> Do(const Context& context, const CreatePeerService& action);
  Result<void> Do(const Context& context, const DeletePeerService& action);
  Result<void> Do(const Context& context, const CreateLoad& action);
  Result<void> Do(const Context& context, const Preflight& action);
  Result<void> Do(const Context& context, const LaunchInjector& action);
  Result<void> Do(const Context& context, const LaunchStopper& action);
  Result<void> Do(const Context& context, const RemovePod& action);
  Result<void> Do(const Context& context, const LaunchReverter& action);
  Result<void> LaunchSecond(const Context& context, const std::string& pod, const Json& patch,
                            std::optional<Error>& refused, const char* then);
  Result<void> Do(const Context& context, const ReadLog& action);
  Result<void> PatchMeta(const Context& context, const Json& patch);
  Result<Json> PatchSidecar(const Context& context, const std::string& pod, const Json& patch,
                            bool dry_run);

  Parts p_;
  std::map<std::string, RunMemory> memory_;  // by run id
};

}  // namespace chaos::experiment
