// One thread, one loop. Stopping is immediate: what is in flight is reported as interrupted.
#include "injectors/load/probe_mode.h"

#include <boost/asio/signal_set.hpp>
#include <vector>

#include "injectors/load/probe.h"
#include "operator/base/time_text.h"

namespace chaos::load {
namespace {

using boost::system::error_code;

constexpr seconds kAliveEvery{5};

std::unique_ptr<Probe> Make(const ProbeContext& context,
                            const protocol::ProbeArguments& arguments) {
  switch (arguments.kind) {
    case protocol::ProbeKind::kHttp:
      return MakeHttpProbe(context, arguments);
    case protocol::ProbeKind::kSse:
      return MakeSseProbe(context, arguments);
    case protocol::ProbeKind::kInference:
      return MakeInferenceProbe(context, arguments);
  }
  return nullptr;
}

class ProbePod {
 public:
  ProbePod(const protocol::ProbePodArguments& arguments, const Clock& clock, Reporter& reporter)
      : arguments_(arguments),
        context_{io_, clock, reporter},
        signals_(io_, SIGTERM, SIGINT),
        alive_(io_),
        life_(io_) {}

  void Run() {
    const Moment start{context_.clock.Now(), context_.clock.SinceBoot()};
    context_.reporter.Say(
        "started", "chaos-load " CHAOS_VERSION,
        {{"run", arguments_.run}, {"probes", std::to_string(arguments_.probes.size())}});
    signals_.async_wait([this](error_code ec, int signal) {
      if (!ec) Stop(signal == SIGTERM ? "stopped by SIGTERM" : "stopped by SIGINT");
    });
    life_.expires_after(arguments_.max_life);
    life_.async_wait([this](error_code ec) {
      if (!ec) Stop("its life of " + PrintDuration(arguments_.max_life) + " is over");
    });
    Beat();
    for (const auto& probe : arguments_.probes) probes_.push_back(Make(context_, probe));
    for (const auto& probe : probes_) probe->Start(start);
    io_.run();
  }

 private:
  void Beat() {
    alive_.expires_after(kAliveEvery);
    alive_.async_wait([this](error_code ec) {
      if (ec) return;
      context_.reporter.Say("alive");
      Beat();
    });
  }

  void Stop(const std::string& why) {
    for (const auto& probe : probes_) probe->Stop();
    context_.reporter.Say("ended", why);
    io_.stop();
  }

  const protocol::ProbePodArguments& arguments_;
  boost::asio::io_context io_{1};
  ProbeContext context_;
  boost::asio::signal_set signals_;
  boost::asio::steady_timer alive_, life_;
  std::vector<std::unique_ptr<Probe>> probes_;
};

}  // namespace

void RunProbes(const protocol::ProbePodArguments& arguments, const Clock& clock,
               Reporter& reporter) {
  // Never destroyed: a name lookup in Asio's own thread would hold up the end for seconds. The
  // process ends next.
  auto* pod = new ProbePod(arguments, clock, reporter);
  pod->Run();
}

}  // namespace chaos::load
