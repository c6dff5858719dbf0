#include "controllers/chaosexperiment/samples.h"

#include <algorithm>

namespace chaos::experiment {
namespace {

// How much longer than its timeout a sample may take to reach us through the log.
constexpr seconds kLogLag{5};

std::vector<Sample>::const_iterator FirstAtOrAfter(const std::vector<Sample>& samples,
                                                   TimePoint time) {
  return std::lower_bound(samples.begin(), samples.end(), time,
                          [](const Sample& s, TimePoint t) { return s.at < t; });
}

// Where the stable window of one probe can start at the earliest, given that it must start at or
// after `from`.
struct Window {
  enum class State { kFound, kMissing, kFailed } state;
  TimePoint next{};  // kFailed: the sample after the last bad one must be the start
};

Window TryWindow(const ProbeSpec& probe, const std::vector<Sample>& samples, TimePoint from,
                 milliseconds stable_for) {
  const TimePoint end = from + stable_for;
  std::int64_t good = 0;
  TimePoint last_bad{};
  bool bad = false;
  for (auto s = FirstAtOrAfter(samples, from); s != samples.end() && s->at <= end; ++s) {
    if (s->ok) {
      ++good;
    } else {
      bad = true;
      last_bad = s->at;
    }
  }
  if (bad) return {Window::State::kFailed, last_bad + microseconds(1)};
  // Every interval must have its sample: one that is missing may still turn out bad.
  const std::int64_t expected = std::max<std::int64_t>(1, stable_for / probe.arguments.interval);
  return {good >= expected ? Window::State::kFound : Window::State::kMissing, from};
}

}  // namespace

void SampleLog::Add(const protocol::Event& event) {
  if (event.seq <= last_seq_) return;
  last_seq_ = event.seq;
  last_line_ = std::max(event.at, last_line_.value_or(event.at));
  if (event.event == "ended") ended_ = true;
  if (event.event != "sample" || event.probe.empty()) return;
  std::vector<Sample>& samples = samples_[event.probe];
  const Sample sample{event.at, event.ok, event.took};
  samples.insert(std::upper_bound(samples.begin(), samples.end(), sample,
                                  [](const Sample& a, const Sample& b) { return a.at < b.at; }),
                 sample);
  if (!event.ok) last_error_[event.probe] = event.message.substr(0, 512);
}

void SampleLog::AddOwn(const std::string& probe, const Sample& sample, const std::string& error) {
  std::vector<Sample>& samples = samples_[probe];
  if (!samples.empty() && samples.back().at >= sample.at) return;
  samples.push_back(sample);
  if (!sample.ok) last_error_[probe] = error.substr(0, 512);
}

const std::vector<Sample>& SampleLog::Of(const std::string& probe) const {
  static const std::vector<Sample> kNone;
  const auto found = samples_.find(probe);
  return found == samples_.end() ? kNone : found->second;
}

std::string SampleLog::LastError(const std::string& probe) const {
  const auto found = last_error_.find(probe);
  return found == last_error_.end() ? "" : found->second;
}

bool BrokenBy(const Sample& sample, const Span& span) {
  const TimePoint end = sample.at + sample.took;
  return !sample.ok && sample.at < span.from && end >= span.from && end < span.to;
}

PhaseCount CountIn(const std::vector<Sample>& samples, const Span& span) {
  PhaseCount count;
  for (auto s = FirstAtOrAfter(samples, span.from); s != samples.end() && s->at < span.to; ++s) {
    ++count.samples;
    count.failed += !s->ok;
  }
  return count;
}

std::optional<TimePoint> FirstAllGood(const std::vector<ProbeSpec>& probes, const SampleLog& log) {
  std::optional<TimePoint> latest;
  for (const ProbeSpec& probe : probes) {
    const std::vector<Sample>& samples = log.Of(probe.name);
    if (!probe.before) continue;
    const auto good =
        std::find_if(samples.begin(), samples.end(), [](const Sample& s) { return s.ok; });
    if (good == samples.end()) return std::nullopt;
    latest = std::max(good->at, latest.value_or(good->at));
  }
  return latest ? latest : log.LastLine();
}

std::optional<TimePoint> FirstFailure(const std::vector<Sample>& samples, const Span& span) {
  std::optional<TimePoint> under_way;
  for (const Sample& s : samples) {
    if (s.at >= span.from) break;
    if (BrokenBy(s, span))
      under_way = std::min(s.at + s.took, under_way.value_or(TimePoint::max()));
  }
  for (auto s = FirstAtOrAfter(samples, span.from); s != samples.end() && s->at < span.to; ++s) {
    if (!s->ok) return std::min(s->at, under_way.value_or(s->at));
  }
  return under_way;
}

std::optional<TimePoint> FirstSuccessAgain(const std::vector<Sample>& samples, const Span& span) {
  bool failed = std::any_of(samples.begin(), samples.end(),
                            [&](const Sample& s) { return BrokenBy(s, span); });
  for (auto s = FirstAtOrAfter(samples, span.from); s != samples.end() && s->at < span.to; ++s) {
    if (failed && s->ok && s->at + s->took <= span.to) return s->at;
    failed = failed || !s->ok;
  }
  return std::nullopt;
}

bool HasGap(const std::vector<Sample>& samples, milliseconds interval, const Span& span) {
  const milliseconds most = 3 * interval;
  TimePoint last = span.from;
  for (auto s = FirstAtOrAfter(samples, span.from); s != samples.end() && s->at < span.to; ++s) {
    if (s->at - last > most) return true;
    last = s->at;
  }
  return span.to - last > most;
}

TimePoint LastTick(TimePoint now, milliseconds interval) {
  const microseconds since = now.time_since_epoch();
  return TimePoint(since - since % microseconds(interval));
}

bool FailingFor(const std::vector<Sample>& samples, TimePoint now, milliseconds lasting) {
  std::optional<TimePoint> since;
  for (auto s = samples.rbegin(); s != samples.rend() && !s->ok; ++s) since = s->at;
  return since && now - *since >= lasting;
}

Recovery FindRecovery(const Spec& spec, const SampleLog& log, TimePoint reverted,
                      TimePoint latest_start, TimePoint now) {
  Recovery recovery;
  TimePoint from = reverted;
  milliseconds slowest{0};
  for (const ProbeSpec& probe : spec.probes) {
    if (probe.after) slowest = std::max(slowest, probe.arguments.timeout);
  }
  const bool all_in = now > latest_start + spec.recovery_stable_for + slowest + kLogLag;
  bool missing = false;
  for (bool moved = true; moved && from <= latest_start;) {
    moved = missing = false;
    std::optional<TimePoint> first;
    for (const ProbeSpec& probe : spec.probes) {
      if (!probe.after) continue;
      const std::vector<Sample>& samples = log.Of(probe.name);
      const Window window = TryWindow(probe, samples, from, spec.recovery_stable_for);
      if (window.state == Window::State::kFailed) {
        from = window.next;
        moved = true;
        recovery.waiting_for = probe.name;
        break;
      }
      if (window.state == Window::State::kMissing) {
        if (probe.ByOperator()) {  // taken at once: what is missing now stays missing
          const auto next = FirstAtOrAfter(samples, from + microseconds(1));
          if (next != samples.end() && samples.back().at > from + spec.recovery_stable_for) {
            from = next->at;
            moved = true;
            break;
          }
        }
        missing = true;
        if (recovery.waiting_for.empty()) recovery.waiting_for = probe.name;
      }
      const auto start = FirstAtOrAfter(samples, from);
      if (start != samples.end()) first = std::max(start->at, first.value_or(start->at));
    }
    if (!moved && !missing && first) {
      recovery.state = Recovery::State::kRecovered;
      recovery.at = first;
      return recovery;
    }
  }
  if (from > latest_start) {
    recovery.state = Recovery::State::kTooLate;
  } else if (missing && all_in) {
    const bool silent =
        std::any_of(spec.probes.begin(), spec.probes.end(), [&](const ProbeSpec& probe) {
          return probe.after && CountIn(log.Of(probe.name), {reverted, now}).samples == 0;
        });
    recovery.state = silent ? Recovery::State::kNoData : Recovery::State::kTooLate;
  }
  return recovery;
}

}  // namespace chaos::experiment
