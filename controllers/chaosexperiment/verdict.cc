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

std::optional<Spans> SpansOf(const Status& status, TimePoint now) {
  std::optional<TimePoint> applied, reverted;
  for (const TargetStatus& target : status.targets) {
    if (!target.injected_at) continue;
    applied = std::min(*target.injected_at, applied.value_or(*target.injected_at));
    const std::optional<TimePoint> end = target.reverted_at ? target.reverted_at : target.clean_at;
    if (end) reverted = std::max(*end, reverted.value_or(*end));
  }
  if (!applied || !reverted) return std::nullopt;
  const TimePoint start = status.baseline_started_at.value_or(status.started_at.value_or(*applied));
  return Spans{{start, *applied}, {*applied, *reverted}, {*reverted, now}, *applied, *reverted};
}

void FillCounts(const Spec& spec, const SampleLog& samples, const Spans& spans, Status& status) {
  status.probes.clear();
  for (const ProbeSpec& probe : spec.probes) {
    const std::vector<Sample>& all = samples.Of(probe.name);
    status.probes.push_back({probe.name, CountIn(all, spans.before), CountIn(all, spans.during),
                             CountIn(all, spans.after), samples.LastError(probe.name)});
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
  if (verified) status.timings.to_effect = PrintShort(*verified - spans.applied);
  if (clean)
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
  return Judgement{"Failed", "NotDetected",
                   "probe " + probe->name + " stayed good for " +
                       PrintDuration(spec.detect->within) +
                       " after the fault was on: nobody noticed"};
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
  const std::optional<Spans> spans = SpansOf(status, now);
  if (spans) {
    FillCounts(spec, samples, *spans, status);
    FillTimings(spec, *spans, status);
  }
  if (std::optional<Judgement> broken = JudgeTargets(status)) return broken;
  if (!spans) return Judgement{"Inconclusive", "NoEffect", "no target was hit"};
  const bool nothing_to_wait_for =
      spec.probes.empty() || std::none_of(spec.probes.begin(), spec.probes.end(),
                                          [](const ProbeSpec& p) { return p.after; });
  if (nothing_to_wait_for) return MissingData(spec, status);

  bool detection_pending = false;
  const std::optional<Judgement> detection =
      JudgeDetection(spec, samples, *spans, now, status, detection_pending);
  const Recovery recovery = FindRecovery(spec, samples, spans->reverted, now);
  if (recovery.at) status.timings.to_recover = PrintShort(*recovery.at - spans->reverted);
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
  if (recovery.state == Recovery::State::kTooLate) {
    return Judgement{
        "Failed", "NotRecovered",
        "not good again for " + PrintDuration(spec.recovery_stable_for) + " within " +
            PrintDuration(spec.recovery_within) + " after the fault ended" +
            (recovery.waiting_for.empty() ? ""
                                          : "; last waited for probe " + recovery.waiting_for)};
  }
  return Judgement{"Passed", "", ""};
}

std::string Summarize(const Spec& spec, const Status& status, const Judgement& judgement) {
  std::string who, dropped;
  std::optional<microseconds> lasted;
  for (const TargetStatus& target : status.targets) {
    if (!target.injected_at || !target.verified_at) continue;  // said only of what was measured
    who += (who.empty() ? "" : ", ") + target.pod;
    const auto end = target.reverted_at ? target.reverted_at : target.clean_at;
    if (end) lasted = std::max(*end - *target.injected_at, lasted.value_or(microseconds(0)));
    if (const auto found = target.measured.find("packetsDropped"); found != target.measured.end())
      dropped = found->second;
  }
  std::string text;
  if (!who.empty() && spec.fault_key == "partition") {
    const std::size_t peers = static_cast<std::size_t>(
        std::count_if(status.resolved.peers.begin(), status.resolved.peers.end(),
                      [](const PeerStatus& p) { return p.name.starts_with("pod "); }));
    text = who + " cut off from " + std::to_string(peers) + (peers == 1 ? " peer" : " peers");
    if (lasted) text += " for " + PrintShort(*lasted);
    if (!dropped.empty() && status.targets.size() == 1)
      text += " (" + dropped + " packets dropped)";
    if (!status.timings.to_detect.empty()) text += "; noticed after " + status.timings.to_detect;
    if (!status.timings.to_recover.empty())
      text += "; good again " + status.timings.to_recover + " after the end";
  }
  if (!judgement.message.empty()) text += (text.empty() ? "" : "; ") + judgement.message;
  return text.substr(0, 1000);
}

}  // namespace chaos::experiment
