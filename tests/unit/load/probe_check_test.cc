// Arguments that cannot be probed are refused with a sentence that names probe and field.
#include "injectors/load/probe_check.h"

#include <gtest/gtest.h>

#include <functional>

namespace chaos::load {
namespace {

using namespace std::chrono_literals;
using protocol::ProbeArguments;
using protocol::ProbeKind;
using protocol::ProbePodArguments;

ProbeArguments Probe(ProbeKind kind) {
  ProbeArguments probe;
  probe.name = "p";
  probe.kind = kind;
  probe.url = "http://queen:7833/";
  probe.protocol = "rbee";
  probe.model = "m";
  probe.prompt = "x";
  return probe;
}

std::string Check(ProbeKind kind, const std::function<void(ProbePodArguments&)>& change) {
  ProbePodArguments arguments;
  arguments.max_life = 60s;
  arguments.probes = {Probe(kind)};
  change(arguments);
  const Result<void> fine = CheckProbes(arguments);
  return fine ? "" : fine.error().detail;
}

TEST(ProbeCheck, GoodArgumentsOfEveryKindPass) {
  for (const ProbeKind kind : {ProbeKind::kHttp, ProbeKind::kSse, ProbeKind::kInference}) {
    EXPECT_EQ(Check(kind, [](auto&) {}), "");
  }
}

TEST(ProbeCheck, BadArgumentsAreRefusedWithTheReason) {
  struct Row {
    ProbeKind kind;
    std::function<void(ProbePodArguments&)> change;
    std::string why;
  };
  const auto change = [](auto member, auto value) {
    return [=](ProbePodArguments& a) { a.probes[0].*member = value; };
  };
  using P = ProbeArguments;
  const std::vector<Row> rows = {
      {ProbeKind::kHttp, [](auto& a) { a.max_life = 0s; }, "maxLife must be above 0"},
      {ProbeKind::kHttp, [](auto& a) { a.probes.clear(); }, "probes must not be empty"},
      {ProbeKind::kHttp, [](auto& a) { a.probes.resize(17, a.probes[0]); }, "at most 16"},
      {ProbeKind::kHttp, [](auto& a) { a.probes.push_back(a.probes[0]); },
       "two probes are called \"p\""},
      {ProbeKind::kHttp, change(&P::name, std::string()), "every probe needs a name"},
      {ProbeKind::kHttp, change(&P::url, std::string("queen")), "probe p: \"queen\" is not a URL"},
      {ProbeKind::kHttp, change(&P::interval, milliseconds(50)),
       "probe p: interval must be at least 100ms"},
      {ProbeKind::kHttp, change(&P::timeout, milliseconds(0)), "probe p: timeout must be"},
      {ProbeKind::kSse, change(&P::json_pointer, std::string("hives")),
       "probe p: jsonPointer must begin with /"},
      {ProbeKind::kSse, change(&P::match_pointer, std::string("type")),
       "probe p: matchPointer must begin with /"},
      {ProbeKind::kSse, change(&P::at_least, std::optional<double>(1)),
       "atLeast and atMost need a jsonPointer"},
      {ProbeKind::kInference, change(&P::protocol, std::string("openai")),
       "protocol must be rbee, not \"openai\""},
      {ProbeKind::kInference, change(&P::model, std::string()), "model must not be empty"},
      {ProbeKind::kInference, change(&P::prompt, std::string()), "prompt must not be empty"},
      {ProbeKind::kInference, change(&P::max_tokens, 0), "maxTokens must be 1 to 4096"},
      {ProbeKind::kInference, change(&P::expect_min_tokens, 17), "must not be above maxTokens"},
      {ProbeKind::kInference, change(&P::expect_matches, std::string("(")),
       "expectMatches: the pattern \"(\" cannot"},
  };
  for (const Row& row : rows) {
    const std::string said = Check(row.kind, row.change);
    EXPECT_NE(said.find(row.why), std::string::npos) << "wanted: " << row.why << ", said: " << said;
  }
}

}  // namespace
}  // namespace chaos::load
