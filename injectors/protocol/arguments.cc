#include "injectors/protocol/arguments.h"

#include <array>
#include <utility>

#include "injectors/protocol/field_reader.h"

namespace chaos::protocol {
namespace {

constexpr std::array<std::string_view, 3> kKinds = {"http", "sse", "inference"};

Json ToJson(const ProbeArguments& probe) {
  Json json = {{"name", probe.name},
               {"kind", kKinds[static_cast<std::size_t>(probe.kind)]},
               {"interval", PrintDuration(probe.interval)},
               {"timeout", PrintDuration(probe.timeout)},
               {"url", probe.url}};
  if (!probe.status_in.empty()) json["statusIn"] = probe.status_in;
  PutUnlessEmpty(json, "bodyContains", probe.body_contains);
  PutUnlessEmpty(json, "matchPointer", probe.match_pointer);
  PutUnlessEmpty(json, "matchEquals", probe.match_equals);
  PutUnlessEmpty(json, "jsonPointer", probe.json_pointer);
  if (probe.at_least) json["atLeast"] = *probe.at_least;
  if (probe.at_most) json["atMost"] = *probe.at_most;
  if (probe.max_silence.count() > 0) json["maxSilence"] = PrintDuration(probe.max_silence);
  if (probe.kind == ProbeKind::kInference) {
    json["protocol"] = probe.protocol;
    json["model"] = probe.model;
    json["prompt"] = probe.prompt;
    json["maxTokens"] = probe.max_tokens;
    json["expectMinTokens"] = probe.expect_min_tokens;
    PutUnlessEmpty(json, "expectMatches", probe.expect_matches);
  }
  return json;
}

std::string ReadProbe(const Json& json, std::string where, ProbeArguments& probe) {
  FieldReader reader(json, std::move(where));
  reader.Read("name", probe.name, true);
  reader.Read("kind", probe.kind, kKinds);
  reader.Read("interval", probe.interval);
  reader.Read("timeout", probe.timeout);
  reader.Read("url", probe.url, true);
  std::vector<std::uint16_t> codes;
  reader.Read("statusIn", codes, "a list of status codes");
  probe.status_in.assign(codes.begin(), codes.end());
  reader.Read("bodyContains", probe.body_contains);
  reader.Read("matchPointer", probe.match_pointer);
  reader.Read("matchEquals", probe.match_equals);
  reader.Read("jsonPointer", probe.json_pointer);
  reader.Read("atLeast", probe.at_least);
  reader.Read("atMost", probe.at_most);
  reader.Read("maxSilence", probe.max_silence);
  reader.Read("protocol", probe.protocol);
  reader.Read("model", probe.model);
  reader.Read("prompt", probe.prompt);
  reader.Read("maxTokens", probe.max_tokens);
  reader.Read("expectMatches", probe.expect_matches);
  reader.Read("expectMinTokens", probe.expect_min_tokens);
  return reader.Finish();
}

}  // namespace

Json ToJson(const StopArguments& a) {
  return {{"v", 1}, {"run", a.run}, {"nonce", a.nonce}, {"reason", a.reason}};
}

Json ToJson(const RevertArguments& a) { return {{"v", 1}, {"run", a.run}, {"undo", a.undo}}; }

Json ToJson(const ProbePodArguments& a) {
  Json probes = Json::array();
  for (const ProbeArguments& probe : a.probes) probes.push_back(ToJson(probe));
  return {{"v", 1}, {"run", a.run}, {"maxLife", PrintDuration(a.max_life)}, {"probes", probes}};
}

Result<StopArguments> StopFromJson(std::string_view text) {
  Result<Json> json = ParseJson(text);
  if (!json) return json.error();
  StopArguments a;
  FieldReader reader(*json, "arguments");
  const std::string version = CheckHeader(reader);
  reader.Read("run", a.run, true);
  reader.Read("nonce", a.nonce, true);
  reader.Read("reason", a.reason);
  return Done(std::move(a), {version, reader.Finish()});
}

Result<RevertArguments> RevertFromJson(std::string_view text) {
  Result<Json> json = ParseJson(text);
  if (!json) return json.error();
  RevertArguments a;
  FieldReader reader(*json, "arguments");
  const std::string version = CheckHeader(reader);
  reader.Read("run", a.run, true);
  reader.Read("undo", a.undo, true);
  if (!IsHex(a.run, 10)) reader.Fail("run", "10 hex digits");
  return Done(std::move(a), {version, reader.Finish()});
}

Result<ProbePodArguments> ProbePodFromJson(std::string_view text) {
  Result<Json> json = ParseJson(text);
  if (!json) return json.error();
  ProbePodArguments a;
  FieldReader reader(*json, "arguments");
  const std::string version = CheckHeader(reader);
  reader.Read("run", a.run, true);
  reader.Read("maxLife", a.max_life, true);
  std::string probes = ReadList(reader, "probes", a.probes, ReadProbe);
  return Done(std::move(a), {version, reader.Finish(), probes});
}

}  // namespace chaos::protocol
