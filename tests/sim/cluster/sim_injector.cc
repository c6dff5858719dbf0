#include "tests/sim/cluster/sim_injector.h"

#include "injectors/partition.h"
#include "injectors/process_end.h"
#include "injectors/process_hang.h"
#include "injectors/protocol/names.h"

namespace chaos::sim {
namespace {

constexpr milliseconds kRoundTrip{1};
constexpr seconds kAnswerWithin{5};  // of an injector to its stopper

class SimDial final : public inject::Dial {
 public:
  SimDial(const ProcessContext& context, inject::Address to)
      : context_(context), to_(to), answer_at_(context.timeline.Now() + kRoundTrip) {}
  inject::Reached Poll() override {
    const bool answered =
        context_.timeline.Now() >= answer_at_ && context_.network.Reaches(context_.pod_uid, to_);
    return answered ? inject::Reached::kConnected : inject::Reached::kPending;
  }

 private:
  const ProcessContext& context_;
  const inject::Address to_;
  const nanoseconds answer_at_;
};

class SimLookup final : public inject::Lookup {
 public:
  SimLookup(const ProcessContext& context, std::string name)
      : context_(context),
        name_(std::move(name)),
        answer_at_(context.timeline.Now() + kRoundTrip) {}
  std::optional<inject::Found> Poll() override {
    if (context_.timeline.Now() < answer_at_) return std::nullopt;
    const auto addresses = context_.resolve(name_);
    if (!addresses) return inject::Found{{}, "the name is not known"};
    inject::Found found;
    for (const std::string& text : *addresses)
      found.addresses.push_back(*inject::ParseAddress(text));
    return found;
  }

 private:
  const ProcessContext& context_;
  const std::string name_;
  const nanoseconds answer_at_;
};

std::unique_ptr<inject::Fault> MakeFault(const protocol::InjectArguments& arguments,
                                         inject::Processes& processes) {
  const auto* process = std::get_if<protocol::Process>(&arguments.fault);
  if (process == nullptr) return std::make_unique<inject::Partition>(arguments);
  if (process->AtOnce()) return std::make_unique<inject::ProcessEnd>(*process, processes);
  return std::make_unique<inject::ProcessHang>(arguments, processes);
}

}  // namespace

Result<bool> SimNode::TakeLock(const std::string& run) {
  run_ = run;
  return context_.network.TakeLock(context_.pod_uid, run, context_.id);
}

std::vector<inject::Address> SimNode::OwnAddresses() {
  const Result<inject::Address> own = inject::ParseAddress(context_.network.IpOf(context_.pod_uid));
  return own ? std::vector{*own} : std::vector<inject::Address>();
}

std::unique_ptr<inject::Dial> SimNode::Connect(const inject::Endpoint& endpoint) {
  context_.timeline.After(kRoundTrip, wake_);
  return std::make_unique<SimDial>(context_, endpoint.address);
}

std::unique_ptr<inject::Lookup> SimNode::Resolve(const std::string& name) {
  context_.timeline.After(kRoundTrip, wake_);
  return std::make_unique<SimLookup>(context_, name);
}

Result<void> SimNode::TryCut(const inject::Cut&) {
  if (context_.network.mood() != KernelMood::kNotPermitted) return {};
  return Error{Reason::kDenied, "nft: Operation not permitted (is NET_ADMIN missing?)", {}, 0};
}

Result<void> SimNode::ApplyCut(const inject::Cut& cut, nanoseconds lasts) {
  return context_.network.ApplyCut(context_.pod_uid, run_, context_.id, cut, lasts);
}

Result<void> SimNode::WidenCut(const std::vector<inject::Address>& more, nanoseconds /*lasts*/) {
  return context_.network.WidenCut(context_.id, more);
}

Result<std::uint64_t> SimNode::Dropped() { return std::uint64_t{42}; }

Result<void> SimNode::RemoveCut() {
  context_.network.RemoveCut(context_.id);
  return {};
}

void SimInjector::Start() {
  Result<protocol::InjectArguments> arguments = protocol::InjectFromJson(context_.arguments);
  if (!arguments) {
    protocol::Event failed;
    failed.seq = 1;
    failed.at = context_.clock.Now();
    failed.event = "failed";
    failed.reason = protocol::kRefused;
    failed.message = arguments.error().detail;
    Line(failed);
    return context_.exit(1);
  }
  run_ = arguments->run;
  node_ = std::make_unique<SimNode>(context_, [this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) Step({});
  });
  processes_ = std::make_unique<SimProcesses>(context_, run_);
  fault_ = MakeFault(*arguments, *processes_);
  if (arguments->trigger)
    trigger_ = std::make_unique<inject::Trigger>(*arguments->trigger, sockets_);
  supervisor_ = std::make_unique<inject::Supervisor>(*arguments, *fault_, *node_, context_.clock,
                                                     *this, trigger_.get());
  Step({});
}

void SimInjector::Step(const inject::Inputs& inputs) {
  if (!supervisor_ || frozen_) return;
  const std::optional<nanoseconds> wake = supervisor_->Step(inputs);
  if (!wake) {
    const int code = supervisor_->exit_code();
    supervisor_.reset();
    return context_.exit(code);
  }
  PlanStep(*wake);
}

void SimInjector::PlanStep(nanoseconds since_boot) {
  if (since_boot == nanoseconds::max()) return;
  const nanoseconds pause = std::max(nanoseconds(0), since_boot - context_.clock.SinceBoot());
  context_.timeline.After(pause, [this, id = ++planned_, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired() && id == planned_) Step({});
  });
}

void SimInjector::Terminate() { Step({true, {}}); }

void SimInjector::Stop(const std::string& nonce, const std::string& reason,
                       std::function<void(std::string)> answer) {
  askers_.push_back(std::move(answer));
  Step({false, {{static_cast<int>(askers_.size()) - 1, nonce, reason}}});
}

void SimInjector::Line(const protocol::Event& event) {
  context_.print(protocol::PrintEvent(event));
}

void SimInjector::Answer(int id, const std::string& answer) {
  askers_.at(static_cast<std::size_t>(id))(answer);
}

void SimStopper::Start() {
  const Result<protocol::StopArguments> arguments = protocol::StopFromJson(context_.arguments);
  if (!arguments)
    return Say("failed", "failed", std::string(protocol::kRefused), arguments.error().detail);
  run_ = arguments->run;
  const bool found =
      context_.ask_to_stop(arguments->run, arguments->nonce, arguments->reason,
                           [this, alive = std::weak_ptr<bool>(alive_)](const std::string& answer) {
                             if (!alive.expired()) Heard(answer);
                           });
  if (!found)
    return Say("failed", "failed", std::string(Name(Reason::kNotFound)),
               "nobody listens for this run");
  context_.timeline.After(kAnswerWithin, [this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired() && !heard_)
      Say("failed", "failed", std::string(Name(Reason::kUnknownOutcome)),
          "the injector did not answer within 5s");
  });
}

void SimStopper::Heard(const std::string& answer) {
  heard_ = true;
  const bool refused = answer.starts_with("refused");
  Say(refused ? "failed" : "stopped", refused ? "failed" : "reverted",
      refused ? std::string(protocol::kRefused) : "stopped", "the injector says: " + answer);
}

void SimStopper::Say(std::string event, std::string state, std::string code,
                     const std::string& message) {
  protocol::Event line;
  line.seq = 1;
  line.at = context_.clock.Now();
  line.event = std::move(event);
  line.message = message;
  context_.print(protocol::PrintEvent(line));
  protocol::Record record;
  record.state = std::move(state);
  record.code = code;
  record.run = run_;
  context_.terminate_message(protocol::PrintRecord(record));
  context_.exit(code == "stopped" ? 0 : 1);
}

}  // namespace chaos::sim
