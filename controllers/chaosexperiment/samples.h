// What the probes of a run said, and what follows from it. Pure: samples in, judgements out.
// Times are the intended starts of the samples, on the probe pod's clock.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controllers/chaosexperiment/types.h"
#include "injectors/protocol/events.h"

namespace chaos::experiment {

struct Sample {
  TimePoint at{};
  bool ok = false;
  milliseconds took{0};
};

// All samples of one run, collected from the probe pod's log; a line that comes twice counts once.
class SampleLog {
 public:
  void Add(const protocol::Event& event);
  // A sample that the operator took itself. A second one for the same or an earlier moment of the
  // probe is ignored.
  void AddOwn(const std::string& probe, const Sample& sample, const std::string& error);
  // Samples of one probe, sorted by time; empty when it never ran.
  const std::vector<Sample>& Of(const std::string& probe) const;
  std::string LastError(const std::string& probe) const;
  // When the probe pod last wrote anything, by its own clock; nullopt before its first line.
  std::optional<TimePoint> LastLine() const { return last_line_; }
  bool Started() const { return last_seq_ > 0; }
  bool Ended() const { return ended_; }
  std::int64_t last_seq() const { return last_seq_; }

 private:
  std::map<std::string, std::vector<Sample>> samples_;
  std::map<std::string, std::string> last_error_;
  std::optional<TimePoint> last_line_;
  std::int64_t last_seq_ = 0;
  bool ended_ = false;
};

struct Span {  // [from, to)
  TimePoint from{}, to{};
};

// A sample that was under way when the span began, and failed in it: what happened in the span
// broke it, although its intended start was before.
bool BrokenBy(const Sample& sample, const Span& span);

PhaseCount CountIn(const std::vector<Sample>& samples, const Span& span);

// The moment from which every probe that counts Before had been good at least once: the baseline
// starts here.
std::optional<TimePoint> FirstAllGood(const std::vector<ProbeSpec>& probes, const SampleLog& log);

// When the first failure in the span was there: the intended start of a failing sample, or the end
// of one that was under way when the span began.
std::optional<TimePoint> FirstFailure(const std::vector<Sample>& samples, const Span& span);

// First good sample after a failing one, both in the span, that was over by its end.
std::optional<TimePoint> FirstSuccessAgain(const std::vector<Sample>& samples, const Span& span);

// Whether there is a stretch of the span, longer than a few intervals, without a sample.
bool HasGap(const std::vector<Sample>& samples, milliseconds interval, const Span& span);

// The newest moment of a schedule of every `interval` that is not after `now`.
TimePoint LastTick(TimePoint now, milliseconds interval);

// Whether the newest samples of a probe, up to `now`, have failed without a break for at least
// `lasting`.
bool FailingFor(const std::vector<Sample>& samples, TimePoint now, milliseconds lasting);

struct Recovery {
  enum class State { kNotYet, kRecovered, kTooLate, kNoData } state = State::kNotYet;
  std::optional<TimePoint> at;  // first sample of the stable window
  std::string waiting_for;      // the probe that was not good last
};
// Looks for the first window of `stable_for` after `reverted` in which every probe that counts
// After only had good samples, at the rate of its interval. kTooLate once no window can start by
// `latest` any more; kNoData when a probe has said nothing since `reverted` although it is past
// that time plus its timeout.
Recovery FindRecovery(const Spec& spec, const SampleLog& log, TimePoint reverted, TimePoint latest,
                      TimePoint now);

}  // namespace chaos::experiment
