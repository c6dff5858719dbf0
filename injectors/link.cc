#include "injectors/link.h"

#include <algorithm>
#include <cmath>

namespace chaos::inject {
namespace {

// Waiting for the rate: as long as a slow router would keep packets, and never less than a few.
constexpr nanoseconds kLongestWait = seconds(2);
constexpr std::int64_t kLeastBuffer = 32 << 10;
constexpr std::int64_t kNanos = 1'000'000'000;

// In (0, 1).
double Uniform(Random& random) {
  return (static_cast<double>(random.Next() >> 11) + 0.5) / static_cast<double>(1ULL << 53);
}

double Normal(Random& random) {  // Box and Muller
  const double radius = std::sqrt(-2 * std::log(Uniform(random)));
  return radius * std::cos(2 * M_PI * Uniform(random));
}

// The share of a standard normal that lies below.
double Below(double normal) { return std::erfc(-normal / M_SQRT2) / 2; }

nanoseconds TimeOf(std::int64_t bytes, std::int64_t rate) {
  return nanoseconds(bytes * kNanos / rate);
}

}  // namespace

Link::Series::Series(int correlation_percent)
    : rho_(correlation_percent / 100.0), fresh_(std::sqrt(1 - rho_ * rho_)) {}

double Link::Series::Next(Random& random) {
  const double drawn = Normal(random);
  last_ = started_ ? rho_ * last_ + fresh_ * drawn : drawn;
  started_ = true;
  return last_;
}

Link::Link(const protocol::Effects& effects, std::uint64_t seed)
    : effects_(effects),
      random_(seed),
      loss_series_(effects.loss ? effects.loss->correlation : 0),
      delay_series_(effects.delay ? effects.delay->correlation : 0) {
  if (effects_.loss && effects_.loss->burst != 0) in_burst_ = Chance(effects_.loss->share);
}

// Gilbert: in a burst all are lost. It ends with 1 / burst, and begins as often as the share needs.
bool Link::Lose() {
  if (!effects_.loss) return false;
  const protocol::Loss& loss = *effects_.loss;
  if (loss.burst == 0) return Below(loss_series_.Next(random_)) < loss.share / 100.0;
  const bool lost = in_burst_;
  const auto length = static_cast<std::uint64_t>(loss.burst);
  const auto share = static_cast<std::uint64_t>(loss.share);
  in_burst_ =
      in_burst_ ? !random_.Chance(1, length) : random_.Chance(share, length * (100 - share));
  return lost;
}

nanoseconds Link::DrawDelay() {
  const protocol::Delay& delay = *effects_.delay;
  const nanoseconds latency = delay.latency;
  if (delay.jitter == milliseconds(0)) return latency;
  const double drawn = delay_series_.Next(random_);
  const double spread =
      delay.distribution == protocol::Distribution::kNormal ? drawn : 2 * Below(drawn) - 1;
  const auto jitter = static_cast<double>(nanoseconds(delay.jitter).count());
  return std::max(nanoseconds(0),
                  latency + nanoseconds(static_cast<std::int64_t>(spread * jitter)));
}

Fate Link::Next(nanoseconds now, std::uint32_t bytes) {
  ++counts_.seen;
  Fate fate;
  fate.draw = random_.Next();
  fate.lost = Lose();
  if (fate.lost) {
    ++counts_.lost;
    return fate;
  }
  fate.due = now;
  if (effects_.rate != 0) {
    const nanoseconds buffer = std::max(kLongestWait, TimeOf(kLeastBuffer, effects_.rate));
    if (free_ - now > buffer) {
      ++counts_.overflowed;
      fate.lost = true;
      return fate;
    }
    free_ = std::max(free_, now) + TimeOf(bytes, effects_.rate);
    fate.due = free_;
  }
  counts_.bytes += bytes;
  if (effects_.corrupt != 0 && Chance(effects_.corrupt)) {
    ++counts_.corrupted;
    fate.corrupted = true;
  }
  if (!effects_.delay) return fate;
  if (effects_.reorder != 0 && Chance(effects_.reorder))
    ++counts_.reordered;
  else
    fate.due += DrawDelay();
  return fate;
}

}  // namespace chaos::inject
