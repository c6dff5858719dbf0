#include "controllers/chaosexperiment/verdict.h"

#include <algorithm>

#include "operator/base/time_text.h"

namespace chaos::experiment {
namespace {

// How long after its timeout a sample may still be on its way to us.
constexpr seconds kLag{5};

struct Spans {
  Span before, during, after;
  TimePoint applied{}, reverted{};
};

// The end of the fault on one target. One that ended a process has no revert: it lasts until the
// victim is back, for recovery.within at most. The kubelet tells whole seconds, rounded down: that
// it runs again is sure at the end of that second, and what the fault may have touched is During.
std::optional<TimePoint> BackFor(const Spec& spec, const TargetStatus& target) {
  if (!target.back_at || spec.EndsChild()) return target.back_at;
  return *target.back_at + seconds(1);
}

std::optional<TimePoint> EndOn(const Spec& spec, const TargetStatus& target) {
  if (!spec.AtOnce()) return target.reverted_at ? target.reverted_at : target.clean_at;
  return BackFor(spec, target).value_or(*target.injected_at + spec.recovery_within);
}

std::optional<Spans> SpansOf(const Spec& spec, const Status& status, TimePoint now) {
  std::optional<TimePoint> applied, reverted;
  for (const TargetStatus& target : status.targets) {
    if (!target.injected_at) continue;
    applied = std::min(*target.injected_at, applied.value_or(*target.injected_at));
    const std::optional<TimePoint> end = EndOn(spec, target);
    if (end) reverted = std::max(*end, reverted.value_or(*end));
  }
  if (!applied || !reverted) return std::nullopt;
  if (spec.AtOnce()) reverted = std::min(*reverted, *applied + spec.recovery_within);
  const TimePoint start = status.baseline_started_at.value_or(status.started_at.value_or(*applied));
  return Spans{{start, *applied}, {*applied, *reverted}, {*reverted, now}, *applied, *reverted};
}

// The victim that is still down, or nullptr.
const TargetStatus* StillDown(const Spec& spec, const Status& status) {
  if (!spec.AtOnce()) return nullptr;
  for (const TargetStatus& target : status.targets) {
    if (target.verified_at && !target.back_at) return &target;
  }
  return nullptr;
}

const ProbeStatus* FindStatus(const std::vector<ProbeStatus>& all, const std::string& name) {
  for (const ProbeStatus& one : all) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

void FillCounts(const Spec& spec, const SampleLog& samples, const Spans& spans, Status& status) {
  const std::vector<ProbeStatus> kept = std::move(status.probes);
  status.probes.clear();
  for (const ProbeSpec& probe : spec.probes) {
    const std::vector<Sample>& all = samples.Of(probe.name);
    ProbeStatus now{probe.name, CountIn(all, spans.before), CountIn(all, spans.during),
                    CountIn(all, spans.after), samples.LastError(probe.name)};
    for (const Sample& sample : all) {  // under way when the fault came: of its time, not of before
      if (!BrokenBy(sample, spans.during)) continue;
      now.during = {now.during.samples + 1, now.during.failed + 1};
      if (sample.at < spans.before.from) continue;
      now.before = {now.before.samples - 1, now.before.failed - 1};
    }
    const ProbeStatus* old = probe.ByOperator() ? FindStatus(kept, probe.name) : nullptr;
    if (old != nullptr && old->before.samples > now.before.samples) now.before = old->before;
    status.probes.push_back(std::move(now));
  }
}

// The probes cannot tell two moments apart that lie closer together than their samples.
std::string Precision(const Spec& spec) {
  milliseconds coarsest{0};
  for (const ProbeSpec& probe : spec.probes) {
    const bool used = probe.after || (spec.detect && spec.detect->probe == probe.name);
    if (used) coarsest = std::max(coarsest, probe.arguments.interval);
  }
  return coarsest == milliseconds(0) ? "" : PrintDuration(coarsest);
}

// When all that had failed worked again although the victim was still down: another replica does
// its work. Asked of the inference probes, else of the one that detects.
std::optional<TimePoint> Rerouted(const Spec& spec, const SampleLog& samples, const Spans& spans,
                                  TimePoint first_back) {
  const bool inference =
      std::any_of(spec.probes.begin(), spec.probes.end(), [](const ProbeSpec& p) {
        return !p.ByOperator() && p.arguments.kind == protocol::ProbeKind::kInference;
      });
  const Span down{spans.applied, first_back};
  std::optional<TimePoint> latest;
  for (const ProbeSpec& probe : spec.probes) {
    const bool asked =
        !probe.ByOperator() && (inference ? probe.arguments.kind == protocol::ProbeKind::kInference
                                          : spec.detect && spec.detect->probe == probe.name);
    if (!asked || !FirstFailure(samples.Of(probe.name), down)) continue;
    const std::optional<TimePoint> again = FirstSuccessAgain(samples.Of(probe.name), down);
    if (!again) return std::nullopt;
    latest = std::max(*again, latest.value_or(*again));
  }
  return latest;
}

// The kubelet tells whole seconds: below one there is nothing to tell.
std::string ByTheKubelet(microseconds span) { return span < seconds(1) ? "<1s" : PrintShort(span); }

void FillVictims(const Spec& spec, const SampleLog& samples, const Spans& spans, Status& status) {
  std::optional<TimePoint> first_back;
  std::optional<microseconds> waited;
  for (const TargetStatus& target : status.targets) {
    if (!target.verified_at) continue;
    const TimePoint back = target.back_at.value_or(spans.reverted);
    first_back = std::min(back, first_back.value_or(back));
    if (!target.ended_at || !target.back_at) continue;
    const TimePoint ended = std::max(*target.ended_at, *target.injected_at);  // whole seconds
    if (*target.back_at >= ended)
      waited = std::max(*target.back_at - ended, waited.value_or(microseconds(0)));
  }
  if (!first_back) return;
  if (StillDown(spec, status) == nullptr)
    status.timings.to_restart = PrintShort(spans.reverted - spans.applied);
  if (waited) status.timings.back_off = ByTheKubelet(*waited);
  if (const auto rerouted = Rerouted(spec, samples, spans, *first_back))
    status.timings.to_reroute = PrintShort(*rerouted - spans.applied);
}

void FillTimings(const Spec& spec, const Spans& spans, Status& status) {
  status.timings.precision = Precision(spec);
  std::optional<TimePoint> verified, clean;
  for (const TargetStatus& target : status.targets) {
    if (target.verified_at)
      verified = std::max(*target.verified_at, verified.value_or(*target.verified_at));
    if (target.clean_at) clean = std::max(*target.clean_at, clean.value_or(*target.clean_at));
  }
  if (status.intended_at)
    status.timings.to_inject = PrintShort(spans.applied - *status.intended_at);
  if (verified) {
    const microseconds effect = *verified - spans.applied;
    const bool told = spec.EndsProcess() && !spec.EndsChild();
    status.timings.to_effect = told ? ByTheKubelet(effect) : PrintShort(effect);
  }
  if (clean && !spec.AtOnce())
    status.timings.to_clean = PrintShort(std::max(microseconds(0), *clean - spans.reverted));
}

std::string Of(const PhaseCount& count) {
  return std::to_string(count.failed) + " of " + std::to_string(count.samples) + " samples";
}

// A phase in which a probe counts and has nothing to show.
std::optional<Judgement> MissingData(const Spec& spec, const Status& status) {
  if (spec.probes.empty()) {
    return Judgement{
        "Inconclusive", "NoData",
        "there are no probes: the fault was verified, but nothing says how the system took it"};
  }
  const bool any_after = std::any_of(spec.probes.begin(), spec.probes.end(),
                                     [](const ProbeSpec& p) { return p.after; });
  if (!any_after)
    return Judgement{
        "Inconclusive", "NoData",
        "no probe counts in phase After, so nothing says whether the system recovered"};
  for (std::size_t i = 0; i < spec.probes.size(); ++i) {
    const ProbeSpec& probe = spec.probes[i];
    const ProbeStatus& count = status.probes[i];
    const char* phase = probe.before && count.before.samples == 0   ? "Before"
                        : probe.during && count.during.samples == 0 ? "During"
                        : probe.after && count.after.samples == 0   ? "After"
                                                                    : nullptr;
    if (phase)
      return Judgement{"Inconclusive", "NoData",
                       "probe " + probe.name + " has no sample in phase " + phase};
  }
  return std::nullopt;
}

const ProbeSpec* FindProbe(const Spec& spec, const std::string& name) {
  for (const ProbeSpec& probe : spec.probes) {
    if (probe.name == name) return &probe;
  }
  return nullptr;
}

// Sets toDetect. `pending`: the time to notice is not over, or its samples may still be on their
// way.
std::optional<Judgement> JudgeDetection(const Spec& spec, const SampleLog& samples,
                                        const Spans& spans, TimePoint now, Status& status,
                                        bool& pending) {
  if (!spec.detect) return std::nullopt;
  const ProbeSpec* probe = FindProbe(spec, spec.detect->probe);
  if (probe == nullptr)
    return Judgement{"Inconclusive", "NoData", "spec.detect names no probe of this experiment"};
  const TimePoint limit = spans.applied + spec.detect->within;
  const std::optional<TimePoint> noticed =
      FirstFailure(samples.Of(probe->name), {spans.applied, limit});
  if (noticed) {
    status.timings.to_detect = PrintShort(*noticed - spans.applied);
    return std::nullopt;
  }
  pending = now < limit + probe->arguments.timeout + kLag;
  if (probe->ByOperator() && !pending &&
      HasGap(samples.Of(probe->name), probe->arguments.interval, {spans.applied, limit}))
    return Judgement{"Inconclusive", "NoData",
                     "probe " + probe->name + " was not asked all the time: no operator was there"};
  return Judgement{"Failed", "NotDetected",
                   "probe " + probe->name + " stayed good for " +
                       PrintDuration(spec.detect->within) +
                       " after the fault was on: nobody noticed"};
}

// A probe of the operator's own that nobody asked for a while, in the time to recover.
bool Unasked(const Spec& spec, const SampleLog& samples, const Spans& spans, TimePoint latest) {
  return std::any_of(spec.probes.begin(), spec.probes.end(), [&](const ProbeSpec& probe) {
    return probe.ByOperator() && probe.after &&
           HasGap(samples.Of(probe.name), probe.arguments.interval, {spans.reverted, latest});
  });
}

std::optional<Judgement> JudgePhase(const Spec& spec, const Status& status, bool before) {
  for (std::size_t i = 0; i < spec.probes.size(); ++i) {
    const ProbeStatus& count = status.probes[i];
    if (before && spec.probes[i].before && count.before.failed > 0) {
      return Judgement{"Inconclusive", "SteadyStateNotMet",
                       "probe " + count.name + " failed in " + Of(count.before) +
                           " before the fault" +
                           (count.last_error.empty() ? "" : ": " + count.last_error)};
    }
    if (!before && spec.probes[i].during && count.during.failed > 0) {
      return Judgement{"Failed", "ExpectationNotMet",
                       "probe " + count.name + " failed in " + Of(count.during) +
                           " during the fault" +
                           (count.last_error.empty() ? "" : ": " + count.last_error)};
    }
  }
  return std::nullopt;
}

std::string Join(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts) joined += (joined.empty() ? "" : "; ") + text;
  return joined;
}

}  // namespace

FaultTime FaultTimeOf(const Spec& spec, const Status& status) {
  FaultTime time;
  bool ended = true;
  const bool over = status.finished_at || (status.load && status.load->stop_at);
  for (const TargetStatus& target : status.targets) {
    ended = ended && target.Ended();
    if (!target.injected_at) continue;
    time.from = std::min(*target.injected_at, time.from.value_or(*target.injected_at));
    // A victim that is down may come back, as long as the run goes on.
    const std::optional<TimePoint> end =
        spec.AtOnce() && !over ? BackFor(spec, target) : EndOn(spec, target);
    if (end) time.to = std::max(*end, time.to.value_or(*end));
    ended = ended && end;
  }
  if (!ended) time.to.reset();
  return time;
}

std::optional<Judgement> JudgeTargets(const Status& status) {
  for (const TargetStatus& target : status.targets) {
    if (!target.reason.empty()) {
      return Judgement{
          "Inconclusive", target.reason,
          "pod " + target.pod + ": " + (target.message.empty() ? target.state : target.message)};
    }
  }
  return std::nullopt;
}

std::optional<Judgement> Judge(const Spec& spec, const SampleLog& samples, TimePoint now,
                               Status& status) {
  const std::optional<Spans> spans = SpansOf(spec, status, now);
  if (spans) {
    FillCounts(spec, samples, *spans, status);
    FillTimings(spec, *spans, status);
    if (spec.AtOnce()) FillVictims(spec, samples, *spans, status);
  }
  if (std::optional<Judgement> broken = JudgeTargets(status)) return broken;
  if (!spans) return Judgement{"Inconclusive", "NoEffect", "no target was hit"};
  const TimePoint latest =
      (spec.AtOnce() ? spans->applied : spans->reverted) + spec.recovery_within;
  const TargetStatus* down = StillDown(spec, status);
  if (down != nullptr && now <= latest + kLag) return std::nullopt;
  const bool nothing_to_wait_for =
      spec.probes.empty() || std::none_of(spec.probes.begin(), spec.probes.end(),
                                          [](const ProbeSpec& p) { return p.after; });
  if (nothing_to_wait_for) return MissingData(spec, status);

  bool detection_pending = false;
  const std::optional<Judgement> detection =
      JudgeDetection(spec, samples, *spans, now, status, detection_pending);
  Recovery recovery = FindRecovery(spec, samples, spans->reverted, latest, now);
  if (recovery.state == Recovery::State::kTooLate && Unasked(spec, samples, *spans, latest))
    recovery.state = Recovery::State::kNoData;
  if (recovery.at && down == nullptr)
    status.timings.to_recover =
        PrintShort(*recovery.at - (spec.AtOnce() ? spans->applied : spans->reverted));
  if (recovery.state == Recovery::State::kNotYet || (detection && detection_pending))
    return std::nullopt;

  if (std::optional<Judgement> unsteady = JudgePhase(spec, status, true)) return unsteady;
  if (recovery.state == Recovery::State::kNoData) {
    return Judgement{"Inconclusive", "NoData",
                     "probe " + recovery.waiting_for + " has no sample after the fault"};
  }
  if (std::optional<Judgement> missing = MissingData(spec, status)) return missing;
  if (status.coverage == "Partial")
    return Judgement{"Inconclusive", "PartialCoverage",
                     "not covered by the fault: " + Join(status.coverage_missing)};
  if (detection) return detection;
  if (std::optional<Judgement> unmet = JudgePhase(spec, status, false)) return unmet;
  if (down != nullptr) {
    const std::string within = " within " + PrintDuration(spec.recovery_within);
    if (spec.pod)
      return Judgement{"Failed", "NotRecovered",
                       "no replacement of pod " + down->pod + " was ready" + within};
    return Judgement{
        "Failed", "NotRecovered",
        "container " + down->container + " of pod " + down->pod + " did not run again" + within};
  }
  if (recovery.state == Recovery::State::kTooLate) {
    return Judgement{
        "Failed", "NotRecovered",
        "not good again for " + PrintDuration(spec.recovery_stable_for) + " within " +
            PrintDuration(spec.recovery_within) +
            (spec.AtOnce() ? " after the fault" : " after the fault ended") +
            (recovery.waiting_for.empty() ? ""
                                          : "; last waited for probe " + recovery.waiting_for)};
  }
  return Judgement{"Passed", "", ""};
}

void KeepBefore(const Spec& spec, const SampleLog& samples, TimePoint now, Status& status) {
  const TimePoint from = status.baseline_started_at.value_or(status.started_at.value_or(now));
  status.probes.clear();
  for (const ProbeSpec& probe : spec.probes) {
    if (!probe.ByOperator()) continue;
    status.probes.push_back({probe.name, CountIn(samples.Of(probe.name), {from, now}), {}, {}, ""});
  }
}

}  // namespace chaos::experiment
