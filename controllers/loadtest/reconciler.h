// The thin shell of LoadTest: gathers what is known, asks Plan, and carries its actions out in
// order, stopping at the first that did not surely happen. It decides nothing.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "controllers/loadtest/plan.h"
#include "controllers/loadtest/run_memory.h"
#include "controllers/world/pod_watch.h"
#include "operator/base/net/log.h"
#include "operator/kube/events.h"
#include "operator/kube/store.h"

namespace chaos::loadtest {

// Whether the pods of its namespace must be watched for it.
bool NeedsPods(const LoadTest& test);

class Reconciler {
 public:
  struct Parts {
    kube::Client& client;
    const Clock& clock;
    Log& log;
    kube::EventRecorder& events;
    kube::Store<LoadTest>& tests;
    kube::Store<Stop>& stops;
    kube::Store<Namespace>& namespaces;
    PodWatch& pods;
    kube::WorkQueue& queue;
    // The profile as it is now, or why there is none.
    std::function<Result<Profile>()> profile;
    // The experiment that a load belongs to; nullopt: there is none of that name and uid.
    std::function<std::optional<Owner>(const LoadTest& load)> owner;
    // True while a write that starts now cannot be overtaken by another leader's.
    std::function<bool()> may_write;
    Settings settings;
    std::function<void(std::string_view rule)> refused;  // for metrics; may be empty
  };
  explicit Reconciler(Parts parts) : p_(std::move(parts)) {}

  // One look at one load test. Requires: never for one key on two threads at once.
  // An error means: look again after a back-off. nullopt: only when something changes.
  Result<std::optional<milliseconds>> Reconcile(const kube::Key& key);

  // Keeps no memory of load tests that are gone. Cheap; call now and then.
  void Forget();

 private:
  struct Context {
    const LoadTest& test;
    const std::string& run;
    RunMemory& memory;
  };
  Observed Observe(const LoadTest& test, RunMemory& memory);
  void ReadLogs(const LoadTest& test, RunMemory& memory);
  void ReadServices(const LoadTest& test, RunMemory& memory);
  void ReadPrompts(const LoadTest& test, RunMemory& memory);
  bool Refresh(const kube::Key& key);
  LogFollower::Parts Following(const kube::Key& key) const;
  std::string WhyNoPods(const std::string& ns, const std::string& job);

  Result<void> Carry(const Context& context, const Action& action);
  Result<void> Do(const Context& context, const WriteStatus& action);
  Result<void> Do(const Context& context, const MarkRan& action);
  Result<void> Do(const Context& context, const RemoveAbort& action);
  Result<void> Do(const Context& context, const CreateJob& action);
  Result<void> Do(const Context& context, const ReadJob& action);
  Result<void> Do(const Context& context, const FollowPod& action);
  Result<void> Do(const Context& context, const TellPod& action);
  Result<void> Do(const Context& context, const WriteReport& action);
  Result<void> Do(const Context& context, const DeleteJob& action);
  Result<void> PatchMeta(const Context& context, const Json& patch);

  Parts p_;
  std::map<std::string, RunMemory> memory_;  // by run id
};

}  // namespace chaos::loadtest
