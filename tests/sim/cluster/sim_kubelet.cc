#include "tests/sim/cluster/sim_kubelet.h"

#include <algorithm>

#include "operator/base/time_text.h"
#include "tests/sim/cluster/sim_load_pod.h"

namespace chaos::sim {
namespace {

constexpr milliseconds kRelist{1000};  // how often a kubelet looks at its containers
constexpr seconds kFirstBackOff{10};   // from the second restart on, doubling
constexpr std::chrono::minutes kLongestBackOff{5};
constexpr seconds kStartAgain{15};              // after a failed start, for ever
constexpr seconds kFailedStartShows{11};        // in the status
constexpr std::size_t kMessagesPerPod = 12288;  // bytes, for all containers together
constexpr std::size_t kLongestMessage = 4096;

const Json& ListAt(const Json& object, std::initializer_list<std::string_view> path) {
  static const Json kNone = Json::array();
  const Json* list = Find(object, path);
  return list != nullptr && list->is_array() ? *list : kNone;
}

std::string Mode(const Json& container) {
  const std::vector<std::string> args = Texts(container, {"args"});
  return args.size() == 2 ? args[0] : "";
}

}  // namespace

SimKubelet::SimKubelet(SimApi& api, Timeline& timeline, PodNetwork& network, SimRbee& rbee,
                       Random random, KubeletTraits traits)
    : api_(api),
      timeline_(timeline),
      network_(network),
      rbee_(rbee),
      random_(random),
      traits_(std::move(traits)),
      processes_(timeline, Random(random_.Next()), traits_.app) {
  processes_.Tell(
      {[this](const std::string& uid, std::uint64_t space, int exit_code) {
         EndSpace(uid, space, exit_code);
       },
       [this](const std::string& uid, bool works) {
         works ? rbee_.ContainerRuns(uid) : rbee_.ContainerEnded(uid);
       },
       [this](const std::string& uid, bool stands) { rbee_.WorkerStands(uid, stands); }});
  api_.server.store().Observe([this](const Record& record) {
    if (record.resource->type.plural == "pods") Look(record);
  });
}

SimClock& SimKubelet::AddNode(const std::string& name, nanoseconds clock_offset) {
  return nodes_.try_emplace(name, timeline_, clock_offset).first->second;
}

nanoseconds SimKubelet::Between(nanoseconds least, nanoseconds most) {
  return least + nanoseconds(random_.Below(static_cast<std::uint64_t>((most - least).count()) + 1));
}

SimKubelet::Pod* SimKubelet::FindPod(const std::string& uid) {
  const auto it = pods_.find(uid);
  return it == pods_.end() ? nullptr : &it->second;
}

SimKubelet::Container* SimKubelet::FindRunning(const std::string& uid, const std::string& name) {
  Pod* pod = FindPod(uid);
  if (pod == nullptr) return nullptr;
  Container& container = pod->containers.at(name);
  return container.state == State::kRunning ? &container : nullptr;
}

void SimKubelet::Look(const Record& record) {
  const Json& pod = record.last->object;
  const std::string uid = Text(pod, {"metadata", "uid"});
  if (!record.after) {  // without grace: the kubelet notices, and takes a moment
    timeline_.After(milliseconds(90), [this, uid] { Terminate(uid, milliseconds(500)); });
    return;
  }
  if (Text(pod, {"spec", "nodeName"}).empty()) {
    if (!record.before && !Find(pod, {"spec", "nodeSelector"}))
      timeline_.After(Between(milliseconds(5), milliseconds(60)),
                      [this, key = record.key] { Bind(key); });
    return;
  }
  Adopt(pod);
  if (Find(pod, {"metadata", "deletionTimestamp"}) && !FindPod(uid)->terminating) {
    FindPod(uid)->terminating = true;
    const seconds grace(Integer(pod, {"metadata", "deletionGracePeriodSeconds"}));
    timeline_.After(milliseconds(50), [this, uid, grace] { Terminate(uid, grace); });
  }
}

void SimKubelet::Bind(const kube::Key& key) {
  auto node = nodes_.begin();
  std::advance(node, random_.Below(nodes_.size()));
  api_.server.Mutate(kube::kPods, key, [&](Json& pod) { pod["spec"]["nodeName"] = node->first; });
}

// Takes notice of a pod and of what has been added to it.
void SimKubelet::Adopt(const Json& object) {
  const std::string uid = Text(object, {"metadata", "uid"});
  const auto [it, fresh] = pods_.try_emplace(uid);
  Pod& pod = it->second;
  if (fresh) {
    pod.uid = uid;
    pod.key = {Text(object, {"metadata", "namespace"}), Text(object, {"metadata", "name"})};
    pod.node = Text(object, {"spec", "nodeName"});
    pod.restart_policy = Text(object, {"spec", "restartPolicy"});
    for (const Json& one : ListAt(object, {"spec", "containers"}))
      pod.containers[Text(one, {"name"})].spec = one;
    timeline_.After(Between(milliseconds(100), milliseconds(700)), [this, uid] { StartPod(uid); });
  }
  for (const Json& one : ListAt(object, {"spec", "ephemeralContainers"})) {
    const std::string name = Text(one, {"name"});
    if (pod.containers.contains(name)) continue;
    Container& added = pod.containers[name];
    added.spec = one;
    added.ephemeral = true;
    const bool slow =
        random_.Chance(static_cast<std::uint64_t>(traits_.slow_start_per_mille), 1000);
    PlanStart(uid, name,
              slow ? Between(seconds(2), traits_.slowest_start)
                   : Between(milliseconds(100), milliseconds(1000)));
  }
}

void SimKubelet::StartPod(const std::string& uid) {
  Pod* pod = FindPod(uid);
  if (pod == nullptr || pod->terminating) return;
  pod->ip = "10.1." + std::to_string(addresses_ / 250) + "." + std::to_string(addresses_ % 250 + 2);
  ++addresses_;
  pod->up = true;
  network_.Join(uid, pod->ip);
  std::vector<std::string> names;
  for (const auto& [name, container] : pod->containers) {
    if (!container.ephemeral) names.push_back(name);
  }
  for (const std::string& name : names) StartContainer(uid, name);
}

void SimKubelet::PlanStart(const std::string& uid, const std::string& container,
                           nanoseconds delay) {
  timeline_.After(delay, [this, uid, container] { StartContainer(uid, container); });
}

void SimKubelet::StartContainer(const std::string& uid, const std::string& name) {
  Pod* pod = FindPod(uid);
  if (pod == nullptr || pod->terminating) return;  // accepted by the API, and never started
  Container& container = pod->containers.at(name);
  if (container.state != State::kWaiting) return;
  const auto image = traits_.images.find(Text(container.spec, {"image"}));
  const bool missing = image != traits_.images.end() && timeline_.Now() < image->second;
  const std::string target = Text(container.spec, {"targetContainerName"});
  const bool alone = !target.empty() && pod->containers.at(target).state != State::kRunning;
  if (!pod->up || missing || alone) {
    container.waiting_reason = missing ? "ErrImageNeverPull"
                               : alone ? "CreateContainerError"
                                       : "ContainerCreating";
    if (missing || alone) PlanStatus(*pod, kFailedStartShows);
    return PlanStart(uid, name, pod->up ? Between(seconds(2), kStartAgain) : milliseconds(200));
  }
  Launch(*pod, name);
}

void SimKubelet::Launch(Pod& pod, const std::string& name) {
  Container& container = pod.containers.at(name);
  container.state = State::kRunning;
  container.started = nodes_.at(pod.node).Now();
  container.process_id = ++process_ids_;
  api_.logs.Started(pod.uid, name);
  PlanStatus(pod, Between(milliseconds(200), kRelist));
  ProcessContext context = ContextFor(pod, name, container.process_id);
  const std::string mode = Mode(container.spec);
  if (mode.empty()) processes_.Began(container.process_id, pod.uid);
  if (mode == "inject") {
    DrawReport(container);
    container.process = std::make_unique<SimInjector>(std::move(context), rbee_);
  }
  if (mode == "stop") container.process = std::make_unique<SimStopper>(std::move(context));
  if (mode == "probe")
    container.process =
        std::make_unique<SimProbePod>(std::move(context), rbee_, Random(random_.Next()));
  if (mode == "run")
    container.process = std::make_unique<SimLoadPod>(std::move(context), rbee_, loads_);
  if (container.process) container.process->Start();
}

void SimKubelet::DrawReport(Container& container) {
  if (!random_.Chance(static_cast<std::uint64_t>(traits_.lost_reports_per_mille), 1000)) return;
  const std::uint64_t kept = random_.Below(3);  // nothing, the message, the log
  container.no_log = kept != 2;
  container.no_message = kept != 1;
}

std::uint64_t SimKubelet::SpaceOf(const Pod& pod, const Container& container) const {
  const auto target = pod.containers.find(Text(container.spec, {"targetContainerName"}));
  return target == pod.containers.end() ? 0 : target->second.process_id;
}

ProcessContext SimKubelet::ContextFor(const Pod& pod, const std::string& name,
                                      std::uint64_t process) {
  const std::vector<std::string> args = Texts(pod.containers.at(name).spec, {"args"});
  return {
      timeline_,
      nodes_.at(pod.node),
      network_,
      processes_,
      pod.uid,
      SpaceOf(pod, pod.containers.at(name)),
      process,
      args.size() == 2 ? args[1] : "",
      [this, uid = pod.uid, name](std::string line) {
        const Container* own = FindRunning(uid, name);  // the dead say nothing
        if (own != nullptr && !own->no_log) api_.logs.Print(uid, name, std::move(line));
      },
      [this, uid = pod.uid, name](std::string text) {
        Container* own = FindRunning(uid, name);
        if (own != nullptr && !own->no_message) own->message = std::move(text);
      },
      [this, key = pod.key](std::string_view label) { return MetaText(key, "labels", label); },
      [this, key = pod.key](std::string_view annotation) {
        return MetaText(key, "annotations", annotation);
      },
      [this, uid = pod.uid, name, process](int code) { EndContainer(uid, name, process, code); },
      [this, uid = pod.uid](const std::string& run, const std::string& nonce,
                            const std::string& reason, std::function<void(std::string)> answer) {
        return AskToStop(uid, run, nonce, reason, std::move(answer));
      },
      [this](const std::string& service) { return Resolve(service); }};
}

// As the cluster's DNS: the Service with publishNotReadyAddresses and the pods that it selects.
std::optional<std::vector<std::string>> SimKubelet::Resolve(const std::string& name) const {
  const std::size_t first = name.find('.'), second = name.find('.', first + 1);
  if (second == std::string::npos || name.substr(second) != ".svc") return std::nullopt;
  const kube::Key key{name.substr(first + 1, second - first - 1), name.substr(0, first)};
  const VersionPtr service = api_.server.store().Find(*FindResource(kube::kServices), key);
  if (!service || Text(service->object, {"spec", "clusterIP"}) != "None") return std::nullopt;
  const std::map<std::string, std::string> selector =
      TextMap(service->object, {"spec", "selector"});
  std::vector<std::string> addresses;
  for (const auto& [pod_key, pod] : api_.server.store().All(*FindResource(kube::kPods))) {
    const std::string ip = Text(pod->object, {"status", "podIP"});
    const auto labels = TextMap(pod->object, {"metadata", "labels"});
    const bool meant = std::all_of(selector.begin(), selector.end(), [&](const auto& wanted) {
      const auto found = labels.find(wanted.first);
      return found != labels.end() && found->second == wanted.second;
    });
    if (pod_key.ns == key.ns && meant && !ip.empty()) addresses.push_back(ip);
  }
  return addresses;
}

std::string SimKubelet::MetaText(const kube::Key& pod, const char* map,
                                 std::string_view key) const {
  const VersionPtr found = api_.server.store().Find(*FindResource(kube::kPods), pod);
  return found ? Text(found->object, {"metadata", map, key}) : "";
}

bool SimKubelet::AskToStop(const std::string& uid, const std::string& run, const std::string& nonce,
                           const std::string& reason, std::function<void(std::string)> answer) {
  Pod* pod = FindPod(uid);
  if (pod == nullptr) return false;
  for (auto& [name, container] : pod->containers) {
    auto* injector = dynamic_cast<Stoppable*>(container.process.get());
    if (injector == nullptr || container.state != State::kRunning || injector->run() != run)
      continue;
    injector->Stop(nonce, reason, std::move(answer));
    return true;
  }
  return false;
}

void SimKubelet::EndContainer(const std::string& uid, const std::string& name,
                              std::uint64_t process, int exit_code) {
  Pod* pod = FindPod(uid);
  if (pod == nullptr) return;
  Container& container = pod->containers.at(name);
  if (container.process_id != process || container.state != State::kRunning) return;
  container.state = State::kTerminated;
  container.exit_code = exit_code;
  container.finished = nodes_.at(pod->node).Now();
  network_.ProcessEnded(process);
  if (container.ephemeral)
    processes_.InjectorEnded(process);
  else
    processes_.Ended(process);
  api_.logs.Ended(uid, name);
  // The program may still be on the stack.
  auto ended = std::make_shared<std::unique_ptr<SimProcess>>(std::move(container.process));
  timeline_.After(nanoseconds(0), [ended] { ended->reset(); });
  PlanStatus(*pod, Between(milliseconds(100), kRelist));
  if (container.ephemeral || pod->terminating) return;
  std::vector<std::pair<std::string, std::uint64_t>> with_it;  // they shared its processes
  for (const auto& [other, one] : pod->containers) {
    if (Text(one.spec, {"targetContainerName"}) == name && one.state == State::kRunning)
      with_it.emplace_back(other, one.process_id);
  }
  for (const auto& [other, id] : with_it) EndContainer(uid, other, id, 137);
  rbee_.ContainerEnded(uid);
  if (pod->restart_policy != "Never") PlanRestart(*pod, name);
}

Json SimKubelet::EndOf(const Container& container) {
  return {{"exitCode", container.exit_code},
          {"reason", container.exit_code == 0 ? "Completed" : "Error"},
          {"startedAt", PrintTime(container.started, 0)},
          {"finishedAt", PrintTime(container.finished, 0)}};
}

// The first restart comes at once; the back-off shows only at the look after that.
void SimKubelet::PlanRestart(Pod& pod, const std::string& name) {
  const Container& container = pod.containers.at(name);
  nanoseconds pause = Between(milliseconds(500), milliseconds(1500));
  if (container.restarts > 0) {
    pause = std::min<nanoseconds>(kFirstBackOff * (1 << std::min(container.restarts - 1, 5)),
                                  kLongestBackOff);
    timeline_.After(seconds(2), [this, uid = pod.uid, name, ended = container.process_id] {
      Pod* own = FindPod(uid);
      if (own == nullptr || own->containers.at(name).process_id != ended) return;
      own->containers.at(name).crash_loop = true;
      PlanStatus(*own, milliseconds(100));
    });
  }
  timeline_.After(pause, [this, uid = pod.uid, name, ended = container.process_id] {
    Restart(uid, name, ended);
  });
}

void SimKubelet::Restart(const std::string& uid, const std::string& name, std::uint64_t ended) {
  Pod* pod = FindPod(uid);
  if (pod == nullptr || pod->terminating) return;
  Container& container = pod->containers.at(name);
  if (container.process_id != ended) return;
  container.last = EndOf(container);
  container.crash_loop = false;
  ++container.restarts;
  container.state = State::kRunning;
  container.started = nodes_.at(pod->node).Now();
  container.process_id = ++process_ids_;
  if (Mode(container.spec).empty()) processes_.Began(container.process_id, uid);
  rbee_.ContainerRuns(uid);
  PlanStatus(*pod, Between(milliseconds(100), kRelist));
}

// Its first process has ended.
void SimKubelet::EndSpace(const std::string& uid, std::uint64_t space, int exit_code) {
  Pod* pod = FindPod(uid);
  if (pod == nullptr) return;
  for (const auto& [name, container] : pod->containers) {
    if (container.process_id == space) return EndContainer(uid, name, space, exit_code);
  }
}

void SimKubelet::CrashMain(const std::string& pod_uid, int exit_code) {
  Pod* pod = FindPod(pod_uid);
  if (pod == nullptr) return;
  for (const auto& [name, container] : pod->containers) {
    if (!container.ephemeral) return EndContainer(pod_uid, name, container.process_id, exit_code);
  }
}

void SimKubelet::KillContainer(const std::string& pod_uid, const std::string& name) {
  Pod* pod = FindPod(pod_uid);
  if (pod == nullptr || !pod->containers.contains(name)) return;
  EndContainer(pod_uid, name, pod->containers.at(name).process_id, 137);
}

void SimKubelet::FreezeSidecars(const std::string& pod_uid) {
  Pod* pod = FindPod(pod_uid);
  if (pod == nullptr) return;
  for (auto& [name, container] : pod->containers) {
    if (container.ephemeral && container.process) container.process->Freeze();
  }
}

void SimKubelet::KillSandbox(const std::string& pod_uid) {
  Pod* pod = FindPod(pod_uid);
  if (pod == nullptr || !pod->up) return;
  for (auto& [name, container] : pod->containers) {
    if (container.ephemeral) EndContainer(pod_uid, name, container.process_id, 137);
  }
  network_.Leave(pod_uid);
  pod->ip = "10.2.0." + std::to_string(++addresses_ % 250 + 2);
  network_.Join(pod_uid, pod->ip);
  PlanStatus(*pod, kRelist);
}

std::vector<std::string> SimKubelet::RunningSidecars(const std::string& pod_uid) const {
  std::vector<std::string> names;
  const auto it = pods_.find(pod_uid);
  if (it == pods_.end()) return names;
  for (const auto& [name, container] : it->second.containers) {
    if (container.ephemeral && container.state == State::kRunning) names.push_back(name);
  }
  return names;
}

void SimKubelet::Terminate(const std::string& uid, nanoseconds grace) {
  Pod* pod = FindPod(uid);
  if (pod == nullptr) return;
  pod->terminating = true;
  std::vector<SimProcess*> running;
  for (auto& [name, container] : pod->containers) {
    if (container.process && container.state == State::kRunning)
      running.push_back(container.process.get());
  }
  for (SimProcess* process : running) process->Terminate();
  pod = FindPod(uid);
  const bool all_ended = std::none_of(
      pod->containers.begin(), pod->containers.end(),
      [](const auto& one) { return one.second.process && one.second.state == State::kRunning; });
  timeline_.After(all_ended ? nanoseconds(milliseconds(300)) : grace, [this, uid] { Finish(uid); });
}

// Whatever still runs is killed; the end is reported, and then the object goes.
void SimKubelet::Finish(const std::string& uid) {
  Pod* pod = FindPod(uid);
  if (pod == nullptr) return;
  for (auto& [name, container] : pod->containers) {
    if (container.state == State::kRunning) EndContainer(uid, name, container.process_id, 137);
  }
  network_.Leave(uid);
  timeline_.After(Between(milliseconds(300), kRelist), [this, uid] {
    WriteStatus(uid);
    timeline_.After(milliseconds(100), [this, uid] { Remove(uid); });
  });
}

void SimKubelet::Remove(const std::string& uid) {
  Pod* pod = FindPod(uid);
  if (pod == nullptr) return;
  const VersionPtr found = api_.server.store().Find(*FindResource(kube::kPods), pod->key);
  if (found && Text(found->object, {"metadata", "uid"}) == uid)
    api_.server.Delete(kube::kPods, pod->key, 0);
  pods_.erase(uid);
}

void SimKubelet::PlanStatus(Pod& pod, nanoseconds delay) {
  if (pod.status_planned && delay < kFailedStartShows) return;
  pod.status_planned = pod.status_planned || delay < kFailedStartShows;
  timeline_.After(delay, [this, uid = pod.uid] { WriteStatus(uid); });
}

Json SimKubelet::StatusOf(const Pod& pod, const Container& container,
                          const std::string& name) const {
  Json status{{"name", name},
              {"image", Text(container.spec, {"image"})},
              {"restartCount", container.restarts},
              {"ready", container.state == State::kRunning}};
  if (container.last) status["lastState"]["terminated"] = *container.last;
  if (container.crash_loop) {
    status["lastState"]["terminated"] = EndOf(container);
    status["state"]["waiting"] = {{"reason", "CrashLoopBackOff"},
                                  {"message", "back-off restarting failed container"}};
    return status;
  }
  switch (container.state) {
    case State::kWaiting:
      status["state"]["waiting"] = {{"reason", container.waiting_reason}};
      break;
    case State::kRunning:
      status["state"]["running"] = {{"startedAt", PrintTime(container.started, 0)}};
      break;
    case State::kTerminated: {
      const std::string message = container.message.substr(
          0, std::min(kMessagesPerPod / pod.containers.size(), kLongestMessage));
      status["state"]["terminated"] = EndOf(container);
      if (!message.empty()) status["state"]["terminated"]["message"] = message;
      break;
    }
  }
  return status;
}

void SimKubelet::WriteStatus(const std::string& uid) {
  Pod* pod = FindPod(uid);
  if (pod == nullptr) return;
  pod->status_planned = false;
  const VersionPtr before = api_.server.store().Find(*FindResource(kube::kPods), pod->key);
  if (!before || Text(before->object, {"metadata", "uid"}) != uid) return;
  Json status = before->object["status"];
  Json regular = Json::array(), sidecars = Json::array();
  bool all_run = true, all_ended = true, failed = false;
  for (const auto& [name, container] : pod->containers) {
    (container.ephemeral ? sidecars : regular).push_back(StatusOf(*pod, container, name));
    if (container.ephemeral) continue;
    all_run = all_run && container.state == State::kRunning;
    all_ended = all_ended && container.state == State::kTerminated;
    failed = failed || container.exit_code != 0;
  }
  const bool over = all_ended && pod->restart_policy == "Never";
  status["phase"] = over                 ? (failed ? "Failed" : "Succeeded")
                    : pod->up && all_run ? "Running"
                                         : Text(status, {"phase"});
  status["conditions"] = Json::array(
      {{{"type", "Ready"}, {"status", all_run && !pod->terminating ? "True" : "False"}}});
  status["containerStatuses"] = std::move(regular);
  if (!sidecars.empty()) status["ephemeralContainerStatuses"] = std::move(sidecars);
  if (pod->up) {
    status["podIP"] = pod->ip;
    status["podIPs"] = Json::array({{{"ip", pod->ip}}});
    status["hostIP"] =
        "192.168.0." + std::to_string(1 + std::distance(nodes_.begin(), nodes_.find(pod->node)));
  }
  const std::string phase = Text(status, {"phase"});
  const bool fresh = phase == "Running" && Text(before->object, {"status", "podIP"}) != pod->ip;
  const kube::Key key = pod->key;
  api_.server.Mutate(kube::kPods, key, [&](Json& object) { object["status"] = std::move(status); });
  if (fresh) {
    if (const VersionPtr now = api_.server.store().Find(*FindResource(kube::kPods), key))
      on_running_(now->object);
  }
}

}  // namespace chaos::sim
