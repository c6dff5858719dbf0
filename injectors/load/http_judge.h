// Is this HTTP answer what was hoped for? Pure.
#pragma once

#include <string_view>

#include "injectors/load/verdict.h"
#include "injectors/protocol/arguments.h"

namespace chaos::load {

// The body of an http probe is read up to this; what is longer is judged by its beginning.
inline constexpr std::size_t kMaxProbeBody = 1 << 20;

Verdict JudgeHttp(const protocol::ProbeArguments& probe, int status, std::string_view body);
// Empty when this is the head of an event stream, else what it is instead.
std::string NotAStream(int status, std::string_view content_type);

}  // namespace chaos::load
