// One simulated cluster with our operator in it, from a scenario. Everything runs in one thread,
// under one clock.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/cluster/sim_deployment.h"
#include "tests/sim/cluster/sim_job_controller.h"
#include "tests/sim/world/invariants.h"
#include "tests/sim/world/loads.h"
#include "tests/sim/world/replica.h"
#include "tests/sim/world/scenario.h"

namespace chaos::sim {

class World {
 public:
  // `crash`: for the first operator process; its successors live.
  explicit World(Scenario scenario, std::optional<CrashPlan> crash = {});
  ~World();

  // Until every experiment has come to rest, or `limit` has passed since its creation. True: at
  // rest.
  bool RunToRest(nanoseconds limit);
  void RunFor(nanoseconds time) { timeline_.RunUntil(timeline_.Now() + time); }
  // From now on nothing goes wrong any more.
  void Heal();

  struct Outcome {
    bool exists = false;
    std::string phase, verdict, reason, summary;
  };
  // Of one experiment: gone, or as it is now.
  Outcome OutcomeOf(const std::string& name) const;
  std::vector<std::string> names() const { return names_; }
  // The same of a load test.
  Outcome OutcomeOfLoad(const std::string& name) const;
  std::vector<std::string> load_names() const { return load_names_; }
  Json StatusOfLoad(const std::string& name) const;
  Json StatusOf(const std::string& experiment) const;
  // What loads left behind; empty once nothing is under way any more.
  std::vector<std::string> LeftBehind() const { return load_invariants_->AtTheEnd(); }
  // "" or the sentence in which a verdict says something that was not so.
  std::string Lie() const;

  const Invariants& invariants() const { return *invariants_; }
  const PodNetwork& network() const { return network_; }
  const Faults& faults() const { return scenario_.faults; }
  Timeline& timeline() { return timeline_; }
  SimApi& api() { return api_; }
  SimKubelet& kubelet() { return *kubelet_; }
  // Of all kernels: cuts, and what was done to processes.
  std::vector<FaultSpan> faults_on() const;
  // Headless Services of ours that are there.
  std::vector<std::string> ServicesOfRuns() const;
  // Of a pod that is to stay; "": it has none yet.
  std::string AddressOf(const std::string& component) const;
  // The queen, or the worker that the first experiment has selected.
  std::string TargetUid() const;
  const Scenario& scenario() const { return scenario_; }
  void Do(Deed deed);

  std::uint64_t calls() const { return calls_; }  // of all operators
  // Of the first process: "PATCH chaosexperiments/status", "GET (stream) pods".
  const std::vector<std::string>& call_kinds() const { return call_kinds_; }
  std::uint64_t writes() const { return writes_; }  // other than the Lease
  std::uint64_t deaths() const { return deaths_; }
  std::uint64_t history_hash() const { return hash_; }
  const std::map<Deed, int>& deeds() const { return deeds_; }
  // Each call of an operator as a line, where CHAOS_SIM_TRACE is set; for people.
  static void TraceTo(std::FILE* file);
  // And the experiments and loads as they are now.
  void TraceObjects() const;

 private:
  void BuildCluster();
  void BuildPolicies();
  void Start(std::size_t index);
  void Died(std::size_t index);
  void CreateExperiment(int number);
  void CreateLoad(int number);
  void CreateReferredLoad();
  void HitLoadPod(Deed deed);
  void CrashAnotherWorker();
  bool AtRest() const;
  bool OperatorsSee() const;
  void Note(const CallNote& note);
  Json Manifest(int number) const;
  Json ProcessManifest(int number, Json answers) const;

  Scenario scenario_;
  std::optional<CrashPlan> crash_;
  Random random_;
  Timeline timeline_;
  SimApi api_;
  PodNetwork network_;
  std::unique_ptr<SimRbee> rbee_;
  std::unique_ptr<SimKubelet> kubelet_;
  std::unique_ptr<Invariants> invariants_;
  std::unique_ptr<LoadInvariants> load_invariants_;
  std::unique_ptr<SimJobController> jobs_;
  std::map<std::string, std::unique_ptr<SimDeployment>> deployments_;
  std::vector<std::unique_ptr<Replica>> replicas_;
  std::vector<std::string> names_, load_names_;
  std::string queen_uid_;
  nanoseconds last_event_{0};
  bool healed_ = false;
  bool closing_ = false;
  int processes_ = 0;
  std::uint64_t calls_ = 0, writes_ = 0, deaths_ = 0, hash_ = 1469598103934665603ULL;
  std::vector<std::string> call_kinds_;
  std::map<Deed, int> deeds_;
};

}  // namespace chaos::sim
