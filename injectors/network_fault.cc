#include "injectors/network_fault.h"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

#include "injectors/protocol/events.h"
#include "operator/base/time_text.h"

namespace chaos::inject {
namespace {

constexpr TimedConnects::Pace kBefore{5, milliseconds(3), seconds(1)};
constexpr TimedConnects::Pace kAfter{3, milliseconds(3), seconds(1)};
constexpr int kMostDrains = 64;
constexpr std::size_t kMostPerPeer = 2, kMostEndpoints = 32;

const protocol::Network& NetworkOf(const protocol::InjectArguments& arguments) {
  return std::get<protocol::Network>(arguments.fault);
}

int Directions(const protocol::Network& network) {
  return network.between.direction == protocol::Direction::kBoth ? 2 : 1;
}

// One bit behind the IP header is turned over, which a checksum of TCP or UDP finds.
void TurnOneBit(std::vector<std::uint8_t>& packet, std::uint64_t draw) {
  if (packet.empty()) return;
  const std::size_t header = packet[0] >> 4 == 6 ? 40 : std::size_t{packet[0] & 0xfU} * 4;
  if (header >= packet.size()) return;
  const std::size_t at = header + (draw >> 3) % (packet.size() - header);
  packet[at] = static_cast<std::uint8_t>(packet[at] ^ (1U << (draw & 7)));
}

}  // namespace

// Before and after: what was found is read once every connect has its outcome.
class NetworkFault::ConnectLook final : public Look {
 public:
  using Read = std::function<Reading(const TimedConnects&)>;
  ConnectLook(TimedConnects connects, Read read)
      : connects_(std::move(connects)), read_(std::move(read)) {}
  std::optional<Reading> Poll(nanoseconds now) override {
    if (!connects_.Poll(now)) return std::nullopt;
    return read_(connects_);
  }
  nanoseconds Deadline() const override { return connects_.Deadline(); }

 private:
  TimedConnects connects_;
  const Read read_;
};

// During: connects at a steady pace, and with a rate many at once after them.
class NetworkFault::MeasureLook final : public Look {
 public:
  MeasureLook(NetworkFault& fault, Node& node, nanoseconds now)
      : fault_(fault),
        node_(node),
        peers_(fault.endpoints_.begin(), fault.endpoints_.end() - 1),
        pace_(fault.proof_.Pace(peers_.size(), fault.slowest_before_)),
        steady_(node, fault.endpoints_, pace_, now) {}

  std::optional<Reading> Poll(nanoseconds now) override {
    if (!steady_.Poll(now)) return std::nullopt;
    if (fault_.proof_.Burst() == 0) return Read();
    if (!burst_)
      burst_.emplace(node_, peers_, fault_.proof_.BurstPace(peers_.size(), fault_.slowest_before_),
                     now);
    const bool done = burst_->Poll(now);
    Follow(now);
    return done ? std::optional(Read()) : std::nullopt;
  }
  nanoseconds Deadline() const override { return burst_ ? burst_->Deadline() : steady_.Deadline(); }

 private:
  // What the link let through between the first answer and the last one.
  void Follow(nanoseconds now) {
    if (burst_->answered() == answered_) return;
    const std::uint64_t passed = std::max(fault_.passed_bytes_[0], fault_.passed_bytes_[1]);
    if (answered_ == 0) {
      first_at_ = now;
      first_passed_ = passed;
    }
    answered_ = burst_->answered();
    last_at_ = now;
    last_passed_ = passed;
  }

  Reading Read() const {
    NetworkProof::Seen seen;
    seen.before = fault_.before_;
    seen.control_before = fault_.control_before_;
    for (const std::vector<std::size_t>& endpoints : fault_.of_peer_)
      seen.during.push_back(TimingOf(steady_.samples(), endpoints, pace_.timeout));
    seen.control_during = TimingOf(steady_.samples(), {peers_.size()}, pace_.timeout);
    seen.counts = fault_.Counts();
    seen.waited = answered_;
    seen.waited_for = last_at_ - first_at_;
    seen.passed = last_passed_ - first_passed_;
    Reading reading = fault_.proof_.Judge(seen);
    reading.measured["controlName"] = fault_.aim_.controls()[fault_.control_].name;
    return reading;
  }

  NetworkFault& fault_;
  Node& node_;
  const std::vector<Endpoint> peers_;
  const TimedConnects::Pace pace_;
  TimedConnects steady_;
  std::optional<TimedConnects> burst_;
  std::size_t answered_ = 0;
  nanoseconds first_at_{0}, last_at_{0};
  std::uint64_t first_passed_ = 0, last_passed_ = 0;
};

NetworkFault::NetworkFault(const protocol::InjectArguments& arguments, Packets& packets)
    : arguments_(arguments),
      network_(NetworkOf(arguments_)),
      packets_(packets),
      aim_(arguments_, network_.between),
      proof_(network_.effects, Directions(network_)),
      links_{Link(network_.effects, network_.seed), Link(network_.effects, network_.seed + 1)} {}

Figures NetworkFault::Requested() const {
  Figures figures = proof_.Requested();
  figures.merge(aim_.Requested());
  figures["peersSlow"] = Share(of_peer_.size(), of_peer_.size());
  if (!network_.effects.delay) figures.erase("peersSlow");
  figures["duration"] = PrintShort(arguments_.duration);
  return figures;
}

std::vector<std::string_view> NetworkFault::Headlines() const {
  return {"delay", "loss", "rate", "packets", "control", "rttAfter", "corrupt"};
}

Result<std::string> NetworkFault::Preflight(Node& node) {
  if (const Result<void> planned = aim_.Plan(node); !planned) return planned.error();
  const Result<std::uint16_t> number = packets_.Open(/*content=*/network_.effects.corrupt != 0);
  if (!number) return number.error();
  aim_.cut().queue = QueueTo{*number, /*by_target=*/false};
  Result<void> tried = node.TryCut(aim_.cut());
  if (tried) return std::string("nft queue, and a delay line in the injector");
  aim_.cut().queue->by_target = true;
  if (node.TryCut(aim_.cut()))
    return std::string("NFQUEUE target, and a delay line in the injector");
  packets_.Close();
  return Error{tried.error().reason,
               tried.error().detail + "; and neither nft's queue nor the target NFQUEUE is there"};
}

std::unique_ptr<Look> NetworkFault::Baseline(Node& node, nanoseconds now) {
  return std::make_unique<ConnectLook>(TimedConnects(node, aim_.Endpoints(), kBefore, now),
                                       [this](const TimedConnects& c) { return ReadBefore(c); });
}

Reading NetworkFault::ReadBefore(const TimedConnects& connects) {
  const auto timing = [&](std::size_t i) {
    return TimingOf(connects.samples(), {i}, kBefore.timeout);
  };
  // A network that loses packets by itself shows no dose.
  Reading reading =
      aim_.TakeBefore([&](std::size_t i) { return timing(i).prompt + 1 >= timing(i).tried; });
  if (!reading.reason.empty()) return reading;
  ChooseEndpoints();
  const std::vector<Endpoint> all = aim_.Endpoints();
  std::vector<std::size_t> index;  // of each chosen endpoint in all
  for (const Endpoint& chosen : endpoints_) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].address == chosen.address && all[i].port == chosen.port) {
        index.push_back(i);
        break;
      }
    }
  }
  nanoseconds sum{0};
  for (const std::vector<std::size_t>& of_peer : of_peer_) {
    std::vector<std::size_t> indices;
    for (const std::size_t i : of_peer) indices.push_back(index[i]);
    before_.push_back(TimingOf(connects.samples(), indices, kBefore.timeout));
    slowest_before_ = std::max(slowest_before_, before_.back().slowest);
    sum += before_.back().mean;
  }
  control_before_ = timing(index.back());
  slowest_before_ = std::max(slowest_before_, control_before_.slowest);
  reading.measured["rttBefore"] = PrintShort(
      std::chrono::duration_cast<microseconds>(sum / static_cast<std::int64_t>(of_peer_.size())));
  return reading;
}

void NetworkFault::ChooseEndpoints() {
  std::map<std::size_t, std::size_t> of_peer;  // peer to index in of_peer_
  for (const Aim::Check& check : aim_.checks()) {
    if (!check.before) continue;
    const auto [found, fresh] = of_peer.try_emplace(check.peer, of_peer_.size());
    if (fresh) of_peer_.emplace_back();
    std::vector<std::size_t>& mine = of_peer_[found->second];
    if (!fresh && (mine.size() == kMostPerPeer || endpoints_.size() >= kMostEndpoints)) continue;
    mine.push_back(endpoints_.size());
    endpoints_.push_back(check.endpoint);
  }
  const std::vector<Aim::ControlCheck>& controls = aim_.controls();
  while (!controls[control_].before) ++control_;
  endpoints_.push_back(controls[control_].endpoint);
}

Figures NetworkFault::Journal() const {
  return {{"adds", "nft table inet " + aim_.cut().table + ", queue " +
                       std::to_string(aim_.cut().queue ? aim_.cut().queue->number : 0)},
          {"undo", "goes with this process"}};
}

Result<void> NetworkFault::Apply(Node& node, nanoseconds lasts) {
  return node.ApplyCut(aim_.cut(), lasts);
}

void NetworkFault::Enter(HeldPacket packet, nanoseconds now) {
  const Fate fate = links_[packet.outgoing].Next(now, packet.bytes);
  if (fate.lost) return packets_.Drop(packet.id);
  const bool changed = fate.corrupted && !packet.content.empty();
  if (changed) TurnOneBit(packet.content, fate.draw);
  Held held{fate.due, ++order_, std::move(packet), changed};
  if (held.due <= now) return Leave(held);
  if (!changed) held.packet.content.clear();
  held_.push(std::move(held));
}

void NetworkFault::Leave(const Held& held) {
  passed_bytes_[held.packet.outgoing] += held.packet.bytes;
  if (held.changed)
    packets_.PassChanged(held.packet.id, held.packet.content);
  else
    packets_.Pass(held.packet.id);
}

std::optional<nanoseconds> NetworkFault::Tick(Node& /*node*/, nanoseconds now) {
  for (HeldPacket& packet : packets_.Take()) Enter(std::move(packet), now);
  while (!held_.empty() && held_.top().due <= now) {
    Leave(held_.top());
    held_.pop();
  }
  if (held_.empty()) return std::nullopt;
  return held_.top().due;
}

std::unique_ptr<Look> NetworkFault::Measure(Node& node, nanoseconds now) {
  return std::make_unique<MeasureLook>(*this, node, now);
}

LinkCounts NetworkFault::Counts() const {
  LinkCounts sum;
  for (const Link& link : links_) {
    const LinkCounts& counts = link.counts();
    sum.seen += counts.seen;
    sum.lost += counts.lost;
    sum.overflowed += counts.overflowed;
    sum.corrupted += counts.corrupted;
    sum.reordered += counts.reordered;
    sum.bytes += counts.bytes;
  }
  return sum;
}

// The injector's own connects are among the packets.
Figures NetworkFault::Sample(Node& /*node*/) const {
  const LinkCounts counts = Counts();
  Figures figures = {{"packets", std::to_string(counts.seen)}};
  if (network_.effects.loss) figures["packetsLost"] = std::to_string(counts.lost);
  if (network_.effects.corrupt != 0) figures["packetsCorrupted"] = std::to_string(counts.corrupted);
  if (network_.effects.reorder != 0) figures["packetsReordered"] = std::to_string(counts.reordered);
  if (network_.effects.rate != 0) figures["packetsOverflowed"] = std::to_string(counts.overflowed);
  return figures;
}

// What is still held goes on at once: a link that is good again. It has to before its chain goes,
// with which the kernel drops all that is held.
Result<Figures> NetworkFault::Revert(Node& node, nanoseconds /*now*/) {
  Figures figures = Sample(node);
  for (; !held_.empty(); held_.pop()) Leave(held_.top());
  std::vector<HeldPacket> rest = packets_.Take();
  for (int i = 0; !rest.empty() && i < kMostDrains; ++i) {
    for (const HeldPacket& packet : rest) packets_.Pass(packet.id);
    rest = packets_.Take();
  }
  const Result<void> removed = node.RemoveCut();
  packets_.Close();
  if (!removed) return removed.error();
  return figures;
}

std::unique_ptr<Look> NetworkFault::Confirm(Node& node, nanoseconds now) {
  return std::make_unique<ConnectLook>(TimedConnects(node, endpoints_, kAfter, now),
                                       [this](const TimedConnects& c) { return ReadAfter(c); });
}

Reading NetworkFault::ReadAfter(const TimedConnects& connects) const {
  std::size_t back = 0;
  nanoseconds sum{0};
  for (const std::vector<std::size_t>& endpoints : of_peer_) {
    const Timing timing = TimingOf(connects.samples(), endpoints, kAfter.timeout);
    if (timing.prompt == 0) continue;
    ++back;
    sum += timing.mean;
  }
  Reading reading;
  reading.measured["peersBack"] = Share(back, of_peer_.size());
  if (back > 0)
    reading.measured["rttAfter"] =
        PrintShort(std::chrono::duration_cast<microseconds>(sum / static_cast<std::int64_t>(back)));
  return reading;
}

}  // namespace chaos::inject
