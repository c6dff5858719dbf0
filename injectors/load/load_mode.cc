// One thread, one loop, one timer for everything that is due: VUs, hard stops and deadlines wait in
// queues of their own.
#include "injectors/load/load_mode.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdio>
#include <memory>
#include <utility>
#include <vector>

#include "injectors/load/deadlines.h"
#include "injectors/load/load_host.h"
#include "injectors/load/pool.h"
#include "injectors/load/verdict.h"
#include "injectors/load/vu.h"
#include "operator/base/random.h"
#include "operator/base/time_text.h"

namespace chaos::load {
namespace {

using boost::asio::steady_timer;
using boost::system::error_code;
using protocol::Ending;

constexpr milliseconds kLagEvery{100}, kStopPoll{250};
// A VU to which the target does not say a single byte (refused, reset, timed out) waits before it
// tries again, longer each time: a closed port must not become a tight loop of connects.
constexpr milliseconds kFirstBackOff{100}, kMaxBackOff{1000};
constexpr int kExitNoStart = 3, kExitCannot = 4, kExitTerminated = 143;
constexpr milliseconds kDeadManGrace{10'000};
constexpr std::size_t kMaxSamples = 5;
constexpr std::string_view kRead = "read";  // in the stop file: the lines were read

class Pod final : public VuHost {
 public:
  Pod(const LoadPod& pod, const Clock& clock, LineWriter& writer)
      : pod_(pod),
        clock_(clock),
        writer_(writer),
        t0_(clock.SinceBoot() + (pod.arguments.start - clock.Now())),
        signals_(io_, SIGTERM, SIGINT),
        due_(io_),
        tick_(io_),
        lag_(io_),
        stop_(io_),
        linger_(io_),
        recorder_(pod.arguments.pivots),
        addresses_(io_, clock, pod.plan.base),
        pool_(MakePool(pod.arguments.executor, pod.arguments.pods, pod.pod)),
        deadlines_(pool_->size()),
        failures_(static_cast<std::size_t>(pool_->size())),
        buffer_(64 << 10) {
    for (int i = 0; i < pool_->size(); ++i) {
      vus_.push_back(std::make_unique<Vu>(*this, i, pool_->Number(i)));
      chances_.emplace_back(pod.arguments.seed * 1'000'003 +
                            static_cast<std::uint64_t>(pool_->Number(i)));
    }
  }

  int Run() {
    const nanoseconds length = protocol::Length(pod_.arguments.executor);
    if (Now() >= length) {
      return Cannot(kExitNoStart, "TooLate",
                    "the schedule of " + Text(length) + " ended " + Text(Now() - length) +
                        " ago, before this pod started");
    }
    if (const auto enough = RaiseDescriptorLimit(pool_->size()); !enough)
      return Cannot(kExitCannot, "TooFewDescriptors", enough.error().detail);
    SetDeadMan(std::chrono::ceil<milliseconds>(length - Now()) +
               pod_.arguments.executor.graceful_stop + pod_.arguments.linger + kDeadManGrace);
    throttled_ = ReadThrottled();
    Say(protocol::kLoadStarted, "",
        "chaos-load " CHAOS_VERSION ", " + std::to_string(pool_->size()) + " VUs of " +
            std::to_string(protocol::MaxVus(pod_.arguments.executor)));
    signals_.async_wait([this](error_code ec, int) {
      if (!ec) Terminate();
    });
    Tick();
    MeasureLag();
    PollStop();
    Step();
    io_.run();
    writer_.Finish();
    return exit_code_;
  }

  boost::asio::io_context& io() override { return io_; }
  nanoseconds Now() const override { return clock_.SinceBoot() - t0_; }
  const LoadPlan& plan() const override { return pod_.plan; }
  Recorder& recorder() override { return recorder_; }
  Addresses& addresses() override { return addresses_; }
  std::span<char> buffer() override { return buffer_; }
  std::string& decoded() override { return decoded_; }

  void SetDeadline(int index, nanoseconds at) override {
    deadlines_.Set(index, at);
    if (!stepping_) Arm();
  }

  void Ended(int index, const Judgement& judgement, bool answered) override {
    Note(judgement);
    pool_->Ended(index, Now(), Pause(index, judgement.ending, answered));
    if (!stepping_) Step();
  }

 private:
  static std::string Text(nanoseconds time) {
    return PrintShort(std::chrono::duration_cast<microseconds>(time));
  }

  int Cannot(int code, std::string_view reason, const std::string& message) {
    Say(protocol::kLoadFailed, reason, message);
    writer_.Finish();
    std::fprintf(stderr, "chaos-load: %s\n", message.c_str());
    return code;
  }

  // Everything that is due, then the timer for what comes next.
  void Step() {
    stepping_ = true;
    for (bool more = true; more && !ended_;) {
      more = false;
      while (const auto action = pool_->Next(Now())) {
        more = true;
        if (action->what == Pool::Do::kDrop) {
          recorder_.Drop(Now(), action->dropped);
          continue;
        }
        Vu& vu = *vus_[static_cast<std::size_t>(action->index)];
        if (action->what == Pool::Do::kStart)
          vu.Begin(Opener(action->index));
        else
          vu.Interrupt();
      }
      while (const auto index = deadlines_.Next(Now())) {
        more = true;
        vus_[static_cast<std::size_t>(*index)]->OnDeadline();
      }
    }
    stepping_ = false;
    if (pool_->Over() && !ended_) return End(stopping_ ? "stopped" : "finished");
    Arm();
  }

  void Arm() {
    if (ended_) return;
    const auto pool = pool_->Wake(), deadline = deadlines_.Wake();
    nanoseconds next =
        std::min(pool.value_or(Deadlines::kNone), deadline.value_or(Deadlines::kNone));
    // Now and then even without need: a timer may be set for days, the boot clock runs on in
    // suspend.
    next = std::min(next, Now() + nanoseconds(seconds(1)));
    if (armed_ && *armed_ <= next) return;
    armed_ = next;
    due_.expires_after(std::max(next - Now(), nanoseconds(0)));
    due_.async_wait([this](error_code ec) {
      if (ec) return;
      armed_.reset();
      Step();
    });
  }

  const std::string& Opener(int index) {
    const auto& openers = pod_.plan.openers;
    return openers[openers.size() == 1
                       ? 0
                       : chances_[static_cast<std::size_t>(index)].Below(openers.size())];
  }

  nanoseconds Pause(int index, Ending ending, bool answered) {
    const auto i = static_cast<std::size_t>(index);
    const microseconds min = pod_.arguments.think_min, max = pod_.arguments.think_max;
    microseconds pause = min;
    if (max > min)
      pause += microseconds(chances_[i].Below(static_cast<std::uint64_t>((max - min).count()) + 1));
    if (answered || ending == Ending::kInterrupted) {
      failures_[i] = 0;
      return pause;
    }
    const microseconds back_off =
        std::min(kMaxBackOff, kFirstBackOff * (1 << std::min<int>(failures_[i], 4)));
    failures_[i] = static_cast<std::uint8_t>(std::min(failures_[i] + 1, 4));
    return std::max(pause, back_off);
  }

  // One example of each ending, at most a few a second.
  void Note(const Judgement& judgement) {
    const auto bit = 1u << static_cast<unsigned>(judgement.ending);
    if (judgement.ending == Ending::kOk || judgement.ending == Ending::kInterrupted ||
        (noted_ & bit) != 0 || samples_.size() >= kMaxSamples)
      return;
    noted_ |= bit;
    samples_.push_back(std::string(protocol::Name(judgement.ending)) + ": " +
                       Excerpt(judgement.message, 160));
  }

  void Say(std::string_view event, std::string_view reason = "", std::string message = "") {
    protocol::LoadLine line;
    line.at = clock_.Now();
    line.pod = pod_.pod;
    line.event = event;
    line.reason = reason;
    line.message = std::move(message);
    line.elapsed_ms =
        std::max<std::int64_t>(0, std::chrono::duration_cast<milliseconds>(Now()).count());
    line.vus = pool_->wanted();
    line.vu_ms = std::chrono::duration_cast<milliseconds>(pool_->Given(Now())).count();
    line.alive = pool_->busy();
    line.loop_lag_us = std::exchange(worst_lag_, 0);
    const milliseconds throttled = ReadThrottled();
    line.throttled_ms = std::max<std::int64_t>(0, (throttled - throttled_).count());
    throttled_ = throttled;
    line.ledger = recorder_.Take();
    line.error_samples = std::exchange(samples_, {});
    noted_ = 0;
    writer_.Say(std::move(line));
  }

  // A line at every full second since T0.
  void Tick() {
    const nanoseconds now = Now();
    const nanoseconds next = now < nanoseconds(0)
                                 ? nanoseconds(seconds(1))
                                 : std::chrono::floor<seconds>(now) + nanoseconds(seconds(1));
    tick_.expires_after(next - now);
    tick_.async_wait([this](error_code ec) {
      if (ec || ended_) return;
      if (!writer_.Full()) Say(protocol::kLoadDelta);
      Tick();
    });
  }

  void MeasureLag() {
    lag_.expires_after(kLagEvery);
    lag_.async_wait([this, due = clock_.SinceBoot() + kLagEvery](error_code ec) {
      if (ec || ended_) return;
      const nanoseconds late = clock_.SinceBoot() - due;
      worst_lag_ = std::max(worst_lag_, std::chrono::duration_cast<microseconds>(late).count());
      MeasureLag();
    });
  }

  void PollStop() {
    const std::string text = ReadStopFile(pod_.stop_file);
    if (ended_ && text == kRead) return io_.stop();
    if (!ended_ && !stopping_ && !text.empty()) {
      stopping_ = true;
      pool_->Stop(Now());
      Step();
    }
    stop_.expires_after(kStopPoll);
    stop_.async_wait([this](error_code ec) {
      if (!ec) PollStop();
    });
  }

  void Terminate() {
    if (ended_) return io_.stop();
    exit_code_ = kExitTerminated;
    stepping_ = true;  // nothing may begin any more
    pool_->Stop(Now());
    for (int i = 0; i < pool_->size(); ++i) vus_[static_cast<std::size_t>(i)]->Interrupt();
    End("terminated");
  }

  void End(std::string_view why) {
    ended_ = true;
    due_.cancel();
    tick_.cancel();
    lag_.cancel();
    Say(protocol::kLoadEnded, why);
    if (exit_code_ == kExitTerminated) return io_.stop();
    linger_.expires_after(pod_.arguments.linger);
    linger_.async_wait([this](error_code ec) {
      if (!ec) io_.stop();
    });
  }

  const LoadPod& pod_;
  const Clock& clock_;
  LineWriter& writer_;
  const nanoseconds t0_;  // on the boot clock: a step of the wall clock moves no schedule
  boost::asio::io_context io_{1};
  boost::asio::signal_set signals_;
  steady_timer due_, tick_, lag_, stop_, linger_;
  Recorder recorder_;
  Addresses addresses_;
  std::unique_ptr<Pool> pool_;
  Deadlines deadlines_;
  std::vector<std::unique_ptr<Vu>> vus_;
  std::vector<Random> chances_;
  std::vector<std::uint8_t> failures_;  // in a row without a word from the target
  std::vector<char> buffer_;
  std::string decoded_;
  std::optional<nanoseconds> armed_;
  std::vector<std::string> samples_;
  unsigned noted_ = 0;
  std::int64_t worst_lag_ = 0;
  milliseconds throttled_{0};
  bool stepping_ = false, stopping_ = false, ended_ = false;
  int exit_code_ = 0;
};

}  // namespace

int RunLoad(const LoadPod& pod, const Clock& clock, LineWriter& writer) {
  auto* running = new Pod(pod, clock, writer);  // never destroyed
  return running->Run();
}

}  // namespace chaos::load
