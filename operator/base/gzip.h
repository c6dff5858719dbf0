// gzip and base64: how a large result fits into an object.
#pragma once

#include <string>
#include <string_view>

#include "operator/base/result.h"

namespace chaos {

// The same data always gives the same bytes (no name, no time inside).
std::string Gzip(std::string_view data);
// kInvalid for what is no gzip, or would be larger than `limit`.
Result<std::string> Gunzip(std::string_view data, std::size_t limit);

std::string Base64(std::string_view data);
// kInvalid for anything but padded base64.
Result<std::string> FromBase64(std::string_view text);

}  // namespace chaos
