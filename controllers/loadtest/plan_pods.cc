// The load pods of a live run: which are there, what has become of each, and following their logs.
#include <algorithm>
#include <cstdlib>

#include "controllers/loadtest/bodies.h"
#include "controllers/loadtest/planner.h"
#include "injectors/protocol/names.h"
#include "operator/base/time_text.h"

namespace chaos::loadtest {
namespace {

constexpr std::string_view kIndexLabel = "batch.kubernetes.io/job-completion-index";
constexpr seconds kHearOut{20};  // for the log of a container that has ended
constexpr seconds kSilent{30};   // past the last moment at which a pod has something to do

std::string Label(const Pod& pod, std::string_view key) {
  const auto found = pod.meta.labels.find(std::string(key));
  return found == pod.meta.labels.end() ? "" : found->second;
}

std::string HowItEnded(const Pod& pod) {
  const ContainerState* state = pod.State(protocol::kLoadContainer);
  if (state == nullptr || state->kind != ContainerState::Kind::kTerminated) return "it was evicted";
  return (state->reason.empty() ? "" : state->reason + ", ") + "exit code " +
         std::to_string(state->exit_code);
}

}  // namespace

void Planner::FindPods() {
  std::vector<const Pod*> by_index(static_cast<std::size_t>(next_.resolved.pods), nullptr);
  for (const auto& pod : world_.pods) {
    if (!pod->Ours() || Label(*pod, protocol::kRunLabel) != run_) continue;
    const std::string label = Label(*pod, kIndexLabel);
    const int index = std::atoi(label.c_str());
    if (label.empty() || index < 0 || index >= next_.resolved.pods) continue;
    const Pod*& found = by_index[static_cast<std::size_t>(index)];
    // A second pod of an index would begin anew: the first is the one that counts.
    if (found == nullptr || pod->meta.created < found->meta.created) found = pod.get();
  }
  pods_.clear();
  for (int i = 0; i < next_.resolved.pods; ++i)
    pods_.push_back(FateOf(i, by_index[static_cast<std::size_t>(i)]));
}

PodFate Planner::FateOf(int index, const Pod* pod) const {
  using Kind = PodFate::Kind;
  const std::string name = "pod " + std::to_string(index);
  const auto found = world_.log->pods().find(index);
  const protocol::LoadLog::PodState* said =
      found == world_.log->pods().end() ? nullptr : &found->second;
  const ContainerState* state = pod ? pod->State(protocol::kLoadContainer) : nullptr;
  PodFate fate{Kind::kRunning, pod, false, ""};
  fate.over =
      pod != nullptr && (pod->phase == "Failed" || pod->phase == "Succeeded" ||
                         (state != nullptr && state->kind == ContainerState::Kind::kTerminated));
  if (said != nullptr && !said->failed.empty()) {
    fate.kind = Kind::kLost;
    fate.why = name + " could not generate: " + said->failed + ": " + said->message;
    return fate;
  }
  if (said != nullptr && said->ended && !said->gap && said->ended_why != "terminated") {
    fate.kind = Kind::kEnded;
    return fate;
  }
  const std::string until =
      said == nullptr ? " before it said a word"
                      : " " + PrintShort(milliseconds(said->elapsed_ms)) + " after the start";
  if (pod == nullptr) {
    fate.kind = said == nullptr ? Kind::kMissing : Kind::kLost;
    fate.why = said == nullptr ? name + " is not there" : name + " went away" + until;
    return fate;
  }
  const bool runs = pod->phase == "Running" ||
                    (state != nullptr && state->kind == ContainerState::Kind::kRunning);
  if (!fate.over && !runs && said == nullptr) {
    const std::string why = WhyNotRunning(pod, protocol::kLoadContainer);
    fate.kind = Kind::kWaiting;
    fate.why = name + " has not started" + (why.empty() ? "" : ": " + why);
    return fate;
  }
  if (!fate.over) return fate;
  const auto view = world_.views.find(index);
  const bool mine = view != world_.views.end() && view->second.uid == pod->meta.uid;
  const bool heard =
      mine && (view->second.ends_after_it > 0 ||
               (view->second.over_since && now_ > *view->second.over_since + kHearOut));
  if (!heard) return fate;  // its last lines may be on their way
  fate.kind = Kind::kLost;
  fate.why =
      name +
      (said != nullptr && said->ended && said->gap ? " has lines that were lost" : " ended") +
      until + ": " + HowItEnded(*pod);
  return fate;
}

void Planner::FollowPods() {
  for (std::size_t i = 0; i < pods_.size(); ++i) {
    const PodFate& fate = pods_[i];
    if (fate.kind != PodFate::Kind::kRunning) continue;
    const int index = static_cast<int>(i);
    const auto said = world_.log->pods().find(index);
    const bool gap = said != world_.log->pods().end() && said->second.gap;
    Do(FollowPod{index, fate.pod->meta.key.name, fate.pod->meta.uid, fate.over, gap});
    if (fate.over) Wake(now_ + seconds(1));
  }
}

// No line that matters is still to come.
bool Planner::Settled() const {
  const bool nobody_comes =
      next_.stop || now_ >= *next_.ends_at || (world_.job && !world_.job->exists);
  return std::all_of(pods_.begin(), pods_.end(), [&](const PodFate& fate) {
    if (fate.kind == PodFate::Kind::kMissing || fate.kind == PodFate::Kind::kWaiting)
      return nobody_comes;
    return fate.kind != PodFate::Kind::kRunning;
  });
}

bool Planner::AnySaid() const { return !world_.log->pods().empty(); }

bool Planner::HeardAll() const {
  const auto all = next_.phases.find("all");
  if (all == next_.phases.end()) return true;
  std::int64_t heard = 0;
  for (const auto& [second, cell] : world_.log->Total().by_end) heard += cell.Judged();
  return heard >= all->second.requests;
}

// After this nobody is waited for.
TimePoint Planner::HardEnd() const {
  const milliseconds grace = workload_ ? workload_->executor.graceful_stop : milliseconds(0);
  const TimePoint end =
      next_.stop && next_.stop->at ? std::min(*next_.stop->at, *next_.ends_at) : *next_.ends_at;
  return end + grace + kSilent;
}

}  // namespace chaos::loadtest
