// The operator has checked all this before; a pod that was made by hand has not.
#include "injectors/load/probe_check.h"

#include <set>

#include "injectors/load/pattern.h"
#include "injectors/load/url.h"

namespace chaos::load {
namespace {

using protocol::ProbeArguments;
using protocol::ProbeKind;

constexpr std::size_t kMaxProbes = 16;
constexpr milliseconds kMinInterval{100};
constexpr milliseconds kMaxTimeout{600000};

bool IsPointer(const std::string& text) {
  return text.empty() || (text[0] == '/' && text.size() <= 256);
}

std::string ProblemOfSse(const ProbeArguments& p) {
  if (!IsPointer(p.match_pointer)) return "matchPointer must begin with /";
  if (!IsPointer(p.json_pointer)) return "jsonPointer must begin with /";
  if ((p.at_least || p.at_most) && p.json_pointer.empty())
    return "atLeast and atMost need a jsonPointer";
  return "";
}

std::string ProblemOfInference(const ProbeArguments& p) {
  if (p.protocol != "rbee") return "protocol must be rbee, not \"" + p.protocol + "\"";
  if (p.model.empty()) return "model must not be empty";
  if (p.prompt.empty()) return "prompt must not be empty";
  if (p.max_tokens < 1 || p.max_tokens > 4096) return "maxTokens must be 1 to 4096";
  if (p.expect_min_tokens < 0) return "expectMinTokens must not be negative";
  if (p.expect_min_tokens > p.max_tokens) return "expectMinTokens must not be above maxTokens";
  if (p.expect_matches.empty()) return "";
  const Result<Pattern> pattern = Pattern::Compile(p.expect_matches);
  return pattern ? "" : "expectMatches: " + pattern.error().detail;
}

std::string Problem(const ProbeArguments& p) {
  if (p.interval < kMinInterval) return "interval must be at least 100ms";
  if (p.timeout < milliseconds(1) || p.timeout > kMaxTimeout) return "timeout must be 1ms to 10m";
  if (const Result<Url> url = ParseUrl(p.url); !url) return url.error().detail;
  switch (p.kind) {
    case ProbeKind::kHttp:
      return "";
    case ProbeKind::kSse:
      return ProblemOfSse(p);
    case ProbeKind::kInference:
      return ProblemOfInference(p);
  }
  return "";
}

}  // namespace

Result<void> CheckProbes(const protocol::ProbePodArguments& arguments) {
  if (arguments.max_life <= milliseconds(0))
    return Invalid("maxLife must be above 0: a probe pod ends by itself");
  if (arguments.probes.empty()) return Invalid("probes must not be empty: there is nothing to do");
  if (arguments.probes.size() > kMaxProbes) return Invalid("there can be at most 16 probes");
  std::set<std::string> names;
  for (const ProbeArguments& probe : arguments.probes) {
    if (probe.name.empty()) return Invalid("every probe needs a name");
    if (!names.insert(probe.name).second)
      return Invalid("two probes are called \"" + probe.name + "\"");
    const std::string problem = Problem(probe);
    if (!problem.empty()) return Invalid("probe " + probe.name + ": " + problem);
  }
  return {};
}

}  // namespace chaos::load
