// What load pods are told and what they say, on any bytes: no crash, bounded, and what is read
// prints to something that reads the same and adds up the same.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "injectors/protocol/arrivals.h"
#include "injectors/protocol/load.h"
#include "operator/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace chaos::protocol;  // NOLINT: a single function
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto arguments = LoadFromJson(text)) {
    const std::string printed = chaos::PrintJson(ToJson(*arguments));
    const auto again = LoadFromJson(printed);
    CHECK(again && chaos::PrintJson(ToJson(*again)) == printed);
    CHECK(MaxVus(arguments->executor) <= kMaxLoadVus);
    if (arguments->executor.HasRate()) {
      Arrivals arrivals(arguments->executor, arguments->pods, arguments->pods - 1);
      chaos::nanoseconds last{0};
      for (int i = 0; i < 100; ++i) {
        const auto at = arrivals.Next();
        if (!at) break;
        CHECK(*at >= last && *at <= Length(arguments->executor));
        last = *at;
      }
    }
    for (const Interval& wanted : Wanted(arguments->executor, 1)) {
      CHECK(wanted.from < wanted.to && wanted.to <= Length(arguments->executor));
      CHECK(Planned(arguments->executor, wanted.from) >= 1);
    }
  }
  if (const auto line = ParseLoadLine(text)) {
    const std::string printed = PrintLoadLine(*line);
    const auto again = ParseLoadLine(printed);
    CHECK(printed.find('\n') == std::string::npos);
    CHECK(again && PrintLoadLine(*again) == printed && again->ledger == line->ledger);
    LoadLog log;
    log.Add(*line);
    log.Add(*again);
    CHECK(log.Total() == line->ledger);
    const Phases phases = SplitByFault(log.Total(), 0, std::nullopt);
    CHECK(phases.before == Cell{});
    for (const Metric& metric : Metrics()) {
      const char* asked = metric.kind == MetricKind::kTrend ? "p(95)<500" : "rate<0.1";
      const auto expression = ParseExpression(metric, asked);
      CHECK(static_cast<bool>(expression));
      Decide(metric, *expression, 0, phases.all, true, 1, 1);
    }
  }
  for (const Metric& metric : Metrics()) {
    if (const auto expression = ParseExpression(metric, text)) PivotOf(metric, *expression);
  }
  return 0;
}
