// SHA-256 as lower-case hex; what run identities and deterministic names are made of.
#pragma once

#include <string>
#include <string_view>

namespace chaos {

std::string Sha256Hex(std::string_view data);

}  // namespace chaos
