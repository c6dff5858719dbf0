#include "injectors/partition.h"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "injectors/protocol/events.h"
#include "operator/base/time_text.h"

namespace chaos::inject {
namespace {

constexpr nanoseconds kTimeoutBefore = seconds(1);
constexpr nanoseconds kLeastTimeoutDuring = milliseconds(500);
constexpr int kPatience = 4;  // a connect that takes this many times longer than before is cut off

class ConnectLook final : public Look {
 public:
  using Read = std::function<Reading(const Connects&)>;
  ConnectLook(Connects connects, Read read)
      : connects_(std::move(connects)), read_(std::move(read)) {}
  std::optional<Reading> Poll(nanoseconds now) override {
    if (!connects_.Poll(now)) return std::nullopt;
    return read_(connects_);
  }
  nanoseconds Deadline() const override { return connects_.deadline(); }

 private:
  Connects connects_;
  Read read_;
};

}  // namespace

Partition::Partition(const protocol::InjectArguments& arguments)
    : arguments_(arguments),
      aim_(arguments_, arguments_.partition()),
      follow_(arguments_.partition()) {
  aim_.cut().grows = follow_.any();
}

Figures Partition::Requested() const {
  Figures figures = aim_.Requested();
  figures["peersCut"] = Share(aim_.tried().size(), aim_.tried().size());
  figures["duration"] = PrintShort(arguments_.duration);
  return figures;
}

std::vector<std::string_view> Partition::Headlines() const {
  return {"peersCut", "packetsDropped", "control", "peersBack", "latePeersCut"};
}

Result<std::string> Partition::Preflight(Node& node) {
  if (const Result<void> planned = aim_.Plan(node); !planned) return planned.error();
  if (const Result<void> planned = follow_.Plan(aim_.cut(), aim_.untouchable()); !planned)
    return planned.error();
  if (const Result<void> tried = node.TryCut(aim_.cut()); !tried) return tried.error();
  return std::string("nft table with an owner and elements that time out");
}

std::unique_ptr<Look> Partition::Baseline(Node& node, nanoseconds now) {
  return std::make_unique<ConnectLook>(Connects(node, aim_.Endpoints(), now, kTimeoutBefore),
                                       [this](const Connects& c) { return ReadBefore(c); });
}

Reading Partition::ReadBefore(const Connects& connects) {
  slowest_before_ = connects.slowest();
  return aim_.TakeBefore([&](std::size_t i) { return connects.reached(i); });
}

Figures Partition::Journal() const {
  return {{"adds", "nft table inet " + aim_.cut().table}, {"undo", "goes with this process"}};
}

Result<void> Partition::Apply(Node& node, nanoseconds lasts) {
  follow_.Begin(lasts);
  return node.ApplyCut(aim_.cut(), lasts);
}

std::optional<nanoseconds> Partition::Tick(Node& node, nanoseconds now) {
  if (!follow_.any()) return std::nullopt;
  return follow_.Tick(node, now);
}

std::unique_ptr<Look> Partition::Measure(Node& node, nanoseconds now) {
  const nanoseconds timeout =
      std::clamp(kPatience * slowest_before_, kLeastTimeoutDuring, kPatience * kTimeoutBefore);
  return std::make_unique<ConnectLook>(
      Connects(node, aim_.Worked(/*controls_too=*/true), now, timeout),
      [this, &node](const Connects& c) { return ReadDuring(node, c); });
}

Reading Partition::ReadDuring(Node& node, const Connects& connects) const {
  std::size_t next = 0, failed = 0, tried = 0;
  std::set<std::size_t> cut_off, still_reached;
  std::vector<std::string> leaks;
  for (const Aim::Check& check : aim_.checks()) {
    if (!check.before) continue;
    ++tried;
    const bool reached = connects.reached(next++);
    (reached ? still_reached : cut_off).insert(check.peer);
    if (reached)
      leaks.push_back(Print(check.endpoint));
    else
      ++failed;
  }
  std::string control;
  for (const Aim::ControlCheck& candidate : aim_.controls()) {
    if (candidate.before && connects.reached(next++) && control.empty()) control = candidate.name;
  }
  for (const std::size_t peer : still_reached) cut_off.erase(peer);

  Reading reading;
  reading.measured = Sample(node);
  reading.measured["peersCut"] = Share(cut_off.size(), aim_.tried().size());
  reading.measured["connectsFailed"] = Share(failed, tried);
  reading.measured["connectTimeout"] =
      PrintShort(std::chrono::duration_cast<microseconds>(connects.timeout()));
  reading.measured["control"] = control.empty() ? "failed" : "ok";
  if (!control.empty()) reading.measured["controlName"] = control;
  const std::string missing = aim_.PeersUnreachableBefore();
  if (!missing.empty()) reading.measured["notReachableBefore"] = missing;
  if (failed == 0) {
    reading.reason = protocol::kNoEffect;
    reading.message = "the rules are in, but everything that worked before still works";
  } else if (failed < tried) {
    reading.reason = protocol::kPartialEffect;
    reading.message = "still reached: " + Join(leaks);
  } else if (control.empty()) {
    reading.reason = protocol::kSteadyStateNotMet;
    reading.message = "no control works any more, so more than the peers seems to be cut off";
  }
  return reading;
}

// The injector's own connects are among the packets.
Figures Partition::Sample(Node& node) const {
  Figures figures = follow_.figures();
  const Result<std::uint64_t> dropped = node.Dropped();
  figures["packetsDropped"] = dropped ? std::to_string(*dropped) : "unknown";
  return figures;
}

Result<Figures> Partition::Revert(Node& node, nanoseconds /*now*/) {
  Figures figures = Sample(node);
  if (const Result<void> removed = node.RemoveCut(); !removed) return removed.error();
  return figures;
}

std::unique_ptr<Look> Partition::Confirm(Node& node, nanoseconds now) {
  return std::make_unique<ConnectLook>(
      Connects(node, aim_.Worked(/*controls_too=*/false), now, kTimeoutBefore),
      [this](const Connects& c) { return ReadAfter(c); });
}

Reading Partition::ReadAfter(const Connects& connects) const {
  std::size_t next = 0;
  std::set<std::size_t> back;
  for (const Aim::Check& check : aim_.checks()) {
    if (check.before && connects.reached(next++)) back.insert(check.peer);
  }
  return {{{"peersBack", Share(back.size(), aim_.ReachableBefore().size())}}, "", ""};
}

}  // namespace chaos::inject
