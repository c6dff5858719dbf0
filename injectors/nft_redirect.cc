#include "injectors/nft_redirect.h"

#include <linux/if_arp.h>
#include <linux/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netlink.h>

#include <algorithm>

namespace chaos::inject {
namespace {

// Before every other destination NAT, a mesh's included: whoever comes first decides.
constexpr std::int32_t kPriority = NF_IP_PRI_NAT_DST - 5;
constexpr std::size_t kTcpPorts = 2, kTcpFlags = 13;  // offsets in the TCP header
constexpr std::uint8_t kFinSynRstAck = 0x17, kSyn = 0x02;

// nft's numbers of key types, so that `nft list` can print them; opaque to the kernel.
constexpr std::uint32_t kTypeIpv4 = 7, kTypeIpv6 = 8, kTypePort = 13, kTypeBits = 6;

using Key = std::vector<std::uint8_t>;

Key KeyOf(const Address& address) {
  return {address.bytes.begin(),
          address.bytes.begin() + static_cast<std::ptrdiff_t>(address.size())};
}

Key KeyOf(std::uint16_t port) {
  return {static_cast<std::uint8_t>(port >> 8), static_cast<std::uint8_t>(port)};
}

Key KeyOf(const Address& address, std::uint16_t port) {
  Key key = KeyOf(address);
  for (const std::uint8_t byte : KeyOf(port)) key.push_back(byte);
  key.resize(key.size() + 2);  // a field takes whole registers
  return key;
}

// One family of one redirect.
struct Side {
  bool v6 = false;
  std::uint16_t listener = 0;
  std::vector<Address> served, spared;

  std::string served_set() const { return v6 ? "served6" : "served4"; }
  std::string spared_set() const { return v6 ? "spared6" : "spared4"; }
  std::uint32_t address_bytes() const { return v6 ? 16 : 4; }
  std::uint32_t address_type() const { return v6 ? kTypeIpv6 : kTypeIpv4; }
  std::uint32_t source() const { return v6 ? 8 : 12; }  // offsets in the IP header
  std::uint32_t destination() const { return source() + address_bytes(); }
};

Side MakeSide(const Redirect& redirect, bool v6, std::uint16_t listener) {
  Side side{v6, listener, {}, {}};
  const auto of_family = [&](const Address& address) { return address.v6 == v6; };
  std::copy_if(redirect.served.begin(), redirect.served.end(), std::back_inserter(side.served),
               of_family);
  std::copy_if(redirect.spared.begin(), redirect.spared.end(), std::back_inserter(side.spared),
               of_family);
  return side;
}

class Builder {
 public:
  Builder(const Redirect& redirect, nanoseconds lasts)
      : redirect_(redirect),
        timeout_ms_(static_cast<std::uint64_t>(
            std::max<std::int64_t>(1, std::chrono::ceil<milliseconds>(lasts).count()))) {}

  NftBatch Build(const std::vector<Side>& sides) {
    Add(NFT_MSG_NEWTABLE, NLM_F_EXCL);
    batch_.Put(NFTA_TABLE_NAME, redirect_.table);
    batch_.Put32(NFTA_TABLE_FLAGS, NFT_TABLE_F_OWNER);
    AddCounter(kRedirectedCounter);
    AddCounter(kSparedCounter);
    for (const Side& side : sides) AddSets(side);
    AddChain();
    AddRule([&] { LoopbackAccept(); });
    for (const Side& side : sides) {
      if (!side.spared.empty()) AddRule([&] { SparedAccept(side); });
      AddRule([&] { RedirectNew(side); });
    }
    return std::move(batch_);
  }

 private:
  void Add(std::uint16_t type, std::uint16_t flags) {
    batch_.Message(type, static_cast<std::uint16_t>(NLM_F_CREATE | flags), NFPROTO_INET);
  }

  void AddCounter(const char* name) {
    Add(NFT_MSG_NEWOBJ, NLM_F_EXCL);
    batch_.Put(NFTA_OBJ_TABLE, redirect_.table);
    batch_.Put(NFTA_OBJ_NAME, std::string_view(name));
    batch_.Put32(NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER);
    batch_.Nest(NFTA_OBJ_DATA, [&] {
      batch_.Put64(NFTA_COUNTER_PACKETS, 0);
      batch_.Put64(NFTA_COUNTER_BYTES, 0);
    });
  }

  void AddSets(const Side& side) {
    if (!side.spared.empty()) {
      AddSet(side, side.spared_set(), /*with_port=*/false);
      AddElements(side.spared_set(), [&] {
        for (const Address& address : side.spared) Element(KeyOf(address), 0);
      });
    }
    AddSet(side, side.served_set(), /*with_port=*/true);
    AddElements(side.served_set(), [&] {
      for (const Address& address : side.served) {
        for (const std::uint16_t port : redirect_.ports) Element(KeyOf(address, port), timeout_ms_);
      }
    });
  }

  void AddSet(const Side& side, const std::string& name, bool with_port) {
    Add(NFT_MSG_NEWSET, NLM_F_EXCL);
    batch_.Put(NFTA_SET_TABLE, redirect_.table);
    batch_.Put(NFTA_SET_NAME, name);
    batch_.Put32(NFTA_SET_FLAGS, with_port ? NFT_SET_TIMEOUT | NFT_SET_CONCAT : 0);
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

  template <class All>
  void AddElements(const std::string& set, All all) {
    Add(NFT_MSG_NEWSETELEM, NLM_F_EXCL);
    batch_.Put(NFTA_SET_ELEM_LIST_TABLE, redirect_.table);
    batch_.Put(NFTA_SET_ELEM_LIST_SET, set);
    batch_.Put32(NFTA_SET_ELEM_LIST_SET_ID, set_id_);
    batch_.Nest(NFTA_SET_ELEM_LIST_ELEMENTS, all);
  }

  void Element(const Key& key, std::uint64_t timeout_ms) {
    batch_.Nest(NFTA_LIST_ELEM, [&] {
      batch_.Nest(NFTA_SET_ELEM_KEY, [&] { batch_.Put(NFTA_DATA_VALUE, key); });
      if (timeout_ms != 0) batch_.Put64(NFTA_SET_ELEM_TIMEOUT, timeout_ms);
    });
  }

  void AddChain() {
    Add(NFT_MSG_NEWCHAIN, NLM_F_EXCL);
    batch_.Put(NFTA_CHAIN_TABLE, redirect_.table);
    batch_.Put(NFTA_CHAIN_NAME, std::string_view("in"));
    batch_.Put(NFTA_CHAIN_TYPE, std::string_view("nat"));
    batch_.Put32(NFTA_CHAIN_POLICY, NF_ACCEPT);
    batch_.Nest(NFTA_CHAIN_HOOK, [&] {
      batch_.Put32(NFTA_HOOK_HOOKNUM, NF_INET_PRE_ROUTING);
      batch_.Put32(NFTA_HOOK_PRIORITY, static_cast<std::uint32_t>(kPriority));
    });
  }

  template <class Body>
  void AddRule(Body body) {
    Add(NFT_MSG_NEWRULE, NLM_F_APPEND);
    batch_.Put(NFTA_RULE_TABLE, redirect_.table);
    batch_.Put(NFTA_RULE_CHAIN, std::string_view("in"));
    batch_.Nest(NFTA_RULE_EXPRESSIONS, body);
  }

  void LoopbackAccept() {
    const std::uint16_t loopback = ARPHRD_LOOPBACK;  // host order, as the kernel compares it
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&loopback);
    Meta(NFT_META_IIFTYPE, {bytes, bytes + sizeof loopback});
    Accept();
  }

  void SparedAccept(const Side& side) {
    NewConnection(side);
    Payload(NFT_PAYLOAD_NETWORK_HEADER, side.source(), side.address_bytes(), NFT_REG32_00);
    Lookup(side.spared_set());
    LookupServed(side);
    Count(kSparedCounter);
    Accept();
  }

  void RedirectNew(const Side& side) {
    NewConnection(side);
    LookupServed(side);
    Count(kRedirectedCounter);
    Expression("immediate", [&] {
      batch_.Put32(NFTA_IMMEDIATE_DREG, NFT_REG32_00);
      batch_.Nest(NFTA_IMMEDIATE_DATA, [&] { batch_.Put(NFTA_DATA_VALUE, KeyOf(side.listener)); });
    });
    Expression("redir", [&] { batch_.Put32(NFTA_REDIR_REG_PROTO_MIN, NFT_REG32_00); });
  }

  // Goes on only with the first packet of a TCP connection of this family.
  void NewConnection(const Side& side) {
    Meta(NFT_META_NFPROTO, {static_cast<std::uint8_t>(side.v6 ? NFPROTO_IPV6 : NFPROTO_IPV4)});
    Meta(NFT_META_L4PROTO, {IPPROTO_TCP});
    Payload(NFT_PAYLOAD_TRANSPORT_HEADER, kTcpFlags, 1, NFT_REG32_00);
    Expression("bitwise", [&] {
      batch_.Put32(NFTA_BITWISE_SREG, NFT_REG32_00);
      batch_.Put32(NFTA_BITWISE_DREG, NFT_REG32_00);
      batch_.Put32(NFTA_BITWISE_LEN, 1);
      batch_.Nest(NFTA_BITWISE_MASK, [&] { batch_.Put(NFTA_DATA_VALUE, Key{kFinSynRstAck}); });
      batch_.Nest(NFTA_BITWISE_XOR, [&] { batch_.Put(NFTA_DATA_VALUE, Key{0}); });
    });
    Compare({kSyn});
  }

  void LookupServed(const Side& side) {
    Payload(NFT_PAYLOAD_NETWORK_HEADER, side.destination(), side.address_bytes(), NFT_REG32_00);
    Payload(NFT_PAYLOAD_TRANSPORT_HEADER, kTcpPorts, 2, NFT_REG32_00 + side.address_bytes() / 4);
    Lookup(side.served_set());
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
    Compare(value);
  }

  void Compare(const Key& value) {
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

  void Count(const char* counter) {
    Expression("objref", [&] {
      batch_.Put32(NFTA_OBJREF_IMM_TYPE, NFT_OBJECT_COUNTER);
      batch_.Put(NFTA_OBJREF_IMM_NAME, std::string_view(counter));
    });
  }

  void Accept() {
    Expression("immediate", [&] {
      batch_.Put32(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
      batch_.Nest(NFTA_IMMEDIATE_DATA, [&] {
        batch_.Nest(NFTA_DATA_VERDICT, [&] { batch_.Put32(NFTA_VERDICT_CODE, NF_ACCEPT); });
      });
    });
  }

  const Redirect& redirect_;
  const std::uint64_t timeout_ms_;
  NftBatch batch_;
  std::uint32_t set_id_ = 0;
};

}  // namespace

NftBatch RedirectBatch(const Redirect& redirect, std::uint16_t listener4, std::uint16_t listener6,
                       nanoseconds lasts) {
  std::vector<Side> sides;
  for (const bool v6 : {false, true}) {
    Side side = MakeSide(redirect, v6, v6 ? listener6 : listener4);
    if (!side.served.empty() && side.listener != 0) sides.push_back(std::move(side));
  }
  return Builder(redirect, lasts).Build(sides);
}

NftBatch ReleaseBatch(const Redirect& redirect, bool v4, bool v6) {
  NftBatch batch;
  for (const bool family6 : {false, true}) {
    if (!(family6 ? v6 : v4)) continue;
    batch.Message(NFT_MSG_DELSETELEM, 0, NFPROTO_INET);  // without elements: all
    batch.Put(NFTA_SET_ELEM_LIST_TABLE, redirect.table);
    batch.Put(NFTA_SET_ELEM_LIST_SET, std::string_view(family6 ? "served6" : "served4"));
  }
  return batch;
}

}  // namespace chaos::inject
