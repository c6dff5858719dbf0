// A question to a DNS server and its answer: just enough to learn the addresses of one name. Pure;
// believes no byte that it has not checked.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "injectors/address.h"

namespace chaos::inject {

// For A, or for AAAA. Empty: there can be no such name.
std::vector<std::uint8_t> DnsQuestion(std::uint16_t id, std::string_view name, bool v6);

struct DnsAnswer {
  int code = 0;            // 0: all is well; 3: nobody knows the name
  bool cut_short = false;  // there is more than fits into one message
  std::vector<Address> addresses;
};

// nullopt: this is no answer to that question.
std::optional<DnsAnswer> ReadDnsAnswer(std::span<const std::uint8_t> message,
                                       std::span<const std::uint8_t> question);

}  // namespace chaos::inject
