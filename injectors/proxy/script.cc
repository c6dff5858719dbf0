#include "injectors/proxy/script.h"

#include "operator/base/random.h"

namespace chaos::inject {
namespace {

constexpr std::string_view kKubeletProbe = "kube-probe/";

// Not one stream of numbers but one for each request and event, so that what others do meanwhile
// changes nothing.
Random ChanceOf(std::uint64_t seed, std::int64_t request, std::int64_t event, std::uint64_t use) {
  return Random(seed ^ static_cast<std::uint64_t>(request) * 0x9e3779b97f4a7c15ULL ^
                static_cast<std::uint64_t>(event) * 0xbf58476d1ce4e5b9ULL ^
                use * 0x94d049bb133111ebULL);
}

constexpr std::uint64_t kForShare = 1, kForLag = 2;

}  // namespace

// One step back to the last * is enough: what an earlier one could take, the last one can too.
bool GlobFits(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

// A kubelet's probe is known by its name too: with some networks it comes from an address that is
// neither the node's nor the gateway's.
bool Script::Fits(const load::RequestParser& request) const {
  if (!match().kubelet_probes && request.user_agent().starts_with(kKubeletProbe)) return false;
  return (match().method.empty() || match().method == request.method()) &&
         (match().path.empty() || GlobFits(match().path, request.path()));
}

bool Script::Chosen(std::int64_t request) const { return Hit(match_.share, request, 0, kForShare); }

bool Script::Hit(int share, std::int64_t request, std::int64_t event, std::uint64_t use) const {
  return ChanceOf(seed_, request, event, use).Chance(static_cast<std::uint64_t>(share), 100);
}

nanoseconds Script::Draw(const protocol::Lag& lag, std::int64_t request, std::int64_t event) const {
  const auto jitter = static_cast<std::uint64_t>(nanoseconds(lag.jitter).count());
  const std::uint64_t drawn = ChanceOf(seed_, request, event, kForLag).Below(2 * jitter + 1);
  return nanoseconds(lag.latency) - nanoseconds(lag.jitter) +
         nanoseconds(static_cast<std::int64_t>(drawn));
}

}  // namespace chaos::inject
