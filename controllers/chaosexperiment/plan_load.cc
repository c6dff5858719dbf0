// Plans for the load that a run owns: it flows before the baseline, and ends after recovery.
#include <algorithm>

#include "controllers/chaosexperiment/planner.h"
#include "operator/base/time_text.h"

namespace chaos::experiment {
namespace {

// Past the moment from which the load may end, beyond what its requests are granted.
constexpr seconds kLoadEnd{120};
constexpr seconds kLoadStart{120};  // for it to flow after the run has started

}  // namespace

// The figures go to our status when the load changes its phase; its own has them as they are.
void Planner::NoteLoad() {
  if (!next_.load || !world_.load) return;
  LoadStatus& noted = *next_.load;
  if (noted.uid.empty()) noted.uid = world_.load->meta.uid;
  if (noted.phase != world_.load->status.phase || IsOver(*world_.load))
    TakeFrom(*world_.load, noted);
}

// The object that this run's load is made of, or why there is none (kNotFound: not yet).
Result<Json> Planner::LoadObject() const {
  if (spec_.load->ref.empty()) return OwnedLoad(experiment_, run_, nullptr);
  if (!world_.referred_load)
    return Error{Reason::kNotFound, "load test " + spec_.load->ref + " is being read", {}, 0};
  if (!*world_.referred_load) return world_.referred_load->error();
  return OwnedLoad(experiment_, run_, &**world_.referred_load);
}

seconds Planner::LoadStart() const { return spec_.load ? kLoadStart : seconds(0); }

// True: it flows, or it did so when the baseline began.
bool Planner::LoadReady() {
  if (world_.load_error) {
    Conclude({"Inconclusive", "Refused", "the load was refused: " + world_.load_error->detail});
    return false;
  }
  const TimePoint limit = *next_.started_at + kLoadStart;
  if (!world_.load) {
    if (!next_.load->uid.empty()) {
      Conclude({"Inconclusive", "NoData", "load " + next_.load->name + " was deleted"});
      return false;
    }
    const Result<Json> object = LoadObject();
    if (object)
      Do(CreateLoad{*object});
    else if (object.error().reason != Reason::kNotFound || now_ > limit)
      Conclude({"Inconclusive", "Refused", "the load: " + object.error().detail});
    else
      Wake(now_ + seconds(1));
    return false;
  }
  if (IsOver(*world_.load)) {
    Conclude(*JudgeBaseline(*world_.load));
    return false;
  }
  if (next_.baseline_started_at || Flows(*world_.load)) return true;
  if (now_ <= limit) {
    Wake(limit + milliseconds(1));
    return false;
  }
  const kube::Condition* ready = kube::FindCondition(world_.load->status.conditions, "Ready");
  Conclude({"Inconclusive", "NoData",
            "load " + next_.load->name + " did not flow within " + PrintDuration(kLoadStart) +
                (ready && !ready->message.empty() ? ": " + ready->message : "")});
  return false;
}

bool Planner::LoadHolds() {
  if (!next_.load || !world_.load) return true;
  const std::optional<Judgement> against = JudgeBaseline(*world_.load);
  if (against) Conclude(*against);
  return !against;
}

// A load that ended itself because of abortOnFail ends the run.
void Planner::NoticeBrokenLoad() {
  if (next_.stop || !next_.load || !world_.load || next_.load->stop_at) return;
  if (IsOver(*world_.load) && world_.load->status.verdict == "Failed") {
    next_.stop =
        StopStatus{("load " + next_.load->name + ": " + world_.load->status.summary).substr(0, 512),
                   "Load", now_};
  }
}

// True: there is no load, or it is over and judged. Else it is told that it may end.
bool Planner::LoadEnded() {
  if (!next_.load || !world_.load || IsOver(*world_.load)) return true;
  next_.phase = "Recovering";
  if (!next_.load->stop_at) {
    next_.load->stop_at = now_;
    return false;
  }
  const auto& executor = world_.load->spec.executor;
  const TimePoint limit =
      *next_.load->stop_at + kLoadEnd + (executor ? executor->graceful_stop : seconds(30));
  if (now_ > limit) return true;
  Wake(limit + milliseconds(1));
  return false;
}

}  // namespace chaos::experiment
