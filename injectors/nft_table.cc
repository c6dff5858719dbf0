#include "injectors/nft_table.h"

#include <linux/if_arp.h>
#include <linux/netfilter.h>
#include <linux/netlink.h>

namespace chaos::inject {
namespace {

// The kernel treats key types as opaque; these are nft's numbers, so that `nft list` can print
// them.
constexpr std::uint32_t kTypeIpv4 = 7, kTypeIpv6 = 8, kTypePort = 13, kTypeBits = 6;

}  // namespace

NftKey KeyOf(const Address& address) {
  return {address.bytes.begin(),
          address.bytes.begin() + static_cast<std::ptrdiff_t>(address.size())};
}

NftKey KeyOf(std::uint16_t port) {
  return {static_cast<std::uint8_t>(port >> 8), static_cast<std::uint8_t>(port)};
}

NftKey KeyOf(const Address& address, std::uint16_t port) {
  NftKey key = KeyOf(address);
  for (const std::uint8_t byte : KeyOf(port)) key.push_back(byte);
  key.resize(key.size() + 2);  // a field takes whole registers
  return key;
}

std::uint64_t TimeoutMs(nanoseconds lasts) {
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(1, std::chrono::ceil<milliseconds>(lasts).count()));
}

void NftTable::Add(std::uint16_t type, std::uint16_t flags) {
  batch_.Message(type, static_cast<std::uint16_t>(NLM_F_CREATE | flags), NFPROTO_INET);
}

void NftTable::Create() {
  Add(NFT_MSG_NEWTABLE, NLM_F_EXCL);
  batch_.Put(NFTA_TABLE_NAME, table_);
  batch_.Put32(NFTA_TABLE_FLAGS, NFT_TABLE_F_OWNER);
}

void NftTable::Counter(const char* name) {
  Add(NFT_MSG_NEWOBJ, NLM_F_EXCL);
  batch_.Put(NFTA_OBJ_TABLE, table_);
  batch_.Put(NFTA_OBJ_NAME, std::string_view(name));
  batch_.Put32(NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER);
  batch_.Nest(NFTA_OBJ_DATA, [&] {
    batch_.Put64(NFTA_COUNTER_PACKETS, 0);
    batch_.Put64(NFTA_COUNTER_BYTES, 0);
  });
}

void NftTable::Set(const std::string& name, bool v6, std::uint32_t flags) {
  const bool with_port = (flags & NFT_SET_CONCAT) != 0;
  const std::uint32_t type = v6 ? kTypeIpv6 : kTypeIpv4, bytes = v6 ? 16 : 4;
  Add(NFT_MSG_NEWSET, NLM_F_EXCL);
  batch_.Put(NFTA_SET_TABLE, table_);
  batch_.Put(NFTA_SET_NAME, name);
  batch_.Put32(NFTA_SET_FLAGS, flags);
  batch_.Put32(NFTA_SET_KEY_TYPE, with_port ? type << kTypeBits | kTypePort : type);
  batch_.Put32(NFTA_SET_KEY_LEN, bytes + (with_port ? 4 : 0));
  batch_.Put32(NFTA_SET_ID, ++set_id_);
  if (!with_port) return;
  batch_.Nest(NFTA_SET_DESC, [&] {
    batch_.Nest(NFTA_SET_DESC_CONCAT, [&] {
      for (const std::uint32_t length : {bytes, 2U}) {
        batch_.Nest(NFTA_LIST_ELEM, [&] { batch_.Put32(NFTA_SET_FIELD_LEN, length); });
      }
    });
  });
}

void NftTable::BeginElements(const std::string& set) {
  Add(NFT_MSG_NEWSETELEM, NLM_F_EXCL);
  batch_.Put(NFTA_SET_ELEM_LIST_TABLE, table_);
  batch_.Put(NFTA_SET_ELEM_LIST_SET, set);
  if (set_id_ != 0) batch_.Put32(NFTA_SET_ELEM_LIST_SET_ID, set_id_);
}

void NftTable::Element(const NftKey& key, std::uint64_t timeout_ms, const NftKey& end,
                       std::uint32_t flags) {
  batch_.Nest(NFTA_LIST_ELEM, [&] {
    batch_.Nest(NFTA_SET_ELEM_KEY, [&] { batch_.Put(NFTA_DATA_VALUE, key); });
    if (!end.empty()) {
      batch_.Nest(NFTA_SET_ELEM_KEY_END, [&] { batch_.Put(NFTA_DATA_VALUE, end); });
    }
    if (flags != 0) batch_.Put32(NFTA_SET_ELEM_FLAGS, flags);
    if (timeout_ms != 0) batch_.Put64(NFTA_SET_ELEM_TIMEOUT, timeout_ms);
  });
}

void NftTable::Chain(const std::string& name, const char* type, std::uint32_t hook,
                     std::int32_t priority) {
  Add(NFT_MSG_NEWCHAIN, NLM_F_EXCL);
  batch_.Put(NFTA_CHAIN_TABLE, table_);
  batch_.Put(NFTA_CHAIN_NAME, name);
  batch_.Put(NFTA_CHAIN_TYPE, std::string_view(type));
  batch_.Put32(NFTA_CHAIN_POLICY, NF_ACCEPT);
  batch_.Nest(NFTA_CHAIN_HOOK, [&] {
    batch_.Put32(NFTA_HOOK_HOOKNUM, hook);
    batch_.Put32(NFTA_HOOK_PRIORITY, static_cast<std::uint32_t>(priority));
  });
}

void NftTable::BeginRule(const std::string& chain) {
  Add(NFT_MSG_NEWRULE, NLM_F_APPEND);
  batch_.Put(NFTA_RULE_TABLE, table_);
  batch_.Put(NFTA_RULE_CHAIN, chain);
}

void NftTable::Meta(std::uint32_t key, const NftKey& value) {
  Expression("meta", [&] {
    batch_.Put32(NFTA_META_DREG, NFT_REG32_00);
    batch_.Put32(NFTA_META_KEY, key);
  });
  Compare(value);
}

void NftTable::Compare(const NftKey& value) {
  Expression("cmp", [&] {
    batch_.Put32(NFTA_CMP_SREG, NFT_REG32_00);
    batch_.Put32(NFTA_CMP_OP, NFT_CMP_EQ);
    batch_.Nest(NFTA_CMP_DATA, [&] { batch_.Put(NFTA_DATA_VALUE, value); });
  });
}

void NftTable::Payload(std::uint32_t base, std::uint32_t offset, std::uint32_t length,
                       std::uint32_t destination) {
  Expression("payload", [&] {
    batch_.Put32(NFTA_PAYLOAD_DREG, destination);
    batch_.Put32(NFTA_PAYLOAD_BASE, base);
    batch_.Put32(NFTA_PAYLOAD_OFFSET, offset);
    batch_.Put32(NFTA_PAYLOAD_LEN, length);
  });
}

void NftTable::Lookup(const std::string& set) {
  Expression("lookup", [&] {
    batch_.Put(NFTA_LOOKUP_SET, set);
    batch_.Put32(NFTA_LOOKUP_SREG, NFT_REG32_00);
  });
}

void NftTable::Count(const char* counter) {
  Expression("objref", [&] {
    batch_.Put32(NFTA_OBJREF_IMM_TYPE, NFT_OBJECT_COUNTER);
    batch_.Put(NFTA_OBJREF_IMM_NAME, std::string_view(counter));
  });
}

void NftTable::Verdict(std::uint32_t code) {
  Expression("immediate", [&] {
    batch_.Put32(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    batch_.Nest(NFTA_IMMEDIATE_DATA, [&] {
      batch_.Nest(NFTA_DATA_VERDICT, [&] { batch_.Put32(NFTA_VERDICT_CODE, code); });
    });
  });
}

void NftTable::LoopbackAccept(std::uint32_t key) {
  const std::uint16_t loopback = ARPHRD_LOOPBACK;  // host order, as the kernel compares it
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&loopback);
  Meta(key, {bytes, bytes + sizeof loopback});
  Verdict(NF_ACCEPT);
}

}  // namespace chaos::inject
