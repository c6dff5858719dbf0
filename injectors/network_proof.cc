#include "injectors/network_proof.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "injectors/aim.h"
#include "injectors/protocol/events.h"
#include "operator/base/time_text.h"

namespace chaos::inject {
namespace {

// A lost SYN is sent again after 1 s: what is answered this much later than it should is not lost.
constexpr nanoseconds kSlack = milliseconds(400);
constexpr nanoseconds kLeastGap = milliseconds(5);
constexpr int kDelayTries = 20, kLeastTries = 60, kMostTries = 300, kLeastRounds = 10;
constexpr int kLossesWanted = 15;
constexpr std::int64_t kConnectBytes = 320;  // what one connect and its end send in one direction
constexpr std::int64_t kSynBytes = 60;
constexpr int kLeastBurst = 20, kMostBurst = 200;
constexpr double kBurstSeconds = 0.15;  // of the link's time: more would be in others' way
// Beyond chance (four standard deviations).
constexpr double kShareTolerance = 0.03, kDelayTolerance = 0.1, kRateTolerance = 0.3;
constexpr double kSigmas = 4;
constexpr nanoseconds kDelayNoise = milliseconds(8), kControlNoise = milliseconds(60);

double Seconds(nanoseconds time) { return static_cast<double>(time.count()) / 1e9; }
nanoseconds FromSeconds(double seconds) {
  return nanoseconds(static_cast<std::int64_t>(seconds * 1e9));
}

std::string Short(nanoseconds time) {
  return PrintShort(std::chrono::duration_cast<microseconds>(time));
}

std::string Percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, share < 0.1 ? "%.1f%%" : "%.0f%%", share * 100);
  return text;
}

std::string Rate(double bytes_per_second) {
  return std::to_string(std::llround(bytes_per_second)) + "B/s";
}

double ShareOf(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

// How far the share of `count` chances may lie from `share`. Neighbours that go together make it
// vary more.
double Tolerance(double share, double count, double clumping) {
  return kShareTolerance +
         kSigmas * std::sqrt(share * (1 - share) * clumping / std::max(1.0, count));
}

double Clumping(int correlation_percent) {
  const double rho = correlation_percent / 100.0;
  return (1 + rho) / (1 - rho);
}

void Blame(Reading& reading, std::string_view reason, const std::string& message) {
  if (!reading.reason.empty()) return;
  reading.reason = reason;
  reading.message = message;
}

}  // namespace

Timing TimingOf(const std::vector<TimedConnects::Sample>& samples,
                const std::vector<std::size_t>& endpoints, nanoseconds within) {
  Timing timing;
  nanoseconds sum{0};
  for (const TimedConnects::Sample& sample : samples) {
    if (std::count(endpoints.begin(), endpoints.end(), sample.endpoint) == 0) continue;
    ++timing.tried;
    if (!sample.took || *sample.took > within) continue;
    ++timing.prompt;
    sum += *sample.took;
    timing.slowest = std::max(timing.slowest, *sample.took);
  }
  if (timing.prompt > 0) timing.mean = sum / static_cast<std::int64_t>(timing.prompt);
  return timing;
}

NetworkProof::NetworkProof(const protocol::Effects& effects, int directions)
    : effects_(effects), directions_(directions) {}

double NetworkProof::LostShare() const {
  const double loss = effects_.loss ? effects_.loss->share / 100.0 : 0;
  return 1 - (1 - loss) * (1 - effects_.corrupt / 100.0);
}

double NetworkProof::UnansweredShare() const { return 1 - std::pow(1 - LostShare(), directions_); }

nanoseconds NetworkProof::Added() const {
  double added = 0;
  if (effects_.delay) added += Seconds(effects_.delay->latency) * (1 - effects_.reorder / 100.0);
  if (effects_.rate != 0)
    added += static_cast<double>(kSynBytes) / static_cast<double>(effects_.rate);
  return FromSeconds(added * directions_);
}

nanoseconds NetworkProof::MostAdded() const {
  nanoseconds most{0};
  if (const auto& delay = effects_.delay) {
    const int spread = delay->distribution == protocol::Distribution::kNormal ? 4 : 1;
    most += delay->latency + delay->jitter * spread;
  }
  if (effects_.rate != 0)
    most +=
        FromSeconds(static_cast<double>(4 * kConnectBytes) / static_cast<double>(effects_.rate));
  return most * directions_;
}

TimedConnects::Pace NetworkProof::Pace(std::size_t endpoints, nanoseconds slowest_before) const {
  int tries = effects_.delay ? kDelayTries : kLeastRounds;
  if (const double share = UnansweredShare(); share > 0)
    tries = std::clamp(static_cast<int>(kLossesWanted / share), kLeastTries, kMostTries);
  TimedConnects::Pace pace;
  pace.rounds = std::max(kLeastRounds, tries / static_cast<int>(endpoints));
  pace.gap = kLeastGap;
  // The tries alone must not fill the link.
  if (effects_.rate != 0)
    pace.gap = std::max(pace.gap, FromSeconds(2.0 * static_cast<double>(kConnectBytes) /
                                              static_cast<double>(effects_.rate)));
  pace.timeout = slowest_before + MostAdded() + kSlack;
  return pace;
}

int NetworkProof::Burst() const {
  if (effects_.rate == 0) return 0;
  const double wanted =
      kBurstSeconds * static_cast<double>(effects_.rate) / static_cast<double>(kSynBytes);
  return std::clamp(static_cast<int>(wanted), kLeastBurst, kMostBurst);
}

TimedConnects::Pace NetworkProof::BurstPace(std::size_t endpoints,
                                            nanoseconds slowest_before) const {
  TimedConnects::Pace pace;
  pace.rounds = std::max(1, Burst() / static_cast<int>(endpoints));
  // Short of the second after which what was lost is sent again.
  const double bytes = 1.5 * static_cast<double>(kSynBytes) * Burst() * directions_;
  pace.timeout = slowest_before + MostAdded() + kSlack / 2 +
                 FromSeconds(bytes / static_cast<double>(effects_.rate));
  return pace;
}

Figures NetworkProof::Requested() const {
  Figures figures;
  if (const auto& delay = effects_.delay) {
    figures["delay"] = PrintDuration(delay->latency);
    if (delay->jitter > milliseconds(0)) figures["jitter"] = PrintDuration(delay->jitter);
  }
  if (effects_.loss) figures["loss"] = Percent(effects_.loss->share / 100.0);
  if (effects_.loss && effects_.loss->burst != 0)
    figures["burst"] = std::to_string(effects_.loss->burst);
  if (effects_.corrupt != 0) figures["corrupt"] = Percent(effects_.corrupt / 100.0);
  if (effects_.reorder != 0) figures["reorder"] = Percent(effects_.reorder / 100.0);
  if (effects_.rate != 0) figures["rate"] = Rate(static_cast<double>(effects_.rate));
  return figures;
}

void NetworkProof::JudgeDelay(const Seen& seen, Reading& reading) const {
  if (!effects_.delay) return;
  const nanoseconds added = Added();
  std::size_t slow = 0, known = 0;
  nanoseconds sum{0};
  double prompt = 0;
  for (std::size_t i = 0; i < seen.during.size(); ++i) {
    if (seen.during[i].prompt == 0) continue;
    const nanoseconds more = seen.during[i].mean - seen.before[i].mean;
    ++known;
    sum += more;
    prompt += static_cast<double>(seen.during[i].prompt);
    if (more * 2 > added) ++slow;
  }
  reading.measured["peersSlow"] = Share(slow, seen.during.size());
  if (known == 0) {
    return Blame(reading, protocol::kPartialEffect,
                 "no connect was answered while the fault was on, so its delay could not be seen");
  }
  const nanoseconds mean = sum / static_cast<std::int64_t>(known);
  reading.measured["delay"] = Short(mean / directions_);
  const double jitter = Seconds(effects_.delay->jitter) * directions_;
  const double skip = effects_.reorder / 100.0;
  const double spread =
      jitter + Seconds(effects_.delay->latency) * directions_ * std::sqrt(skip * (1 - skip));
  const double tolerance =
      Seconds(kDelayNoise) + kDelayTolerance * Seconds(added) +
      kSigmas * spread * std::sqrt(Clumping(effects_.delay->correlation) / prompt);
  if (slow == 0) {
    Blame(reading, protocol::kNoEffect,
          "the rules are in, but connects are not slower than before: " + Short(mean) + " more");
  } else if (slow < known) {
    Blame(reading, protocol::kPartialEffect,
          "only " + Share(slow, known) + " peers are slower than before");
  } else if (mean < added - FromSeconds(tolerance) ||
             (effects_.rate == 0 && mean > added + FromSeconds(tolerance))) {
    Blame(reading, protocol::kWrongDose,
          "a round trip takes " + Short(mean) + " longer, and " + Short(added) + " were asked for");
  }
}

void NetworkProof::JudgeLoss(const Seen& seen, Reading& reading) const {
  const LinkCounts& counts = seen.counts;
  const auto packets = static_cast<double>(counts.seen);
  if (effects_.reorder != 0)
    reading.measured["reorder"] = Percent(ShareOf(counts.reordered, counts.seen - counts.lost));
  if (!effects_.loss && effects_.corrupt == 0) return;
  std::size_t tried = 0, prompt = 0;
  for (const Timing& timing : seen.during) {
    tried += timing.tried;
    prompt += timing.prompt;
  }
  const std::size_t unanswered = tried - prompt;
  reading.measured["unanswered"] = Share(unanswered, tried);
  double clumping = 1;
  if (effects_.loss) {
    const double lost = ShareOf(counts.lost, counts.seen), wanted = effects_.loss->share / 100.0;
    reading.measured["loss"] = Percent(lost);
    clumping = effects_.loss->burst != 0 ? 2.0 * effects_.loss->burst
                                         : Clumping(effects_.loss->correlation);
    if (counts.lost == 0)
      Blame(reading, protocol::kNoEffect,
            "no packet was lost of " + std::to_string(counts.seen) + " that came");
    else if (std::abs(lost - wanted) > Tolerance(wanted, packets, clumping))
      Blame(
          reading, protocol::kWrongDose,
          Percent(lost) + " of the packets were lost, and " + Percent(wanted) + " were asked for");
  }
  if (effects_.corrupt != 0)
    reading.measured["corrupt"] = Percent(ShareOf(counts.corrupted, counts.seen - counts.lost));
  const double share =
      static_cast<double>(unanswered) / static_cast<double>(std::max<std::size_t>(1, tried));
  const double wanted = UnansweredShare();
  if (unanswered == 0 && wanted * static_cast<double>(tried) > kLossesWanted / 2.0) {
    Blame(reading, protocol::kNoEffect,
          "every connect was answered at once: 0 of " + std::to_string(tried) +
              " lacked an answer, and some " + Percent(wanted) + " should");
  } else if (share < wanted - Tolerance(wanted, static_cast<double>(tried), clumping) ||
             (effects_.rate == 0 &&
              share > wanted + Tolerance(wanted, static_cast<double>(tried), clumping))) {
    Blame(reading, protocol::kWrongDose,
          Percent(share) + " of the connects had no prompt answer, and some " + Percent(wanted) +
              " were to be expected");
  }
}

void NetworkProof::JudgeRate(const Seen& seen, Reading& reading) const {
  if (effects_.rate == 0) return;
  const auto wanted = static_cast<double>(effects_.rate);
  if (seen.waited < 2 || seen.waited_for <= nanoseconds(0)) {
    return Blame(reading, protocol::kPartialEffect,
                 "fewer than two of the connects that should wait for the rate were answered");
  }
  const auto bytes = static_cast<double>(seen.passed);
  const double took = Seconds(seen.waited_for);
  // Jitter and overtaking move the first and the last answer.
  double apart = Seconds(kDelayNoise);
  if (effects_.delay) apart += 2 * Seconds(effects_.delay->jitter) * directions_;
  if (effects_.reorder != 0) apart += Seconds(effects_.delay->latency) * directions_;
  const double rate = bytes / took;
  reading.measured["rate"] = Rate(rate);
  if (rate > 4 * wanted) {
    Blame(reading, protocol::kNoEffect,
          "the rules are in, but packets come through at " + Rate(rate));
  } else if (bytes / (took + apart) > (1 + kRateTolerance) * wanted ||
             bytes / std::max(took - apart, 0.001) < wanted / 2) {
    Blame(reading, protocol::kWrongDose,
          "packets come through at " + Rate(rate) + ", and " + Rate(wanted) + " were asked for");
  }
}

void NetworkProof::JudgeControl(const Seen& seen, Reading& reading) const {
  const Timing& control = seen.control_during;
  const std::size_t missed = control.tried - control.prompt;
  const nanoseconds more = control.mean - seen.control_before.mean;
  const bool answers = control.prompt > 0 && missed * 10 <= control.tried + 10;
  const bool ok = answers && more <= std::max(kControlNoise, Added() / 2);
  reading.measured["control"] = ok ? "ok" : "failed";
  if (ok) return;
  Blame(reading, protocol::kSteadyStateNotMet,
        "the control is hit as well (" + Share(control.prompt, control.tried) + " answered, " +
            Short(more) +
            " later than before), so more than the peers seems to "
            "be hit");
}

Reading NetworkProof::Judge(const Seen& seen) const {
  Reading reading;
  nanoseconds before{0}, during{0};
  std::int64_t known = 0;
  for (std::size_t i = 0; i < seen.during.size(); ++i) {
    if (seen.during[i].prompt == 0) continue;
    before += seen.before[i].mean;
    during += seen.during[i].mean;
    ++known;
  }
  if (known > 0) {
    reading.measured["rttBefore"] = Short(before / known);
    reading.measured["rttDuring"] = Short(during / known);
  }
  reading.measured["packets"] = std::to_string(seen.counts.seen);
  JudgeDelay(seen, reading);
  JudgeLoss(seen, reading);
  JudgeRate(seen, reading);
  JudgeControl(seen, reading);
  return reading;
}

}  // namespace chaos::inject
