#include "tests/sim/cluster/sim_probe_pod.h"

namespace chaos::sim {
namespace {

constexpr seconds kAliveEvery{5};

}  // namespace

void SimProbePod::Start() {
  Result<protocol::ProbePodArguments> arguments = protocol::ProbePodFromJson(context_.arguments);
  protocol::Event event;
  if (!arguments) {
    event.event = "failed";
    event.reason = protocol::kRefused;
    event.message = arguments.error().detail;
    Say(std::move(event));
    return context_.exit(2);
  }
  arguments_ = std::move(*arguments);
  start_ = context_.clock.Now();
  started_at_ = context_.timeline.Now();
  event.event = "started";
  Say(std::move(event));
  Beat();
  After(arguments_.max_life, [this] { End("its life is over"); });
  for (const protocol::ProbeArguments& probe : arguments_.probes) Sample(probe, 0);
}

void SimProbePod::After(nanoseconds pause, std::function<void()> action) {
  context_.timeline.After(pause,
                          [this, action = std::move(action), alive = std::weak_ptr<bool>(alive_)] {
                            if (!alive.expired() && !ended_) action();
                          });
}

void SimProbePod::Beat() {
  After(kAliveEvery, [this] {
    protocol::Event event;
    event.event = "alive";
    Say(std::move(event));
    Beat();
  });
}

void SimProbePod::Sample(const protocol::ProbeArguments& probe, std::int64_t n) {
  const milliseconds took(probe.kind == protocol::ProbeKind::kInference ? 150 + random_.Below(200)
                                                                        : 2 + random_.Below(6));
  After(took, [this, &probe, at = start_ + n * probe.interval, took] { Finish(probe, at, took); });
  const nanoseconds next =
      started_at_ + (n + 1) * nanoseconds(probe.interval) - context_.timeline.Now();
  After(next, [this, &probe, n] { Sample(probe, n + 1); });
}

void SimProbePod::Finish(const protocol::ProbeArguments& probe, TimePoint at, milliseconds took) {
  protocol::Event event;
  event.event = "sample";
  event.probe = probe.name;
  event.at = at;
  event.took = took;
  const bool good =
      probe.kind == protocol::ProbeKind::kSse ? rbee_.HiveOnline() : rbee_.QueenAnswers();
  event.ok =
      good && !random_.Chance(static_cast<std::uint64_t>(rbee_.traits().flaky_per_mille), 1000);
  if (!event.ok)
    event.message = good ? "no answer within the time limit" : "hives_online is 0, less than 1";
  Say(std::move(event));
}

void SimProbePod::End(const std::string& why) {
  if (ended_) return;
  protocol::Event event;
  event.event = "ended";
  event.message = why;
  Say(std::move(event));
  ended_ = true;
  context_.exit(0);
}

void SimProbePod::Say(protocol::Event event) {
  event.seq = ++seq_;
  if (event.at == TimePoint{}) event.at = context_.clock.Now();
  context_.print(protocol::PrintEvent(event));
}

}  // namespace chaos::sim
