#include "injectors/nft_redirect.h"

#include <linux/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netlink.h>

#include <algorithm>

#include "injectors/nft_table.h"

namespace chaos::inject {
namespace {

// Before every other destination NAT, a mesh's included: whoever comes first decides.
constexpr std::int32_t kPriority = NF_IP_PRI_NAT_DST - 5;
constexpr std::size_t kTcpPorts = 2, kTcpFlags = 13;  // offsets in the TCP header
constexpr std::uint8_t kFinSynRstAck = 0x17, kSyn = 0x02;

// One family of one redirect.
struct Side {
  bool v6 = false;
  std::uint16_t listener = 0;
  std::vector<Address> served, spared;

  std::string served_set() const { return v6 ? "served6" : "served4"; }
  std::string spared_set() const { return v6 ? "spared6" : "spared4"; }
  std::uint32_t address_bytes() const { return v6 ? 16 : 4; }
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
      : redirect_(redirect), timeout_ms_(TimeoutMs(lasts)), table_(redirect.table) {}

  NftBatch Build(const std::vector<Side>& sides) {
    table_.Create();
    table_.Counter(kRedirectedCounter);
    table_.Counter(kSparedCounter);
    for (const Side& side : sides) AddSets(side);
    const std::string in = "in";
    table_.Chain(in, "nat", NF_INET_PRE_ROUTING, kPriority);
    table_.Rule(in, [&] { table_.LoopbackAccept(NFT_META_IIFTYPE); });
    for (const Side& side : sides) {
      if (!side.spared.empty()) table_.Rule(in, [&] { SparedAccept(side); });
      table_.Rule(in, [&] { RedirectNew(side); });
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
    table_.Set(side.served_set(), side.v6, NFT_SET_TIMEOUT | NFT_SET_CONCAT);
    const std::vector<std::uint16_t>& ports = redirect_.ports;
    table_.Elements(side.served_set(), side.served.size() * ports.size(), [&](std::size_t i) {
      table_.Element(KeyOf(side.served[i / ports.size()], ports[i % ports.size()]), timeout_ms_);
    });
  }

  void SparedAccept(const Side& side) {
    NewConnection(side);
    table_.Payload(NFT_PAYLOAD_NETWORK_HEADER, side.source(), side.address_bytes(), NFT_REG32_00);
    table_.Lookup(side.spared_set());
    LookupServed(side);
    table_.Count(kSparedCounter);
    table_.Verdict(NF_ACCEPT);
  }

  void RedirectNew(const Side& side) {
    NewConnection(side);
    LookupServed(side);
    table_.Count(kRedirectedCounter);
    table_.Expression("immediate", [&] {
      table_.batch().Put32(NFTA_IMMEDIATE_DREG, NFT_REG32_00);
      table_.batch().Nest(NFTA_IMMEDIATE_DATA,
                          [&] { table_.batch().Put(NFTA_DATA_VALUE, KeyOf(side.listener)); });
    });
    table_.Expression("redir",
                      [&] { table_.batch().Put32(NFTA_REDIR_REG_PROTO_MIN, NFT_REG32_00); });
  }

  // Goes on only with the first packet of a TCP connection of this family.
  void NewConnection(const Side& side) {
    table_.Meta(NFT_META_NFPROTO,
                {static_cast<std::uint8_t>(side.v6 ? NFPROTO_IPV6 : NFPROTO_IPV4)});
    table_.Meta(NFT_META_L4PROTO, {IPPROTO_TCP});
    table_.Payload(NFT_PAYLOAD_TRANSPORT_HEADER, kTcpFlags, 1, NFT_REG32_00);
    table_.Expression("bitwise", [&] {
      table_.batch().Put32(NFTA_BITWISE_SREG, NFT_REG32_00);
      table_.batch().Put32(NFTA_BITWISE_DREG, NFT_REG32_00);
      table_.batch().Put32(NFTA_BITWISE_LEN, 1);
      table_.batch().Nest(NFTA_BITWISE_MASK,
                          [&] { table_.batch().Put(NFTA_DATA_VALUE, NftKey{kFinSynRstAck}); });
      table_.batch().Nest(NFTA_BITWISE_XOR,
                          [&] { table_.batch().Put(NFTA_DATA_VALUE, NftKey{0}); });
    });
    table_.Compare({kSyn});
  }

  void LookupServed(const Side& side) {
    table_.Payload(NFT_PAYLOAD_NETWORK_HEADER, side.destination(), side.address_bytes(),
                   NFT_REG32_00);
    table_.Payload(NFT_PAYLOAD_TRANSPORT_HEADER, kTcpPorts, 2,
                   NFT_REG32_00 + side.address_bytes() / 4);
    table_.Lookup(side.served_set());
  }

  const Redirect& redirect_;
  const std::uint64_t timeout_ms_;
  NftTable table_;
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
