// Scheduler and kubelets: what makes pods and their containers live, with the delays, retries and
// truncations that were measured on a real one.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "tests/sim/api/sim_api.h"
#include "tests/sim/cluster/load_truth.h"
#include "tests/sim/cluster/process_table.h"
#include "tests/sim/cluster/sim_injector.h"
#include "tests/sim/cluster/sim_probe_pod.h"

namespace chaos::sim {

struct KubeletTraits {
  int slow_start_per_mille = 0;  // containers that take up to `slowest_start`
  nanoseconds slowest_start{seconds(100)};
  int lost_reports_per_mille = 0;  // injectors whose log, termination message or both nobody sees
  AppTraits app;
  std::map<std::string, nanoseconds>
      images;  // when an image arrives on all nodes; others are there
};

class SimKubelet {
 public:
  SimKubelet(SimApi& api, Timeline& timeline, PodNetwork& network, SimRbee& rbee, Random random,
             KubeletTraits traits);

  // A machine; pods are spread over all. Its wall clock may be wrong, and may jump.
  SimClock& AddNode(const std::string& name, nanoseconds clock_offset);
  const std::map<std::string, SimClock>& nodes() const { return nodes_; }
  SimClock& node_clock(const std::string& name) { return nodes_.at(name); }
  void OnRunning(std::function<void(const Json& pod)> on_running) {
    on_running_ = std::move(on_running);
  }

  // What injectors did to processes.
  const ProcessTable& processes() const { return processes_; }
  ProcessTable& processes() { return processes_; }

  // SIGKILL from the node.
  void KillContainer(const std::string& pod_uid, const std::string& container);
  // A regular container of the pod ends by itself.
  void CrashMain(const std::string& pod_uid, int exit_code);
  // SIGSTOP for all that runs of ours in the pod.
  void FreezeSidecars(const std::string& pod_uid);
  // The pause container dies: new address, and no ephemeral container comes back.
  void KillSandbox(const std::string& pod_uid);
  // What load pods really did.
  const LoadTruths& loads() const { return loads_; }
  // Somebody deletes the Job of a load under its operator.
  void JobTaken(const std::string& job) { loads_[job.substr(4, 10)].taken = true; }
  // Containers of the pod that run a process of ours now.
  std::vector<std::string> RunningSidecars(const std::string& pod_uid) const;

 private:
  enum class State { kWaiting, kRunning, kTerminated };
  struct Container {
    Json spec;
    bool ephemeral = false;
    State state = State::kWaiting;
    std::string waiting_reason = "ContainerCreating";
    TimePoint started{}, finished{};
    int exit_code = 0;
    std::string message;  // of the termination
    std::uint64_t process_id = 0;
    std::unique_ptr<SimProcess> process;
    bool no_log = false, no_message = false;  // its report is lost
    int restarts = 0;
    std::optional<Json> last;  // lastState: how the run before this one ended
    bool crash_loop = false;   // waits for the kubelet's back-off
  };
  struct Pod {
    kube::Key key;
    std::string uid, node, ip;
    bool up = false, terminating = false, status_planned = false;
    std::string restart_policy;
    std::map<std::string, Container> containers;
  };

  void Look(const Record& record);
  void Bind(const kube::Key& key);
  void StartPod(const std::string& uid);
  void Adopt(const Json& pod);
  void PlanStart(const std::string& uid, const std::string& container, nanoseconds delay);
  void StartContainer(const std::string& uid, const std::string& container);
  void Launch(Pod& pod, const std::string& name);
  ProcessContext ContextFor(const Pod& pod, const std::string& container, std::uint64_t process);
  void EndContainer(const std::string& uid, const std::string& name, std::uint64_t process,
                    int exit_code);
  void EndSpace(const std::string& uid, std::uint64_t space, int exit_code);
  std::uint64_t SpaceOf(const Pod& pod, const Container& container) const;
  void DrawReport(Container& container);
  void PlanRestart(Pod& pod, const std::string& name);
  void Restart(const std::string& uid, const std::string& name, std::uint64_t ended);
  static Json EndOf(const Container& container);
  void Terminate(const std::string& uid, nanoseconds grace);
  void Finish(const std::string& uid);
  void Remove(const std::string& uid);
  void PlanStatus(Pod& pod, nanoseconds delay);
  void WriteStatus(const std::string& uid);
  Json StatusOf(const Pod& pod, const Container& container, const std::string& name) const;
  std::optional<std::vector<std::string>> Resolve(const std::string& name) const;
  bool AskToStop(const std::string& uid, const std::string& run, const std::string& nonce,
                 const std::string& reason, std::function<void(std::string)> answer);
  Pod* FindPod(const std::string& uid);
  Container* FindRunning(const std::string& uid, const std::string& name);
  std::string MetaText(const kube::Key& pod, const char* map, std::string_view key) const;
  nanoseconds Between(nanoseconds least, nanoseconds most);

  SimApi& api_;
  Timeline& timeline_;
  PodNetwork& network_;
  SimRbee& rbee_;
  Random random_;
  const KubeletTraits traits_;
  std::map<std::string, SimClock> nodes_;
  std::map<std::string, Pod> pods_;  // by uid
  ProcessTable processes_;
  std::uint64_t process_ids_ = 0;
  int addresses_ = 0;
  LoadTruths loads_;
  std::function<void(const Json&)> on_running_ = [](const Json&) {};
};

}  // namespace chaos::sim
