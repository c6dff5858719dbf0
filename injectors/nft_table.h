// What every nft table of ours is made of: owned by this process, its elements with timeouts, so
// that the kernel takes it away with the process, and what is in it at the deadline.
#pragma once

#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "injectors/address.h"
#include "injectors/netlink.h"
#include "operator/base/clock.h"

namespace chaos::inject {

using NftKey = std::vector<std::uint8_t>;
NftKey KeyOf(const Address& address);
NftKey KeyOf(std::uint16_t port);
NftKey KeyOf(const Address& address, std::uint16_t port);

// The timeout of elements that are to be there for `lasts`: in whole milliseconds, at least one.
std::uint64_t TimeoutMs(nanoseconds lasts);

// Builds one batch about one table of family inet. Requires: `table` outlives it. What is put
// belongs to the message, set or rule that was begun last.
class NftTable {
 public:
  explicit NftTable(const std::string& table) : table_(table) {}

  NftBatch& batch() { return batch_; }

  void Create();
  void Counter(const char* name);
  // Of addresses of one family, or (with NFT_SET_CONCAT in `flags`) of address . port.
  void Set(const std::string& name, bool v6, std::uint32_t flags);
  // `one(i)` puts what belongs to the i-th: one or several Elements.
  template <class One>
  void Elements(const std::string& set, std::size_t count, One one) {
    for (std::size_t start = 0; start < count; start += kElementsPerMessage) {
      BeginElements(set);
      batch_.Nest(NFTA_SET_ELEM_LIST_ELEMENTS, [&] {
        for (std::size_t i = start; i < std::min(count, start + kElementsPerMessage); ++i) one(i);
      });
    }
  }
  // timeout_ms 0: it stays. `end`: of a range, in a set of address . port with ranges.
  void Element(const NftKey& key, std::uint64_t timeout_ms = 0, const NftKey& end = {},
               std::uint32_t flags = 0);
  void Chain(const std::string& name, const char* type, std::uint32_t hook, std::int32_t priority);
  template <class Body>
  void Rule(const std::string& chain, Body body) {
    BeginRule(chain);
    batch_.Nest(NFTA_RULE_EXPRESSIONS, body);
  }

  // --- expressions of a rule; values go through the first register
  template <class Inside>
  void Expression(const char* name, Inside inside) {
    batch_.Nest(NFTA_LIST_ELEM, [&] {
      batch_.Put(NFTA_EXPR_NAME, std::string_view(name));
      batch_.Nest(NFTA_EXPR_DATA, inside);
    });
  }
  // Goes on only where the packet's `key` equals `value`.
  void Meta(std::uint32_t key, const NftKey& value);
  void Compare(const NftKey& value);
  void Payload(std::uint32_t base, std::uint32_t offset, std::uint32_t length,
               std::uint32_t destination);
  void Lookup(const std::string& set);
  void Count(const char* counter);
  void Verdict(std::uint32_t code);
  // `key`: NFT_META_IIFTYPE or NFT_META_OIFTYPE.
  void LoopbackAccept(std::uint32_t key);

 private:
  static constexpr std::size_t kElementsPerMessage = 256;  // an attribute holds 64 KiB

  void Add(std::uint16_t type, std::uint16_t flags);
  void BeginElements(const std::string& set);
  void BeginRule(const std::string& chain);

  const std::string& table_;
  NftBatch batch_;
  std::uint32_t set_id_ = 0;
};

}  // namespace chaos::inject
