// One target whose injector died with its journal open: what it left is undone by a second one,
// from the word that the first had written down before it did anything.
#include <algorithm>

#include "controllers/chaosexperiment/bodies.h"
#include "controllers/chaosexperiment/planner.h"
#include "injectors/protocol/names.h"
#include "operator/base/time_text.h"

namespace chaos::experiment {
namespace {

constexpr seconds kTogether{2};  // victim and injector end in one moment; the kubelet looks once a
                                 // second
constexpr seconds kOverdue{10};

std::string How(const ContainerState& dead) {
  const std::string code = "exit code " + std::to_string(dead.exit_code);
  return dead.reason.empty() ? code : dead.reason + ", " + code;
}

}  // namespace

void Planner::LeftBehind(TargetStatus& target, const Pod& pod, const ContainerState& dead,
                         const Said& said) {
  const TimePoint at = std::chrono::floor<milliseconds>(dead.finished.value_or(now_));
  const std::string lost = "the injector died (" + How(dead) + ") while the fault was on; ";
  // With the container everything went that the fault had changed.
  const TimePoint since = said.applied_at.value_or(dead.started.value_or(at));
  if (const std::optional<Death> death = FindDeath(*target.intent, pod, since)) {
    target.reverted_at = std::max(death->ending.finished.value_or(at), since);
    return End(target, "Clean", at, "TargetGone",
               "container " + target.intent->container + " ended (exit code " +
                   std::to_string(death->ending.exit_code) +
                   (death->ending.reason.empty() ? "" : ", " + death->ending.reason) +
                   ") while the fault was on, and the fault with it");
  }
  target.state = "Reverting";
  if (now_ > at + kTogether + kOverdue) revert_overdue_ = true;
  Wake(at + kTogether + kOverdue + milliseconds(1));
  if (now_ <= at + kTogether) return Wake(at + kTogether + milliseconds(1));

  const std::string name = protocol::ReverterName(run_);
  const bool there =
      std::find(pod.sidecars.begin(), pod.sidecars.end(), name) != pod.sidecars.end();
  const TargetView& view = View(target.uid);
  if (!there && view.reverter_error) {
    target.message =
        lost + "the one that should undo it was refused: " + view.reverter_error->detail;
    return;
  }
  if (!there)
    return Do(LaunchReverter{target.pod, target.uid,
                             ReverterPatch(*target.intent, run_, said.undo, target.uid)});
  const ContainerState* second = pod.State(name);
  if (second == nullptr || second->kind != ContainerState::Kind::kTerminated) return;
  const std::optional<protocol::Record> record = protocol::ParseRecord(second->message);
  if (record && record->state == "reverted" && record->run == run_) {
    target.reverted_at = record->reverted ? std::chrono::floor<milliseconds>(*record->reverted)
                                          : second->finished.value_or(now_);
    return End(target, "Clean", std::max(*target.reverted_at, at), "InjectorLost",
               lost + "a second one has undone it");
  }
  target.message = lost + "the one that should undo it could not (" + How(*second) +
                   (record ? ", " + record->code : "") +
                   "): replace the pod, or give it up with annotation " +
                   std::string(protocol::kReleaseAnnotation);
}

}  // namespace chaos::experiment
