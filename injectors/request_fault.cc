#include "injectors/request_fault.h"

#include <algorithm>
#include <utility>

#include "injectors/protocol/events.h"
#include "injectors/protocol/names.h"
#include "operator/base/time_text.h"

namespace chaos::inject {
namespace {

constexpr nanoseconds kConnectWithin = seconds(1);
// After the fault: for what is under way to come to its end. It passes untouched then.
constexpr nanoseconds kDrain = seconds(3);
constexpr nanoseconds kMargin = seconds(1);  // for us, before the kernel ends us

std::string PrintLag(const protocol::Lag& lag) {
  std::string text = PrintDuration(lag.latency);
  if (lag.jitter > milliseconds(0)) text += " ± " + PrintDuration(lag.jitter);
  return text;
}

std::string PrintPorts(const std::vector<std::uint16_t>& ports) {
  std::string text;
  for (const std::uint16_t port : ports) text += (text.empty() ? "" : ", ") + std::to_string(port);
  return text;
}

Script ScriptOf(const protocol::InjectArguments& arguments) {
  if (const auto* stream = std::get_if<protocol::Stream>(&arguments.fault)) return Script(*stream);
  return Script(std::get<protocol::Http>(arguments.fault));
}

// For people: "first token 2s later, stalls after 5 events".
std::string WhatItDoes(const protocol::Stream& stream) {
  std::string text;
  const auto add = [&](const std::string& what) { text += (text.empty() ? "" : ", ") + what; };
  const auto after = [&](const char* what, const std::optional<int>& events) {
    if (events) add(std::string(what) + " after " + std::to_string(*events) + " events");
  };
  const auto share = [&](const char* what, int percent) {
    if (percent > 0) add(what + (" " + std::to_string(percent)) + "%");
  };
  if (stream.first_token_delay)
    add("first token " + PrintLag(*stream.first_token_delay) + " later");
  if (stream.token_delay) add("each token " + PrintLag(*stream.token_delay) + " longer");
  share(stream.corruption == protocol::Corruption::kBadJson ? "bad JSON" : "bad UTF-8",
        stream.corrupt);
  share("duplicates", stream.duplicate);
  share("drops", stream.drop);
  share("reorders", stream.reorder);
  if (stream.drop_done) add("drops [DONE]");
  after("stalls", stream.stall_after);
  after(stream.end == protocol::StreamEnd::kReset ? "is reset"
        : stream.end == protocol::StreamEnd::kFin ? "is cut off"
                                                  : "ends without [DONE]",
        stream.truncate_after);
  after("an error event", stream.error_after);
  after("is cancelled", stream.cancel_after);
  return text;
}

// Somebody has to serve on one of the ports at least; else no request could ever be met.
class Serving final : public Look {
 public:
  Serving(Node& node, const Redirect& redirect, nanoseconds now)
      : ports_(PrintPorts(redirect.ports)), deadline_(now + kConnectWithin) {
    for (const Address& address : redirect.served) {
      for (const std::uint16_t port : redirect.ports)
        dials_.push_back(node.Connect({address, port}));
    }
  }
  std::optional<Reading> Poll(nanoseconds now) override {
    bool pending = false;
    for (const auto& dial : dials_) {
      const Reached reached = dial->Poll();
      if (reached == Reached::kConnected) return Reading{{{"serves", "yes"}}, "", ""};
      pending |= reached == Reached::kPending;
    }
    if (pending && now < deadline_) return std::nullopt;
    return Reading{{{"serves", "no"}},
                   protocol::kSteadyStateNotMet,
                   "nobody in this pod takes connections on port " + ports_ +
                       ", so there can be no request to act on"};
  }
  nanoseconds Deadline() const override { return deadline_; }

 private:
  const std::string ports_;
  const nanoseconds deadline_;
  std::vector<std::unique_ptr<Dial>> dials_;
};

// Until a request was acted on; the supervisor's deadline ends the wait.
class FirstAct final : public Look {
 public:
  explicit FirstAct(const Tally& tally) : tally_(tally) {}
  std::optional<Reading> Poll(nanoseconds /*now*/) override {
    if (tally_.acted_on() == 0) return std::nullopt;
    return Reading{tally_.Figures(), "", ""};
  }
  nanoseconds Deadline() const override { return nanoseconds::max(); }

 private:
  const Tally& tally_;
};

class Drained final : public Look {
 public:
  Drained(Interposer& interposer, Tally& tally, nanoseconds now)
      : interposer_(interposer), tally_(tally), end_(now + kDrain), next_(now) {}
  std::optional<Reading> Poll(nanoseconds now) override {
    next_ = std::min(interposer_.Run(now), end_);
    if (interposer_.Open() > 0 && now < end_) return std::nullopt;
    const std::size_t cut = interposer_.Open();
    tally_.CutOff(cut);
    interposer_.Close();
    return Reading{{{"connectionsCut", std::to_string(cut)}}, "", ""};
  }
  nanoseconds Deadline() const override { return next_; }

 private:
  Interposer& interposer_;
  Tally& tally_;
  const nanoseconds end_;
  nanoseconds next_;
};

}  // namespace

RequestFault::RequestFault(const protocol::InjectArguments& arguments, Interposer& interposer,
                           Sockets& sockets, Processes& processes)
    : arguments_(arguments),
      script_(ScriptOf(arguments)),
      interposer_(interposer),
      sockets_(sockets),
      processes_(processes) {
  redirect_.table = protocol::TableName(arguments_.run);
  redirect_.ports = script_.match().ports;
  std::sort(redirect_.ports.begin(), redirect_.ports.end());
  redirect_.ports.erase(std::unique(redirect_.ports.begin(), redirect_.ports.end()),
                        redirect_.ports.end());
}

Figures RequestFault::Requested() const {
  const protocol::RequestMatch& match = script_.match();
  Figures figures = {{"ports", PrintPorts(redirect_.ports)},
                     {"share", std::to_string(match.share) + "%"},
                     {"duration", PrintShort(arguments_.duration)}};
  if (!match.path.empty()) figures["path"] = match.path;
  if (!match.method.empty()) figures["method"] = match.method;
  if (const protocol::Http* http = script_.http()) {
    if (http->delay) figures["delay"] = PrintLag(*http->delay);
    if (http->abort_status != 0) figures["abort"] = std::to_string(http->abort_status);
  }
  if (const protocol::Stream* stream = script_.stream()) figures["does"] = WhatItDoes(*stream);
  return figures;
}

std::vector<std::string_view> RequestFault::Headlines() const {
  return {"requestsActedOn", "requestsSeen", "streamsSeen",
          "uncovered",       "untouched",    "connectionsCut"};
}

Result<std::string> RequestFault::Preflight(Node& node) {
  redirect_.served = node.OwnAddresses();
  std::erase_if(redirect_.served, IsLoopback);
  if (redirect_.served.empty())
    return Invalid("this pod has no address of its own, so nobody can be led to a proxy");
  if (!script_.match().kubelet_probes) {
    redirect_.spared = interposer_.Gateways();
    for (const std::string& text : arguments_.protect) {
      const Result<Address> address = ParseAddress(text);
      if (!address) return Invalid("protect: " + address.error().detail);
      redirect_.spared.push_back(*address);
    }
    std::sort(redirect_.spared.begin(), redirect_.spared.end());
    redirect_.spared.erase(std::unique(redirect_.spared.begin(), redirect_.spared.end()),
                           redirect_.spared.end());
  }
  if (const Result<void> tried = interposer_.Try(redirect_); !tried) return tried.error();
  return std::string("proxy behind an nft redirect with an owner and elements that time out");
}

std::unique_ptr<Look> RequestFault::Baseline(Node& node, nanoseconds now) {
  return std::make_unique<Serving>(node, redirect_, now);
}

Figures RequestFault::Journal() const {
  return {{"adds", "nft table inet " + redirect_.table}, {"undo", "goes with this process"}};
}

// Connections that clients keep open are not redirected; whether they are used is known by their
// bytes.
std::map<std::uint64_t, std::uint64_t> RequestFault::OpenConnections() const {
  std::map<std::uint64_t, std::uint64_t> open;
  const Result<std::vector<Connection>> connections = sockets_.Connections();
  if (!connections) return open;
  for (const Connection& connection : *connections) {
    const auto has = [](const auto& list, const auto& one) {
      return std::find(list.begin(), list.end(), one) != list.end();
    };
    if (connection.state != Connection::State::kOpen) continue;
    if (!has(redirect_.ports, connection.here.port)) continue;
    if (has(redirect_.spared, connection.there.address) ||
        has(redirect_.served, connection.there.address) || IsLoopback(connection.there.address))
      continue;
    open[connection.cookie] = connection.received;
  }
  return open;
}

Result<void> RequestFault::Apply(Node& /*node*/, nanoseconds lasts) {
  if (const Result<void> armed = processes_.EndUsAfter(lasts + kDrain + kMargin); !armed)
    return armed;
  open_before_ = OpenConnections();
  return interposer_.Start(redirect_, script_, tally_, lasts);
}

std::optional<nanoseconds> RequestFault::Tick(Node& /*node*/, nanoseconds now) {
  return interposer_.Run(now);
}

std::unique_ptr<Look> RequestFault::Measure(Node& /*node*/, nanoseconds /*now*/) {
  return std::make_unique<FirstAct>(tally_);
}

Figures RequestFault::Sample(Node& /*node*/) const { return tally_.Figures(); }

Result<Figures> RequestFault::Revert(Node& /*node*/, nanoseconds now) {
  std::size_t untouched = 0;
  for (const auto& [cookie, received] : OpenConnections()) {
    const auto before = open_before_.find(cookie);
    untouched += before != open_before_.end() && before->second != received;
  }
  const std::optional<std::uint64_t> spared = interposer_.Spared();
  interposer_.Release(now);
  Figures figures = tally_.Figures();
  figures["openBefore"] = std::to_string(open_before_.size());
  figures["untouched"] = std::to_string(untouched);
  figures["fromTheNode"] = spared ? std::to_string(*spared) : "unknown";
  figures["stillOpen"] = std::to_string(interposer_.Open());
  return figures;
}

std::unique_ptr<Look> RequestFault::Confirm(Node& /*node*/, nanoseconds now) {
  return std::make_unique<Drained>(interposer_, tally_, now);
}

}  // namespace chaos::inject
