#include "tests/sim/cluster/process_table.h"

#include <algorithm>

namespace chaos::sim {
namespace {

constexpr milliseconds kTick{10};             // of /proc/PID/stat
constexpr milliseconds kChildAgain{800};      // until process 1 has started its child again
constexpr int kThreads = 4;                   // of each process
constexpr milliseconds kSwitchEvery{10};      // while it runs
constexpr microseconds kOtherProcessor{200};  // a signal to a process that runs on another one
constexpr int kKilled = 128 + 9, kTermed = 128 + 15;

}  // namespace

inject::ProcessId ProcessTable::NewId(int pid) const {
  return {pid, static_cast<std::uint64_t>(timeline_.Now() / kTick)};
}

void ProcessTable::Began(std::uint64_t space, const std::string& pod_uid) {
  Space& fresh = spaces_[space];
  fresh.pod_uid = pod_uid;
  fresh.began = timeline_.Now();
  for (const int pid : {1, kChild}) fresh.tasks[pid] = {NewId(pid), timeline_.Now(), 0, {}, {}};
}

void ProcessTable::Ended(std::uint64_t space) {
  const auto found = spaces_.find(space);
  if (found == spaces_.end()) return;
  const std::map<int, Task> tasks = std::move(found->second.tasks);
  const std::string pod_uid = found->second.pod_uid;
  spaces_.erase(found);
  for (const auto& [pid, task] : tasks) {
    if (task.holder != 0) listener_.stands(pod_uid, false);
    Close(space, task.id);
  }
}

const ProcessTable::Task* ProcessTable::Find(std::uint64_t space,
                                             const inject::ProcessId& id) const {
  const auto found = spaces_.find(space);
  if (found == spaces_.end()) return nullptr;
  const auto task = found->second.tasks.find(id.pid);
  return task == found->second.tasks.end() || task->second.id != id ? nullptr : &task->second;
}

std::vector<inject::ProcessEntry> ProcessTable::List(std::uint64_t space) const {
  std::vector<inject::ProcessEntry> all;
  const auto found = spaces_.find(space);
  if (found == spaces_.end()) return all;
  for (const auto& [pid, task] : found->second.tasks) {
    all.push_back({task.id, pid == 1 ? "/usr/bin/llm-worker --port 8080"
                                     : "/usr/bin/llama-runner --model tinyllama-q4"});
  }
  return all;
}

std::optional<nanoseconds> ProcessTable::BeganAt(std::uint64_t space) const {
  const auto found = spaces_.find(space);
  return found == spaces_.end() ? std::nullopt : std::optional(found->second.began);
}

inject::OnTerm ProcessTable::HowItTakesTerm(const inject::ProcessId& id) const {
  return id.pid == 1 ? app_.on_term : inject::OnTerm::kDies;
}

std::optional<inject::Activity> ProcessTable::Look(std::uint64_t space, const inject::ProcessId& id,
                                                   std::uint64_t by) const {
  const Task* task = Find(space, id);
  if (task == nullptr) return std::nullopt;
  const bool stands = task->holder != 0 && mood_ == KernelMood::kGood;
  nanoseconds ran = timeline_.Now() - task->began;
  if (mood_ == KernelMood::kGood) ran -= task->held;
  if (stands) ran -= timeline_.Now() - task->held_since;
  inject::Activity activity;
  activity.threads = kThreads;
  const int held = stands ? kThreads : task->holder != 0 && mood_ == KernelMood::kPartial ? 2 : 0;
  (task->holder == by ? activity.held : activity.stopped) = held;
  activity.switches = static_cast<std::uint64_t>(ran / kSwitchEvery);
  activity.cpu = std::chrono::duration_cast<milliseconds>(ran / 20);
  return activity;
}

ProcessTable::Struck& ProcessTable::Open(const Hand& by, std::uint64_t space,
                                         const inject::ProcessId& id, bool lasts) {
  const auto [it, first] = struck_.try_emplace(by.process);
  if (first) {
    it->second = {faults_.size(), space, id, false, false};
    faults_.push_back({by.run,
                       spaces_.at(space).pod_uid,
                       by.process,
                       timeline_.Now(),
                       {},
                       /*took=*/false,
                       lasts});
  }
  return it->second;
}

void ProcessTable::Strike(const Hand& by, std::uint64_t space, const inject::ProcessId& id,
                          Blow blow, int exit_code) {
  Struck& struck = Open(by, space, id, /*lasts=*/false);
  if (blow == Blow::kTerm) struck.asked = true;
  if (mood_ != KernelMood::kGood) return;
  if (blow == Blow::kTerm) {
    const inject::OnTerm how = HowItTakesTerm(id);
    if (how == inject::OnTerm::kIgnored) return;
    if (how == inject::OnTerm::kHandled) {
      timeline_.After(app_.ends_after, [this, space, id] { EndTask(space, id, 0); });
      return;
    }
  }
  const int code = blow == Blow::kExit ? exit_code : blow == Blow::kKill ? kKilled : kTermed;
  if (random_.Chance(1, 2)) return Land(by.process, space, id, code);
  timeline_.After(kOtherProcessor, [this, process = by.process, space, id, code] {
    Land(process, space, id, code);
  });
}

void ProcessTable::Land(std::uint64_t by, std::uint64_t space, const inject::ProcessId& id,
                        int exit_code) {
  if (Find(space, id) == nullptr) return;  // it was faster
  struck_.at(by).landed = true;
  EndTask(space, id, exit_code);
}

void ProcessTable::EndTask(std::uint64_t space, const inject::ProcessId& id, int exit_code) {
  if (Find(space, id) == nullptr) return;
  const std::string pod_uid = spaces_.at(space).pod_uid;
  if (id.pid == 1) return listener_.ended(pod_uid, space, exit_code);  // all others go with it
  LetGo(spaces_.at(space).tasks.at(id.pid), pod_uid);
  spaces_.at(space).tasks.erase(id.pid);
  Close(space, id);
  listener_.works(pod_uid, false);
  timeline_.After(kChildAgain, [this, space] { BearChild(space); });
}

void ProcessTable::BearChild(std::uint64_t space) {
  const auto found = spaces_.find(space);
  if (found == spaces_.end()) return;
  found->second.tasks[kChild] = {NewId(kChild), timeline_.Now(), 0, {}, {}};
  listener_.works(found->second.pod_uid, true);
}

// The victim has ended.
void ProcessTable::Close(std::uint64_t space, const inject::ProcessId& id) {
  for (auto& [process, struck] : struck_) {
    if (struck.space != space || struck.victim != id) continue;
    FaultSpan& span = faults_[struck.span];
    if (!span.lasts) span.took = span.took || struck.asked || struck.landed;
    if (!span.to || !span.lasts) span.to = timeline_.Now();
  }
}

void ProcessTable::Hold(const Hand& by, std::uint64_t space, const inject::ProcessId& id) {
  Struck& struck = Open(by, space, id, /*lasts=*/true);
  Task& task = spaces_.at(space).tasks.at(id.pid);
  task.holder = by.process;
  task.held_since = timeline_.Now();
  if (mood_ != KernelMood::kGood) return;
  faults_[struck.span].took = true;
  listener_.stands(spaces_.at(space).pod_uid, true);
}

void ProcessTable::LetGo(Task& task, const std::string& pod_uid) {
  if (task.holder == 0) return;
  task.held += timeline_.Now() - task.held_since;
  task.holder = 0;
  if (mood_ == KernelMood::kGood) listener_.stands(pod_uid, false);
}

void ProcessTable::Release(std::uint64_t by) {
  for (auto& [number, space] : spaces_) {
    for (auto& [pid, task] : space.tasks) {
      if (task.holder == by) LetGo(task, space.pod_uid);
    }
  }
}

void ProcessTable::Settle(std::uint64_t by) {
  const auto found = struck_.find(by);
  if (found == struck_.end()) return;
  FaultSpan& span = faults_[found->second.span];
  if (!span.to) span.to = timeline_.Now();
}

void ProcessTable::InjectorEnded(std::uint64_t process) {
  Release(process);
  Settle(process);
}

}  // namespace chaos::sim
