#include "tests/sim/cluster/sim_load_pod.h"

#include <algorithm>
#include <cstdlib>

namespace chaos::sim {
namespace {

constexpr int kCheckpointEvery = 15;  // lines

}  // namespace

nanoseconds SimLoadPod::SinceT0() const { return context_.clock.Now() - arguments_.start; }

void SimLoadPod::After(nanoseconds pause, std::function<void()> action) {
  context_.timeline.After(std::max(pause, nanoseconds(0)),
                          [action = std::move(action), alive = std::weak_ptr<bool>(alive_)] {
                            if (!alive.expired()) action();
                          });
}

void SimLoadPod::Start() {
  Result<protocol::LoadArguments> arguments = protocol::LoadFromJson(context_.arguments);
  if (!arguments) {
    Say(std::string(protocol::kLoadFailed), {}, arguments.error().detail);
    return context_.exit(2);
  }
  arguments_ = *std::move(arguments);
  index_ = std::atoi(context_.label("batch.kubernetes.io/job-completion-index").c_str());
  if (SinceT0() >= protocol::Length(arguments_.executor)) {
    Say(std::string(protocol::kLoadFailed), {}, "started after the end");
    return context_.exit(3);
  }
  Say(std::string(protocol::kLoadStarted));
  second_ = std::max(0, static_cast<int>(SinceT0() / seconds(1)) + 1);
  After(seconds(second_) - SinceT0(), [this] { Begin(); });
}

void SimLoadPod::Begin() {
  LoadTruth& truth = truths_[arguments_.run];
  ++truth.started;
  const auto [at, first] = truth.by_pod.emplace(index_, context_.pod_uid);
  truth.begun_twice = truth.begun_twice || (!first && at->second != context_.pod_uid);
  Tick();
}

// One second of the schedule at its end: each VU of ours made one request that began and ended in
// it.
void SimLoadPod::Tick() {
  After(seconds(1), [this] {
    if (ended_) return;
    if (!context_.annotation(protocol::kLoadStopAnnotation).empty()) return End("stopped");
    const int planned = protocol::Planned(arguments_.executor, seconds(second_));
    vus_ = 0;
    for (int vu = index_ + 1; vu <= planned; vu += arguments_.pods) ++vus_;
    protocol::Ledger delta;
    if (vus_ > 0) {
      protocol::Cell cell;
      const bool good = rbee_.QueenAnswers();
      cell.Of(good ? protocol::Ending::kOk : protocol::Ending::kConnectError) = vus_;
      cell.http_reqs = vus_;
      cell.http_req_failed = good ? 0 : vus_;
      delta.by_start[second_] = delta.by_end[second_] = cell;
      LoadTruth& truth = truths_[arguments_.run];
      truth.requests += vus_;
      truth.errors += good ? 0 : vus_;
    }
    all_.Add(delta);
    vu_ms_ += vus_ * 1000;
    ++second_;
    const bool checkpoint = (seq_ + 1) % kCheckpointEvery == 0;
    checkpoint ? Say(std::string(protocol::kLoadCheckpoint), all_)
               : Say(std::string(protocol::kLoadDelta), std::move(delta));
    if (seconds(second_) >= protocol::Length(arguments_.executor)) {
      ++truths_[arguments_.run].whole;
      return End("finished");
    }
    Tick();
  });
}

void SimLoadPod::End(const std::string& why) {
  ended_ = true;
  if (arguments_.until_stopped && why == "stopped") ++truths_[arguments_.run].whole;
  vus_ = 0;
  Say(std::string(protocol::kLoadCheckpoint), all_);
  Say(std::string(protocol::kLoadEnded), {}, why);
  if (why == "terminated") return context_.exit(143);
  Linger(std::chrono::ceil<seconds>(arguments_.linger));
}

void SimLoadPod::Linger(seconds left) {
  if (left <= seconds(0) || context_.annotation(protocol::kLoadStopAnnotation) == "read")
    return context_.exit(0);
  After(seconds(1), [this, left] { Linger(left - seconds(1)); });
}

void SimLoadPod::Terminate() {
  if (ended_) return context_.exit(0);
  End("terminated");
}

void SimLoadPod::Say(std::string event, protocol::Ledger ledger, std::string reason) {
  protocol::LoadLine line;
  line.seq = ++seq_;
  line.at = context_.clock.Now();
  line.pod = index_;
  line.event = std::move(event);
  line.reason = std::move(reason);
  line.elapsed_ms = second_ * 1000;
  line.vus = vus_;
  line.vu_ms = vu_ms_;
  line.ledger = std::move(ledger);
  context_.print(protocol::PrintLoadLine(line));
}

}  // namespace chaos::sim
