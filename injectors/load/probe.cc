// The schedule is asked what is due, never the other way round: a slow sample or a late timer moves
// nothing.
#include "injectors/load/probe.h"

#include "operator/base/time_text.h"

namespace chaos::load {
namespace {
using boost::system::error_code;
constexpr std::size_t kAtOnce =
    64;  // slots taken per wake-up, so that catching up does not starve what is running
}  // namespace

void Sample::Finish(const Verdict& verdict) {
  const nanoseconds took = Took();
  if (End()) context_.reporter.Sample(probe_, slot_, verdict, took);
}

void Sample::Interrupt(const std::string& why) {
  const nanoseconds took = Took();
  if (End()) context_.reporter.Interrupted(probe_, slot_, why, took);
}

bool Sample::End() {
  if (over_) return false;
  over_ = true;
  timer.cancel();
  where = nullptr;
  if (const auto give_back = std::exchange(release, nullptr)) give_back();
  return true;
}

void Probe::Start(Moment start) {
  schedule_.emplace(start, arguments_.interval);
  Begin();
  Due();
}

void Probe::Stop() {
  stopped_ = true;
  timer_.cancel();
  for (const auto& sample : in_flight_) sample->Interrupt("interrupted");
  in_flight_.clear();
}

void Probe::Due() {
  if (stopped_) return;
  in_flight_.remove_if([](const auto& sample) { return sample->over(); });
  const Moment now{context_.clock.Now(), context_.clock.SinceBoot()};
  for (const Schedule::Slot& slot : schedule_->TakeDue(now, kAtOnce)) {
    if (slot.missed) {
      context_.reporter.Interrupted(arguments_.name, slot, "the probe itself was held up",
                                    now.boot - slot.boot);
    } else {
      LaunchOne(slot);
    }
  }
  const nanoseconds wait = schedule_->NextDue() - context_.clock.SinceBoot();
  timer_.expires_after(std::max(wait, nanoseconds(0)));
  timer_.async_wait([this](error_code ec) {
    if (!ec) Due();
  });
}

void Probe::LaunchOne(const Schedule::Slot& slot) {
  const auto sample = std::make_shared<Sample>(context_, arguments_.name, slot);
  if (in_flight_.size() >= kMaxInFlight) {
    return sample->Finish(
        Bad("too many in flight: " + std::to_string(kMaxInFlight) + " samples have no answer yet"));
  }
  in_flight_.push_back(sample);
  sample->timer.expires_after(arguments_.timeout - (context_.clock.SinceBoot() - slot.boot));
  sample->timer.async_wait([this, weak = std::weak_ptr(sample)](error_code ec) {
    const auto late = weak.lock();
    if (!ec && late && !late->over()) late->Finish(TimedOut(*late));
  });
  Launch(sample);
}

Verdict Probe::TimedOut(const Sample& sample) {
  const std::string where = sample.where ? ": " + sample.where() : "";
  return Bad("timeout after " + PrintDuration(arguments_.timeout) + where);
}

}  // namespace chaos::load
