// The rows of the contract table: each way to misbehave, with what every verb must make of it.
#pragma once

#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "tests/contract/cell.h"

namespace chaos::contract {

struct Row {
  Misbehaviour misbehaviour;
  // What GET and LIST, the writes, and the two streams must end with.
  std::string_view reads, writes, streams;
  // Where one verb differs from its group.
  std::map<Verb, std::string_view> but{};
  // Of unary calls over Beast, where it does better than cpprest.
  struct Beast {
    std::string_view reads, writes;
  };
  std::optional<Beast> beast{};
};

const std::vector<Row>& Rows();

}  // namespace chaos::contract
