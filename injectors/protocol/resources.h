// Faults that take something away that the target lives on.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "operator/base/json.h"

namespace chaos::protocol {

// One process of the target's container may open no more files than this.
struct FileDescriptors {
  static constexpr int kMost = 1 << 20;  // the kernel's own default limit, fs.nr_open
  // Exactly one: so many more than it has open now; or no number from `limit` on.
  std::optional<int> headroom{}, limit{};
  std::string match{};  // as of Process
};

using Resource = std::variant<FileDescriptors>;

Json ToJson(const FileDescriptors& fault);
// What is wrong, or nothing.
std::string ReadFileDescriptors(const Json& json, FileDescriptors& fault);

}  // namespace chaos::protocol
