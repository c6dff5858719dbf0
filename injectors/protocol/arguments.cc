#include "injectors/protocol/arguments.h"

#include <array>
#include <utility>

#include "injectors/protocol/field_reader.h"
#include "operator/base/time_text.h"

namespace chaos::protocol {
namespace {

constexpr std::array<std::string_view, 3> kDirections = {"Both", "Ingress", "Egress"};
constexpr std::array<std::string_view, 3> kKinds = {"http", "sse", "inference"};

Json ToJson(const Peer& peer) {
  return {{"name", peer.name}, {"addresses", peer.addresses}, {"verify", peer.verify}};
}

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

std::string ReadPeer(const Json& json, std::string where, Peer& peer) {
  FieldReader reader(json, std::move(where));
  reader.Read("name", peer.name, true);
  reader.Read("addresses", peer.addresses, "a list of addresses");
  reader.Read("verify", peer.verify, "a list of ports");
  return reader.Finish();
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

// Runs `read` on every item of a list field; the first error wins.
template <class Item, class Read>
std::string ReadList(FieldReader& reader, const char* key, std::vector<Item>& out, Read read) {
  const Json* list = reader.Take(key, false);
  if (list == nullptr) return "";
  if (!list->is_array()) return std::string(key) + " must be a list";
  for (std::size_t i = 0; i < list->size(); ++i) {
    Item item;
    std::string error = read((*list)[i], std::string(key) + "[" + std::to_string(i) + "]", item);
    if (!error.empty()) return error;
    out.push_back(std::move(item));
  }
  return "";
}

std::string CheckHeader(FieldReader& reader) {
  int version = 0;
  reader.Read("v", version, true);
  return version == 1 || version == 0
             ? ""
             : "arguments of version " + std::to_string(version) + " are not known";
}

template <class T>
Result<T> Done(T value, std::initializer_list<std::string> errors) {
  for (const std::string& error : errors) {
    if (!error.empty()) return Invalid(error);
  }
  return value;
}

}  // namespace

Json ToJson(const InjectArguments& a) {
  Json peers = Json::array();
  for (const Peer& peer : a.partition.peers) peers.push_back(ToJson(peer));
  Json controls = Json::array();
  for (const Control& c : a.controls) {
    controls.push_back({{"name", c.name}, {"address", c.address}, {"port", c.port}});
  }
  return {{"v", 1},
          {"run", a.run},
          {"nonce", a.nonce},
          {"notBefore", PrintTime(a.not_before)},
          {"notAfter", PrintTime(a.not_after)},
          {"duration", PrintDuration(a.duration)},
          {"partition",
           {{"peers", peers},
            {"ports", a.partition.ports},
            {"direction", kDirections[static_cast<std::size_t>(a.partition.direction)]}}},
          {"controls", controls},
          {"protect", a.protect}};
}

Json ToJson(const StopArguments& a) {
  return {{"v", 1}, {"run", a.run}, {"nonce", a.nonce}, {"reason", a.reason}};
}

Json ToJson(const ProbePodArguments& a) {
  Json probes = Json::array();
  for (const ProbeArguments& probe : a.probes) probes.push_back(ToJson(probe));
  return {{"v", 1}, {"run", a.run}, {"maxLife", PrintDuration(a.max_life)}, {"probes", probes}};
}

Result<InjectArguments> InjectFromJson(std::string_view text) {
  Result<Json> json = ParseJson(text);
  if (!json) return json.error();
  InjectArguments a;
  FieldReader reader(*json, "arguments");
  const std::string version = CheckHeader(reader);
  reader.Read("run", a.run, true);
  reader.Read("nonce", a.nonce, true);
  reader.Read("notBefore", a.not_before);
  reader.Read("notAfter", a.not_after);
  reader.Read("duration", a.duration, true);
  reader.Read("protect", a.protect, "a list of addresses");
  std::string controls =
      ReadList(reader, "controls", a.controls, [](const Json& item, std::string where, Control& c) {
        FieldReader r(item, std::move(where));
        r.Read("name", c.name, true);
        r.Read("address", c.address, true);
        r.Read("port", c.port, true);
        return r.Finish();
      });
  std::string partition, peers;
  if (const Json* object = reader.Take("partition", true)) {
    FieldReader r(*object, "partition");
    peers = ReadList(r, "peers", a.partition.peers, ReadPeer);
    r.Read("ports", a.partition.ports, "a list of ports");
    r.Read("direction", a.partition.direction, kDirections);
    partition = r.Finish();
  }
  if (!IsHex(a.run, 10)) reader.Fail("run", "10 hex digits");
  if (!IsHex(a.nonce, 32)) reader.Fail("nonce", "32 hex digits");
  if (a.duration <= milliseconds(0)) reader.Fail("duration", "above 0");
  return Done(std::move(a), {version, reader.Finish(), controls, peers, partition});
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
