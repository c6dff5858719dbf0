// Scheduler and kubelets: what makes pods and their containers live, with the delays, retries and
// truncations that were measured on a real one.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "tests/sim/api/sim_api.h"
#include "tests/sim/cluster/load_truth.h"
#include "tests/sim/cluster/sim_injector.h"
#include "tests/sim/cluster/sim_probe_pod.h"
#include "tests/sim/cluster/sim_process_injector.h"

namespace chaos::sim {

struct KubeletTraits {
  int slow_start_per_mille = 0;  // containers that take up to `slowest_start`
  nanoseconds slowest_start{seconds(100)};
  int lost_reports_per_mille = 0;  // injectors whose log and termination message nobody ever sees
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

  // Containers that an injector of ours has ended; the ground truth for invariants and verdicts.
  const std::vector<FaultSpan>& ended_by_us() const { return ended_by_us_; }

  // SIGKILL from the node.
  void KillContainer(const std::string& pod_uid, const std::string& container);
  // A regular container of the pod ends by itself.
  void CrashMain(const std::string& pod_uid, int exit_code);
  // The pause container dies: new address, and no ephemeral container comes back.
  void KillSandbox(const std::string& pod_uid);
  // What load pods really did.
  const LoadTruths& loads() const { return loads_; }
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
    bool mute = false;  // its report is lost
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
  void EndTarget(const std::string& uid, const std::string& injector, const std::string& run,
                 int exit_code);
  void PlanRestart(Pod& pod, const std::string& name);
  void Restart(const std::string& uid, const std::string& name, std::uint64_t ended);
  std::unique_ptr<SimProcess> MakeInjector(ProcessContext context);
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
  std::vector<FaultSpan> ended_by_us_;
  std::uint64_t processes_ = 0;
  int addresses_ = 0;
  LoadTruths loads_;
  std::function<void(const Json&)> on_running_ = [](const Json&) {};
};

}  // namespace chaos::sim
