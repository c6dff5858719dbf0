#include "injectors/nft_cut.h"

#include <linux/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/xt_NFQUEUE.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "injectors/nft_table.h"

namespace chaos::inject {
namespace {

constexpr std::int32_t kPriority =
    -5;  // before filter (0), so that no other table's accept is missed

// The address behind the last one; empty behind the very last.
NftKey KeyBehind(const Network& network) {
  NftKey key = KeyOf(Last(network));
  for (auto byte = key.rbegin(); byte != key.rend(); ++byte) {
    if (++*byte != 0) return key;
  }
  return {};
}

// One family of one cut.
struct Side {
  bool v6 = false;
  std::vector<Network> networks;
  std::vector<Address> spared;
  bool ranges = false;  // some network is more than one address

  std::string peers_set() const { return v6 ? "peers6" : "peers4"; }
  std::string spared_set() const { return v6 ? "spared6" : "spared4"; }
  std::uint32_t address_bytes() const { return v6 ? 16 : 4; }
};

Side MakeSide(const Cut& cut, bool v6) {
  Side side;
  side.v6 = v6;
  for (const Network& network : cut.networks) {
    if (network.base.v6 != v6) continue;
    side.networks.push_back(network);
    side.ranges |= !network.single();
  }
  for (const Address& address : cut.spared) {
    if (address.v6 == v6) side.spared.push_back(address);
  }
  return side;
}

class Builder {
 public:
  Builder(const Cut& cut, nanoseconds lasts)
      : cut_(cut), timeout_ms_(TimeoutMs(lasts)), table_(cut.table) {}

  NftBatch Build() {
    table_.Create();
    table_.Counter(kDroppedCounter);
    std::vector<Side> sides;
    for (const bool v6 : {false, true}) {
      Side side = MakeSide(cut_, v6);
      if (side.networks.empty() && !cut_.grows) continue;
      AddSets(side);
      sides.push_back(std::move(side));
    }
    if (cut_.outgoing) AddChain(true, sides);
    if (cut_.incoming) AddChain(false, sides);
    return std::move(table_.batch());
  }

  NftBatch Widen(const std::vector<Address>& more) {
    for (const bool v6 : {false, true}) {
      Side side = MakeSide(cut_, v6);  // the set is as it was made: with ranges or without
      side.networks.clear();
      for (const Address& address : more) {
        if (address.v6 == v6) side.networks.push_back(Single(address));
      }
      AddPeers(side);
    }
    return std::move(table_.batch());
  }

 private:
  void AddSets(const Side& side) {
    if (!side.spared.empty()) {
      table_.Set(side.spared_set(), side.v6, 0);
      table_.Elements(side.spared_set(), side.spared.size(),
                      [&](std::size_t i) { table_.Element(KeyOf(side.spared[i])); });
    }
    const std::uint32_t interval = side.ranges ? NFT_SET_INTERVAL : 0;
    const std::uint32_t concat = cut_.ports.empty() ? 0 : NFT_SET_CONCAT;
    table_.Set(side.peers_set(), side.v6, NFT_SET_TIMEOUT | interval | concat);
    AddPeers(side);
  }

  void AddPeers(const Side& side) {
    if (cut_.ports.empty())
      AddAddresses(side);
    else
      AddPorts(side);
  }

  // In a set with ranges each network is two elements: its first address, and the end behind its
  // last.
  void AddAddresses(const Side& side) {
    table_.Elements(side.peers_set(), side.networks.size(), [&](std::size_t i) {
      table_.Element(KeyOf(First(side.networks[i])), timeout_ms_);
      if (!side.ranges) return;
      const NftKey behind = KeyBehind(side.networks[i]);
      if (!behind.empty()) table_.Element(behind, 0, {}, NFT_SET_ELEM_INTERVAL_END);
    });
  }

  void AddPorts(const Side& side) {
    const std::size_t ports = cut_.ports.size();
    table_.Elements(side.peers_set(), side.networks.size() * ports, [&](std::size_t i) {
      const Network& network = side.networks[i / ports];
      const std::uint16_t port = cut_.ports[i % ports];
      table_.Element(KeyOf(First(network), port), timeout_ms_,
                     side.ranges ? KeyOf(Last(network), port) : NftKey());
    });
  }

  void AddChain(bool out, const std::vector<Side>& sides) {
    const std::string name = out ? "out" : "in";
    table_.Chain(name, "filter", out ? NF_INET_LOCAL_OUT : NF_INET_LOCAL_IN, kPriority);
    table_.Rule(name, [&] { table_.LoopbackAccept(out ? NFT_META_OIFTYPE : NFT_META_IIFTYPE); });
    for (const Side& side : sides) {
      if (!side.spared.empty()) table_.Rule(name, [&] { SparedAccept(side, out); });
      if (cut_.ports.empty()) {
        table_.Rule(name, [&] { PeersDrop(side, out, 0); });
        continue;
      }
      for (const std::uint8_t protocol : {IPPROTO_TCP, IPPROTO_UDP}) {
        table_.Rule(name, [&] { PeersDrop(side, out, protocol); });
      }
    }
  }

  void SparedAccept(const Side& side, bool out) {
    LoadAddress(side, out);
    table_.Lookup(side.spared_set());
    table_.Verdict(NF_ACCEPT);
  }

  void PeersDrop(const Side& side, bool out, std::uint8_t protocol) {
    if (protocol != 0) table_.Meta(NFT_META_L4PROTO, {protocol});
    LoadAddress(side, out);
    if (protocol !=
        0) {  // the other side's port: bytes 2 and 3 of what we send, 0 and 1 of what comes
      table_.Payload(NFT_PAYLOAD_TRANSPORT_HEADER, out ? 2 : 0, 2,
                     NFT_REG32_00 + side.address_bytes() / 4);
    }
    table_.Lookup(side.peers_set());
    table_.Count(kDroppedCounter);
    if (!cut_.queue)
      table_.Verdict(NF_DROP);
    else if (cut_.queue->by_target)
      QueueByTarget(cut_.queue->number);
    else
      Queue(cut_.queue->number);
  }

  void Queue(std::uint16_t number) {
    const auto put = [&](std::uint16_t type, std::uint16_t value) {
      const std::uint8_t bytes[] = {static_cast<std::uint8_t>(value >> 8),
                                    static_cast<std::uint8_t>(value)};
      table_.batch().Put(type, std::span<const std::uint8_t>(bytes));
    };
    table_.Expression("queue", [&] {
      put(NFTA_QUEUE_NUM, number);
      put(NFTA_QUEUE_TOTAL, 1);
      put(NFTA_QUEUE_FLAGS, NFT_QUEUE_FLAG_BYPASS);
    });
  }

  void QueueByTarget(std::uint16_t number) {
    xt_NFQ_info_v3 info{};
    info.queuenum = number;
    info.queues_total = 1;
    info.flags = NFQ_FLAG_BYPASS;
    std::array<std::uint8_t, (sizeof info + 7) / 8 * 8> bytes{};  // whole words, as xtables pads
    std::memcpy(bytes.data(), &info, sizeof info);
    table_.Expression("target", [&] {
      table_.batch().Put(NFTA_TARGET_NAME, std::string_view("NFQUEUE"));
      table_.batch().Put32(NFTA_TARGET_REV, 3);
      table_.batch().Put(NFTA_TARGET_INFO, std::span<const std::uint8_t>(bytes));
    });
  }

  void LoadAddress(const Side& side, bool out) {
    table_.Meta(NFT_META_NFPROTO,
                {static_cast<std::uint8_t>(side.v6 ? NFPROTO_IPV6 : NFPROTO_IPV4)});
    const std::uint32_t source = side.v6 ? 8 : 12;  // offset in the IP header
    table_.Payload(NFT_PAYLOAD_NETWORK_HEADER, out ? source + side.address_bytes() : source,
                   side.address_bytes(), NFT_REG32_00);
  }

  const Cut& cut_;
  const std::uint64_t timeout_ms_;
  NftTable table_;
};

}  // namespace

NftBatch CutBatch(const Cut& cut, nanoseconds lasts) { return Builder(cut, lasts).Build(); }

NftBatch WidenBatch(const Cut& cut, const std::vector<Address>& more, nanoseconds lasts) {
  return Builder(cut, lasts).Widen(more);
}

NftBatch RemoveBatch(const Cut& cut) {
  NftBatch batch;
  batch.Message(NFT_MSG_DELTABLE, 0, NFPROTO_INET);
  batch.Put(NFTA_TABLE_NAME, cut.table);
  return batch;
}

}  // namespace chaos::inject
