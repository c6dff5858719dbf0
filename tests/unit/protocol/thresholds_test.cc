// The grammar of thresholds is k6's, and what is wrong is said in a sentence that helps.
#include "injectors/protocol/thresholds.h"

#include <gtest/gtest.h>

#include <string>

namespace chaos::protocol {
namespace {

TEST(Thresholds, WhatK6TakesIsTaken) {
  using A = Aggregation;
  using C = Comparison;
  struct Row {
    const char *metric, *text;
    A aggregation;
    double percentile;
    C comparison;
    double value;
  };
  const Row rows[] = {
      {"ttft", "p(95)<500", A::kPercentile, 95, C::kLess, 500},
      {"ttft", " p( 99.9 ) <= 1e3 ", A::kPercentile, 99.9, C::kLessEqual, 1000},
      {"e2e", "avg<=20", A::kAvg, 0, C::kLessEqual, 20},
      {"itl", "med < 200", A::kMed, 0, C::kLess, 200},
      {"tpot", "max>.5", A::kMax, 0, C::kGreater, 0.5},
      {"http_req_duration", "min>=+1", A::kMin, 0, C::kGreaterEqual, 1},
      {"iteration_duration", "p(0)!=-1", A::kPercentile, 0, C::kNotEqual, -1},
      {"errors", "rate<0.01", A::kRate, 0, C::kLess, 0.01},
      {"errors", "rate===0", A::kRate, 0, C::kEqual, 0},
      {"checks", "rate==1", A::kRate, 0, C::kEqual, 1},
      {"http_reqs", "count>100", A::kCount, 0, C::kGreater, 100},
      {"tokens", "rate>1.5E1", A::kRate, 0, C::kGreater, 15},
  };
  for (const Row& row : rows) {
    const Metric* metric = FindMetric(row.metric);
    ASSERT_NE(metric, nullptr) << row.metric;
    const Result<Expression> e = ParseExpression(*metric, row.text);
    ASSERT_TRUE(e) << row.text << ": " << e.error().detail;
    EXPECT_EQ(e->aggregation, row.aggregation) << row.text;
    EXPECT_EQ(e->percentile, row.percentile) << row.text;
    EXPECT_EQ(e->comparison, row.comparison) << row.text;
    EXPECT_EQ(e->value, row.value) << row.text;
  }
}

TEST(Thresholds, EveryMistakeIsAnsweredWithWhatWouldBeRight) {
  const std::string none = " has none of the comparisons < <= > >= == === !=: write for example ";
  const std::string trend = "p(95)<500", rate = "rate<0.02", count = "count>100";
  const std::string plain = ", which is not a plain number: write for example ";
  const std::string percent = ", which is not a number from 0 to 100: write for example ";
  const std::string trends = ", but ttft has avg, min, max, med or p(95): write for example ";
  struct Row {
    std::string metric, text, says;  // behind the quoted text
  };
  const Row rows[] = {
      {"ttft", "p(95)", none + trend},
      {"errors", "rate=0.1", none + rate},
      {"ttft", "p(95)<500ms",
       " compares with \"500ms\"" + plain + trend + " (in milliseconds, without a unit)"},
      {"errors", "rate<2%", " compares with \"2%\"" + plain + rate},
      {"errors", "rate<", " compares with \"\"" + plain + rate},
      {"errors", "rate<0.1<0.2", " compares with \"0.1<0.2\"" + plain + rate},
      {"errors", "rate<inf", " compares with \"inf\"" + plain + rate},
      {"errors", "rate<+-1", " compares with \"+-1\"" + plain + rate},
      // k6 looks for <= before <, so this is cut at <
      {"errors", "rate=<0.1",
       " asks for \"rate=\", but errors has rate: write for example " + rate},
      // and for < before >, so this is cut at <
      {"errors", "rate>0<1",
       " asks for \"rate>0\", but errors has rate: write for example " + rate},
      {"ttft", "p(101)<5", " asks for percentile \"101\"" + percent + trend},
      {"ttft", "p()<5", " asks for percentile \"\"" + percent + trend},
      {"ttft", "p95<5", " asks for \"p95\"" + trends + trend},
      {"ttft", "rate<5", " asks for \"rate\"" + trends + trend},
      {"errors", "p(95)<5", " asks for \"p(95)\", but errors has rate: write for example " + rate},
      {"iterations", "avg<5",
       " asks for \"avg\", but iterations has count or rate: write for example " + count},
  };
  for (const Row& row : rows) {
    const Result<Expression> expression = ParseExpression(*FindMetric(row.metric), row.text);
    ASSERT_FALSE(expression) << row.text;
    EXPECT_EQ(expression.error().detail, "threshold \"" + row.text + "\"" + row.says);
  }
  EXPECT_EQ(FindMetric("vus"), nullptr);
  EXPECT_EQ(FindMetric(""), nullptr);
}

TEST(Thresholds, NamesOfMetricsArePinned) {
  std::string names;
  for (const Metric& metric : Metrics()) {
    names += std::string(metric.name) + " ";
    EXPECT_EQ(FindMetric(metric.name), &metric);
    EXPECT_EQ(metric.trend ? Name(*metric.trend) : metric.name, metric.name);
  }
  EXPECT_EQ(names,
            "http_req_duration iteration_duration e2e ttft itl tpot errors http_req_failed checks "
            "http_reqs iterations tokens interrupted dropped_iterations ");
}

TEST(Thresholds, PivotsAreWholeMicrosecondsWhereTheTextIs) {
  const auto pivot = [](const char* metric, const char* text) {
    return PivotOf(*FindMetric(metric), *ParseExpression(*FindMetric(metric), text));
  };
  EXPECT_EQ(pivot("ttft", "p(95)<500"), (Pivot{Trend::kTtft, 500'000}));
  EXPECT_EQ(pivot("e2e", "max<0.5"), (Pivot{Trend::kE2e, 500}));
  EXPECT_EQ(pivot("itl", "med<0.0005"), (Pivot{Trend::kItl, 0.5}));
  EXPECT_FALSE(pivot("ttft", "avg<500"));
  EXPECT_FALSE(pivot("errors", "rate<0.1"));
  for (int us = 1; us < 200'000; us += 7) {
    const std::string text =
        "min<" + std::to_string(us / 1000) + "." + std::to_string(1000 + us % 1000).substr(1);
    ASSERT_EQ(pivot("ttft", text.c_str())->at_us, us) << text;
  }
}

}  // namespace
}  // namespace chaos::protocol
