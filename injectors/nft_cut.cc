#include "injectors/nft_cut.h"

#include <linux/if_arp.h>
#include <linux/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <linux/netlink.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace chaos::inject {
namespace {

constexpr std::int32_t kPriority =
    -5;  // before filter (0), so that no other table's accept is missed
constexpr std::size_t kElementsPerMessage = 256;  // an attribute holds 64 KiB

// The kernel treats key types as opaque; these are nft's numbers, so that `nft list` can print
// them.
constexpr std::uint32_t kTypeIpv4 = 7, kTypeIpv6 = 8, kTypePort = 13, kTypeBits = 6;

using Key = std::vector<std::uint8_t>;

Key AddressKey(const Address& address) {
  return {address.bytes.begin(),
          address.bytes.begin() + static_cast<std::ptrdiff_t>(address.size())};
}

Key PortKey(const Address& address, std::uint16_t port) {
  Key key = AddressKey(address);
  key.push_back(static_cast<std::uint8_t>(port >> 8));
  key.push_back(static_cast<std::uint8_t>(port));
  key.resize(key.size() + 2);  // a field takes whole registers
  return key;
}

// The address behind the last one; empty behind the very last.
Key KeyBehind(const Network& network) {
  Key key = AddressKey(Last(network));
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
  std::uint32_t address_type() const { return v6 ? kTypeIpv6 : kTypeIpv4; }
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
      : cut_(cut),
        timeout_ms_(static_cast<std::uint64_t>(
            std::max<std::int64_t>(1, std::chrono::ceil<milliseconds>(lasts).count()))) {}

  NftBatch Build() {
    Table();
    Counter();
    std::vector<Side> sides;
    for (const bool v6 : {false, true}) {
      Side side = MakeSide(cut_, v6);
      if (side.networks.empty() && !cut_.grows) continue;
      AddSets(side);
      sides.push_back(std::move(side));
    }
    if (cut_.outgoing) AddChain(true, sides);
    if (cut_.incoming) AddChain(false, sides);
    return std::move(batch_);
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
    return std::move(batch_);
  }

 private:
  void Add(std::uint16_t type, std::uint16_t flags) {
    batch_.Message(type, static_cast<std::uint16_t>(NLM_F_CREATE | flags), NFPROTO_INET);
  }

  void Table() {
    Add(NFT_MSG_NEWTABLE, NLM_F_EXCL);
    batch_.Put(NFTA_TABLE_NAME, cut_.table);
    batch_.Put32(NFTA_TABLE_FLAGS, NFT_TABLE_F_OWNER);
  }

  void Counter() {
    Add(NFT_MSG_NEWOBJ, NLM_F_EXCL);
    batch_.Put(NFTA_OBJ_TABLE, cut_.table);
    batch_.Put(NFTA_OBJ_NAME, std::string_view(kDroppedCounter));
    batch_.Put32(NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER);
    batch_.Nest(NFTA_OBJ_DATA, [&] {
      batch_.Put64(NFTA_COUNTER_PACKETS, 0);
      batch_.Put64(NFTA_COUNTER_BYTES, 0);
    });
  }

  void AddSets(const Side& side) {
    if (!side.spared.empty()) {
      AddSet(side, side.spared_set(), 0, false);
      std::vector<Key> keys;
      for (const Address& address : side.spared) keys.push_back(AddressKey(address));
      AddElements(side.spared_set(), keys.size(), [&](std::size_t i) { Element(keys[i]); });
    }
    const std::uint32_t interval = side.ranges ? NFT_SET_INTERVAL : 0;
    AddSet(side, side.peers_set(), NFT_SET_TIMEOUT | interval, !cut_.ports.empty());
    AddPeers(side);
  }

  void AddPeers(const Side& side) {
    if (cut_.ports.empty())
      AddAddresses(side);
    else
      AddPorts(side);
  }

  void AddSet(const Side& side, const std::string& name, std::uint32_t flags, bool with_port) {
    if (with_port) flags |= NFT_SET_CONCAT;
    Add(NFT_MSG_NEWSET, NLM_F_EXCL);
    batch_.Put(NFTA_SET_TABLE, cut_.table);
    batch_.Put(NFTA_SET_NAME, name);
    batch_.Put32(NFTA_SET_FLAGS, flags);
    batch_.Put32(NFTA_SET_KEY_TYPE,
                 with_port ? side.address_type() << kTypeBits | kTypePort : side.address_type());
    batch_.Put32(NFTA_SET_KEY_LEN, side.address_bytes() + (with_port ? 4 : 0));
    batch_.Put32(NFTA_SET_ID, ++set_id_);
    if (!with_port) return;
    batch_.Nest(NFTA_SET_DESC, [&] {
      batch_.Nest(NFTA_SET_DESC_CONCAT, [&] {
        for (const std::uint32_t length : {side.address_bytes(), 2U}) {
          batch_.Nest(NFTA_LIST_ELEM, [&] { batch_.Put32(NFTA_SET_FIELD_LEN, length); });
        }
      });
    });
  }

  template <class One>
  void AddElements(const std::string& set, std::size_t count, One one) {
    for (std::size_t start = 0; start < count; start += kElementsPerMessage) {
      Add(NFT_MSG_NEWSETELEM, NLM_F_EXCL);
      batch_.Put(NFTA_SET_ELEM_LIST_TABLE, cut_.table);
      batch_.Put(NFTA_SET_ELEM_LIST_SET, set);
      if (set_id_ != 0) batch_.Put32(NFTA_SET_ELEM_LIST_SET_ID, set_id_);
      batch_.Nest(NFTA_SET_ELEM_LIST_ELEMENTS, [&] {
        for (std::size_t i = start; i < std::min(count, start + kElementsPerMessage); ++i) one(i);
      });
    }
  }

  void Element(const Key& key, std::uint64_t timeout_ms = 0, const Key& end = {},
               std::uint32_t flags = 0) {
    batch_.Nest(NFTA_LIST_ELEM, [&] {
      batch_.Nest(NFTA_SET_ELEM_KEY, [&] { batch_.Put(NFTA_DATA_VALUE, key); });
      if (!end.empty()) {
        batch_.Nest(NFTA_SET_ELEM_KEY_END, [&] { batch_.Put(NFTA_DATA_VALUE, end); });
      }
      if (flags != 0) batch_.Put32(NFTA_SET_ELEM_FLAGS, flags);
      if (timeout_ms != 0) batch_.Put64(NFTA_SET_ELEM_TIMEOUT, timeout_ms);
    });
  }

  // In a set with ranges each network is two elements: its first address, and the end behind its
  // last.
  void AddAddresses(const Side& side) {
    AddElements(side.peers_set(), side.networks.size(), [&](std::size_t i) {
      Element(AddressKey(First(side.networks[i])), timeout_ms_);
      if (!side.ranges) return;
      const Key behind = KeyBehind(side.networks[i]);
      if (!behind.empty()) Element(behind, 0, {}, NFT_SET_ELEM_INTERVAL_END);
    });
  }

  void AddPorts(const Side& side) {
    const std::size_t ports = cut_.ports.size();
    AddElements(side.peers_set(), side.networks.size() * ports, [&](std::size_t i) {
      const Network& network = side.networks[i / ports];
      const std::uint16_t port = cut_.ports[i % ports];
      Element(PortKey(First(network), port), timeout_ms_,
              side.ranges ? PortKey(Last(network), port) : Key());
    });
  }

  void AddChain(bool out, const std::vector<Side>& sides) {
    const std::string name = out ? "out" : "in";
    Add(NFT_MSG_NEWCHAIN, NLM_F_EXCL);
    batch_.Put(NFTA_CHAIN_TABLE, cut_.table);
    batch_.Put(NFTA_CHAIN_NAME, name);
    batch_.Put(NFTA_CHAIN_TYPE, std::string_view("filter"));
    batch_.Put32(NFTA_CHAIN_POLICY, NF_ACCEPT);
    batch_.Nest(NFTA_CHAIN_HOOK, [&] {
      batch_.Put32(NFTA_HOOK_HOOKNUM, out ? NF_INET_LOCAL_OUT : NF_INET_LOCAL_IN);
      batch_.Put32(NFTA_HOOK_PRIORITY, static_cast<std::uint32_t>(kPriority));
    });
    AddRule(name, [&] { LoopbackAccept(out); });
    for (const Side& side : sides) {
      if (!side.spared.empty()) AddRule(name, [&] { SparedAccept(side, out); });
      if (cut_.ports.empty()) {
        AddRule(name, [&] { PeersDrop(side, out, 0); });
        continue;
      }
      for (const std::uint8_t protocol : {IPPROTO_TCP, IPPROTO_UDP}) {
        AddRule(name, [&] { PeersDrop(side, out, protocol); });
      }
    }
  }

  template <class Body>
  void AddRule(const std::string& chain, Body body) {
    Add(NFT_MSG_NEWRULE, NLM_F_APPEND);
    batch_.Put(NFTA_RULE_TABLE, cut_.table);
    batch_.Put(NFTA_RULE_CHAIN, chain);
    batch_.Nest(NFTA_RULE_EXPRESSIONS, body);
  }

  void LoopbackAccept(bool out) {
    const std::uint16_t loopback = ARPHRD_LOOPBACK;  // host order, as the kernel compares it
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&loopback);
    Meta(out ? NFT_META_OIFTYPE : NFT_META_IIFTYPE, {bytes, bytes + sizeof loopback});
    Verdict(NF_ACCEPT);
  }

  void SparedAccept(const Side& side, bool out) {
    LoadAddress(side, out);
    Lookup(side.spared_set());
    Verdict(NF_ACCEPT);
  }

  void PeersDrop(const Side& side, bool out, std::uint8_t protocol) {
    if (protocol != 0) Meta(NFT_META_L4PROTO, {protocol});
    LoadAddress(side, out);
    if (protocol !=
        0) {  // the other side's port: bytes 2 and 3 of what we send, 0 and 1 of what comes
      Payload(NFT_PAYLOAD_TRANSPORT_HEADER, out ? 2 : 0, 2,
              NFT_REG32_00 + side.address_bytes() / 4);
    }
    Lookup(side.peers_set());
    Expression("objref", [&] {
      batch_.Put32(NFTA_OBJREF_IMM_TYPE, NFT_OBJECT_COUNTER);
      batch_.Put(NFTA_OBJREF_IMM_NAME, std::string_view(kDroppedCounter));
    });
    if (!cut_.queue)
      Verdict(NF_DROP);
    else if (cut_.queue->by_target)
      QueueByTarget(cut_.queue->number);
    else
      Queue(cut_.queue->number);
  }

  void Queue(std::uint16_t number) {
    const auto put = [&](std::uint16_t type, std::uint16_t value) {
      const std::uint8_t bytes[] = {static_cast<std::uint8_t>(value >> 8),
                                    static_cast<std::uint8_t>(value)};
      batch_.Put(type, std::span<const std::uint8_t>(bytes));
    };
    Expression("queue", [&] {
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
    Expression("target", [&] {
      batch_.Put(NFTA_TARGET_NAME, std::string_view("NFQUEUE"));
      batch_.Put32(NFTA_TARGET_REV, 3);
      batch_.Put(NFTA_TARGET_INFO, std::span<const std::uint8_t>(bytes));
    });
  }

  void LoadAddress(const Side& side, bool out) {
    Meta(NFT_META_NFPROTO, {static_cast<std::uint8_t>(side.v6 ? NFPROTO_IPV6 : NFPROTO_IPV4)});
    const std::uint32_t source = side.v6 ? 8 : 12;  // offset in the IP header
    Payload(NFT_PAYLOAD_NETWORK_HEADER, out ? source + side.address_bytes() : source,
            side.address_bytes(), NFT_REG32_00);
  }

  template <class Inside>
  void Expression(const char* name, Inside inside) {
    batch_.Nest(NFTA_LIST_ELEM, [&] {
      batch_.Put(NFTA_EXPR_NAME, std::string_view(name));
      batch_.Nest(NFTA_EXPR_DATA, inside);
    });
  }

  // Goes on only where the packet's `key` equals `value`.
  void Meta(std::uint32_t key, const Key& value) {
    Expression("meta", [&] {
      batch_.Put32(NFTA_META_DREG, NFT_REG32_00);
      batch_.Put32(NFTA_META_KEY, key);
    });
    Expression("cmp", [&] {
      batch_.Put32(NFTA_CMP_SREG, NFT_REG32_00);
      batch_.Put32(NFTA_CMP_OP, NFT_CMP_EQ);
      batch_.Nest(NFTA_CMP_DATA, [&] { batch_.Put(NFTA_DATA_VALUE, value); });
    });
  }

  void Payload(std::uint32_t base, std::uint32_t offset, std::uint32_t length,
               std::uint32_t destination) {
    Expression("payload", [&] {
      batch_.Put32(NFTA_PAYLOAD_DREG, destination);
      batch_.Put32(NFTA_PAYLOAD_BASE, base);
      batch_.Put32(NFTA_PAYLOAD_OFFSET, offset);
      batch_.Put32(NFTA_PAYLOAD_LEN, length);
    });
  }

  void Lookup(const std::string& set) {
    Expression("lookup", [&] {
      batch_.Put(NFTA_LOOKUP_SET, set);
      batch_.Put32(NFTA_LOOKUP_SREG, NFT_REG32_00);
    });
  }

  void Verdict(std::uint32_t code) {
    Expression("immediate", [&] {
      batch_.Put32(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
      batch_.Nest(NFTA_IMMEDIATE_DATA, [&] {
        batch_.Nest(NFTA_DATA_VERDICT, [&] { batch_.Put32(NFTA_VERDICT_CODE, code); });
      });
    });
  }

  const Cut& cut_;
  const std::uint64_t timeout_ms_;
  NftBatch batch_;
  std::uint32_t set_id_ = 0;
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
